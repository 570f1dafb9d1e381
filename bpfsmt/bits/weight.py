"""How large a rule is, as `bpfsmt.bits.flat` writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bpfsmt.bits import ir
from bpfsmt.bits.compile import Compiled
from bpfsmt.bits.types import Bool, RecordType, TupleType
from bpfsmt.bits.words import Word

LARGE = 260
"""A rule with more parts than this, callees included, is called and not written out."""


def weigh(rules: Mapping[str, Compiled], name: str, known: dict[str, int]) -> int:
    """How many parts a rule has, with all that is written out in it; loops count as large."""
    if name not in known:
        count = 0
        for node in nodes(rules[name].body):
            count += 1
            if isinstance(node, ir.For):
                count += LARGE + 1
            elif isinstance(node, ir.Call):
                callee = weigh(rules, node.rule, known)
                count += callee if callee <= LARGE else 1
        known[name] = count
    return known[name]


def nodes(x: Any) -> Iterator[Any]:
    """Every statement and expression in ``x``."""
    if isinstance(x, tuple):
        for each in x:
            yield from nodes(each)
        return
    if not hasattr(x, "__slots__") or isinstance(x, Word | Bool | RecordType | TupleType):
        return
    yield x
    for slot in x.__slots__:
        yield from nodes(getattr(x, slot))
