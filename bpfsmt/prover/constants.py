"""The numbers that a rule's text names: where it changes its mind, so where inputs are tried."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from bpfsmt.bits import Rule, ir
from bpfsmt.bits.words import Word
from bpfsmt.rules.ruleset import RuleSet


def named_numbers(rules: RuleSet, name: str) -> tuple[int, ...]:
    """Those of a rule and of the rules that it calls itself, as 64-bit words.

    `sync` is left out, which nearly all call.

    >>> from bpfsmt.rules import rule_set
    >>> named_numbers(rule_set("linux-6.12"), "lsh_s64")
    (32, 9223372036854775807, 9223372036854775808)
    """
    have = rules.linked.rules
    texts = (_in_text(have[n]) for n in (name, *have[name].callees) if n != "sync")
    return tuple(sorted(frozenset[int]().union(*texts)))


@functools.lru_cache(maxsize=1024)
def _in_text(rule: Rule[..., Any]) -> frozenset[int]:
    return frozenset(x & (1 << 64) - 1 for x in _constants(rule.compiled.body))


def _constants(tree: Any) -> Iterator[int]:
    if isinstance(tree, ir.Const):
        if isinstance(tree.type, Word):
            yield tree.value
    elif isinstance(tree, tuple):
        for part in tree:
            yield from _constants(part)
    elif is_dataclass(tree):
        for field in fields(tree):
            yield from _constants(getattr(tree, field.name))
