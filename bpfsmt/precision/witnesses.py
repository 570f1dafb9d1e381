"""Pairs of members that may reach the ends of a range, or both values of an unknown bit.

"Some pair of members gives this number" becomes a formula without quantifiers once the pair
is a function of the operands.  The functions here are guesses; what they reach is checked.
They are written for numbers and terms alike, 64 bits wide.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import z3

from bpfsmt.domain.scalar import Tnum
from bpfsmt.precision.operations import Operation
from bpfsmt.precision.parts import RangePart

ALL = (1 << 64) - 1
LOW = 0xFFFFFFFF
UPPER = LOW << 32
SIGN = 1 << 63
HALVES = ((0, 0), (UPPER, 0), (0, UPPER), (UPPER, UPPER))
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
        shifted = [(e << y | below) & LOW for y in b for below in (0, (1 << y) - 1)]
        lows = (0, LOW, LOW >> 1, (LOW >> 1) + 1, -e & LOW, *shifted)
        turns = [_half(n, low) for n in a for low in lows]
        return found + [(x, y) for x in (e, -e & ALL, *turns) for y in b]
    if operation.shape == "sum":
        found += [(x, (e - x) & ALL) for x in a] + [((e - y) & ALL, y) for y in b]
    if operation.shape == "difference":
        found += [(x, (x - e) & ALL) for x in a] + [((e + y) & ALL, y) for y in b]
    if operation.shape == "quotient" and part.word.bits == 32:
        found += _divided(e, a, b)
    if operation.shape == "same":
        found += _compared(part, e, a, b)
    return found


def _half(x: Any, low: int) -> Any:
    """x with another low half: where low halves begin and end, read either way."""
    return (x & UPPER) | low


def _divided(e: Any, a: list[Any], b: list[Any]) -> Iterator[Pair]:
    """Numbers with these low halves of which the quotient has the low half ``e``.

    The upper halves are free: the dividend is the multiple of the divisor, and as much more,
    or less, as gives it its low half.
    """
    for x, y in itertools.product(a, (y | upper for y in b for upper in (0, 1 << 32))):
        for quotient in (e, e | UPPER):
            multiple = quotient * y & ALL
            yield multiple + (x - multiple & LOW) & ALL, y
            yield multiple - (multiple - x & LOW) & ALL, y


def _compared(part: RangePart, e: Any, a: list[Any], b: list[Any]) -> Iterator[Pair]:
    """The end itself, against numbers that are at, next to or far from it.

    If only low halves are known, the upper ones are free: each all clear or all set.
    """
    near = [e, (e + 1) & ALL, (e - 1) & ALL]
    far = [0, ALL, SIGN, SIGN - 1]
    for other in (b, a):
        for y in (*other, *near, *far):
            for u, v in HALVES if part.word.bits == 32 else HALVES[:1]:
                yield (e | u, y | v) if other is b else (y | v, e | u)


def around_bit(operation: Operation, known: list[Any], bit: Any) -> list[Pair]:
    """Pairs that may give both values of a bit; ``bit`` is that power of two, as a term."""
    if operation.shape == "shared":
        t, u = known
        both = t.value | u.value
        return [(x, x) for x in (both, both | (t.mask & u.mask))]
    if operation.rule.endswith("_eq") and operation.shape == "same":
        t, u = known
        return list(_met(t, u, LOW if "32" in operation.rule else ALL))
    ends = [list(_ends(operation, k)) for k in known]
    turned = [list(_turned(k, bit, operation.shape == "same")) for k in known]
    if len(known) == 1:
        return [(x, 0) for x in (*ends[0], *turned[0])]
    # An end of one with the bit turned beside the smallest of the other, and all ends.
    found = [(x, y) for x in ends[0] for y in ends[1]]
    found += [(x, ends[1][0]) for x in turned[0]]
    return found + [(ends[0][0], y) for y in turned[1]]


def _met(t: Any, u: Any, low: int) -> Iterator[Pair]:
    """Members of two tnums that are the same in the bits of ``low``, and any in the others."""
    both, unsure = (t.value | u.value) & low, t.mask & u.mask & low
    high = ALL & ~low
    for same in (both, both | unsure):
        for x, y in ((t.value, u.value), (t.value | t.mask, u.value | u.mask)):
            yield same | (x & high), same | (y & high)


def _turned(known: Any, bit: Any, both: bool) -> Iterator[Any]:
    """The smallest member of a tnum with one unknown bit turned; with ``both`` the greatest too.

    That is for compares, behind which the smallest may be no member any more.
    """
    if isinstance(known, Tnum):
        yield known.value | (known.mask & bit)
        if both:
            yield (known.value | known.mask) ^ (known.mask & bit)


def _ends(operation: Operation, known: Any) -> Iterator[Any]:
    """The smallest and the greatest member; of a range also two in the middle."""
    if isinstance(known, Tnum):
        yield known.value
        yield known.value | known.mask
    elif isinstance(known, tuple):
        lo, hi = known
        yield lo
        yield hi
        # The smallest number with the highest bit that differs set, and the one before.
        middle = hi & ~(_highest(lo ^ hi) - 1) & ALL
        yield middle
        yield (middle - 1) & ALL
    else:
        yield known


def _highest(x: Any) -> Any:
    """The highest bit that is set, by itself."""
    for shift in (1, 2, 4, 8, 16, 32):
        x = x | z3.LShR(x, shift)
    return x ^ z3.LShR(x, 1)
