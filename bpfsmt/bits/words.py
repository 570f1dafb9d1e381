"""Fixed-width machine words as Python sees them.

A word of type ``u64`` is an int in 0..2**64-1, of type ``s64`` an int in
-2**63..2**63-1, and so on: a word's int is always the number it means.  Calling a type
casts, as C does: ``u8(-1)`` is 255.  To a type checker the names are plain ``int``;
signedness and width inside rules are checked by the rule compiler, which is stricter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias


@dataclass(frozen=True, slots=True)
class Word:
    """A word type: ``bits`` wide, read signed or unsigned.

    >>> Word(8, signed=True)(255)
    -1
    """

    bits: int
    signed: bool

    @property
    def min(self) -> int:
        """The smallest number of this type."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """The largest number of this type."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @property
    def mask(self) -> int:
        """All bits set, as an unsigned number."""
        return (1 << self.bits) - 1

    def __call__(self, x: int) -> int:
        """The number of this type that is congruent to ``x`` modulo 2**bits."""
        if not self.signed:
            return x & self.mask
        half = 1 << (self.bits - 1)
        return ((x + half) & self.mask) - half

    def __contains__(self, x: int) -> bool:
        return self.min <= x <= self.max

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.bits}"


if TYPE_CHECKING:
    u8: TypeAlias = int
    u16: TypeAlias = int
    u32: TypeAlias = int
    u64: TypeAlias = int
    s8: TypeAlias = int
    s16: TypeAlias = int
    s32: TypeAlias = int
    s64: TypeAlias = int
else:
    u8, u16, u32, u64 = (Word(n, signed=False) for n in (8, 16, 32, 64))
    s8, s16, s32, s64 = (Word(n, signed=True) for n in (8, 16, 32, 64))

U32_MAX = (1 << 32) - 1
U64_MAX = (1 << 64) - 1
S32_MIN, S32_MAX = -(1 << 31), (1 << 31) - 1
S64_MIN, S64_MAX = -(1 << 63), (1 << 63) - 1
