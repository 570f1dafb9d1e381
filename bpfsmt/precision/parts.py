"""The parts of a scalar, each as a small domain of its own: hull, order, size.

A part is the tnum or one of the four ranges.  Of a set of numbers each part has one smallest
value around it, the *hull*; a rule is optimal in a part if its result is the hull there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RangePart:
    """A range of the whole or of the low half, read signed or unsigned."""

    name: str
    lo: str
    hi: str
    word: Word

    def of(self, r: Scalar) -> Any:
        """What r says here: the two ends."""
        return getattr(r, self.lo), getattr(r, self.hi)

    def alone(self, value: Any) -> Scalar:
        """The scalar of which nothing else is known."""
        return self.put(UNKNOWN, value)

    def put(self, r: Scalar, value: Any) -> Scalar:
        """r with this in place of what it says here."""
        return r._replace(**{self.lo: value[0], self.hi: value[1]})

    def read(self, x: int) -> int:
        """A 64-bit number as this part reads it."""
        return self.word(x)

    def read_term(self, x: Any) -> Any:
        """The same of a term."""
        return z3.Extract(31, 0, x) if self.word.bits == 32 and x.size() == 64 else x

    def le(self, x: Any, y: Any) -> Any:
        """x <= y, of terms as this part reads them."""
        return x <= y if self.word.signed else z3.ULE(x, y)

    def hull(self, numbers: Iterable[int]) -> Range:
        """The smallest range around 64-bit numbers (at least one)."""
        read = [self.word(x) for x in numbers]
        return min(read), max(read)

    def covers(self, big: Range, small: Range) -> bool:
        """The range ``small`` lies inside ``big``."""
        return big[0] <= small[0] and small[1] <= big[1]

    def bits(self, value: Range) -> float:
        """log2 of how many numbers the range admits."""
        return math.log2(value[1] - value[0] + 1)


@dataclass(frozen=True, slots=True)
class TnumPart:
    """The known bits; also those of a rule on tnums alone."""

    name: str = "tnum"

    def of(self, r: Any) -> Tnum:
        """What r says here."""
        return r.var_off if isinstance(r, Scalar) else r

    def alone(self, value: Any) -> Scalar:
        """The scalar of which nothing else is known."""
        return self.put(UNKNOWN, value)

    def put(self, r: Scalar, value: Any) -> Scalar:
        """r with this in place of what it says here."""
        return r._replace(var_off=value)

    def hull(self, numbers: Iterable[int]) -> Tnum:
        """The smallest tnum around numbers (at least one)."""
        each = list(numbers)
        ones, any_ = each[0], each[0]
        for x in each:
            ones &= x
            any_ |= x
        return Tnum(ones, any_ ^ ones)

    def covers(self, big: Tnum, small: Tnum) -> bool:
        """γ(small) lies inside γ(big)."""
        return not small.mask & ~big.mask and small.value & ~big.mask == big.value

    def bits(self, value: Tnum) -> float:
        """log2 of how many numbers the tnum admits: its unknown bits."""
        return float(value.mask.bit_count())


Part = RangePart | TnumPart

TNUM_PART = TnumPart()
RANGES = (
    RangePart("u64", "umin", "umax", Word(64, False)),
    RangePart("s64", "smin", "smax", Word(64, True)),
    RangePart("u32", "u32min", "u32max", Word(32, False)),
    RangePart("s32", "s32min", "s32max", Word(32, True)),
)
PARTS: dict[str, Part] = {p.name: p for p in (TNUM_PART, *RANGES)}
"""All parts by name."""


def other(part: RangePart) -> RangePart:
    """The range of the same width that is read the other way.

    >>> other(RANGES[0]).name
    's64'
    """
    return next(p for p in RANGES if p.word.bits == part.word.bits and p != part)
