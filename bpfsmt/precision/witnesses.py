"""Pairs of members that may reach the ends of a range, or both values of an unknown bit.

"Some pair of members gives this number" becomes a formula without quantifiers once the pair
is a function of the operands.  The functions here are guesses; what they reach is checked.
They are written for numbers and terms alike, 64 bits wide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import z3

from bpfsmt.domain.scalar import Tnum
from bpfsmt.precision.operations import Operation
from bpfsmt.precision.parts import RangePart

ALL = (1 << 64) - 1
Pair = tuple[Any, Any]


def wide(part: RangePart, end: Any) -> Any:
    """A number that the part reads as ``end``: the low half zero-extended, if it is one."""
    if isinstance(end, int):
        return end & part.word.mask
    return z3.ZeroExt(32, end) if end.size() == 32 else end


def reaching(operation: Operation, part: RangePart, known: list[Any], end: Any) -> list[Pair]:
    """Pairs that may give ``end``; ``known`` has the range of each operand (a count: itself)."""
    e = wide(part, end)
    corners = [[wide(part, v) for v in k] if isinstance(k, tuple) else [k] for k in known]
    a, b = [*corners, [0], [0]][:2]
    found = [(x, y) for x in a for y in b]
    if operation.sets == 1:
        return found + [(x, y) for x in (e, -e & ALL) for y in b]
    if operation.shape == "sum":
        found += [(x, (e - x) & ALL) for x in a] + [((e - y) & ALL, y) for y in b]
    if operation.shape == "difference":
        found += [(x, (x - e) & ALL) for x in a] + [((e + y) & ALL, y) for y in b]
    if operation.shape == "same":
        found += [(e, y) for y in (*b, e)] + [(x, e) for x in a]
    return found


def around_bit(operation: Operation, known: list[Any], bit: Any) -> list[Pair]:
    """Pairs that may give both values of a bit; ``bit`` is that power of two, as a term."""
    each = [list(_members(operation, k, bit)) for k in known]
    a, b = [*each, [0], [0]][:2]
    found = [(x, y) for x in a for y in b]
    if operation.shape == "shared":
        t, u = known
        both = t.value | u.value
        free = t.mask & u.mask
        found += [(x, x) for x in (both, both | free)]
    return found


def _members(operation: Operation, known: Any, bit: Any) -> Iterator[Any]:
    """Members of a tnum: smallest, greatest, and those with one unknown bit turned."""
    if isinstance(known, Tnum):
        mask: Any = known.mask
        yield known.value
        yield known.value | mask
        yield known.value | (mask & bit)
        yield known.value | (mask & ~bit)
    elif isinstance(known, tuple):
        lo, hi = known
        yield lo
        yield hi
        if operation.shape == "middle":
            # The greatest member of which the highest bit that differs is clear, and the next.
            top = _highest(lo ^ hi)
            middle = hi & ~(top - 1) & ALL
            yield middle
            yield (middle - 1) & ALL
    else:
        yield known


def _highest(x: Any) -> Any:
    """The highest bit that is set, by itself."""
    for shift in (1, 2, 4, 8, 16, 32):
        x = x | z3.LShR(x, shift)
    return x ^ z3.LShR(x, 1)
