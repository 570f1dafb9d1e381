"""32-bit compares in a domain of 64-bit ranges only.

Where both operands are known to fit 32 bits, an unsigned compare of the low halves is one
of the whole registers; otherwise, and for signed compares, nothing is learnt.
"""

from __future__ import annotations

from bpfsmt.bits import rule, s32
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.branch64 import (
    UNDECIDED,
    both_32,
    refine64_eq,
    refine64_ne,
    refine64_nset,
    refine64_set,
    refine64_ule,
    refine64_ult,
    taken64_eq,
    taken64_set,
    taken64_ule,
    taken64_ult,
)


@rule
def taken32_eq(a: Scalar, b: Scalar) -> s32:
    """(u32) a == (u32) b."""
    return taken64_eq(a, b) if both_32(a, b) else UNDECIDED


@rule
def taken32_ult(a: Scalar, b: Scalar) -> s32:
    """(u32) a < (u32) b."""
    return taken64_ult(a, b) if both_32(a, b) else UNDECIDED


@rule
def taken32_ule(a: Scalar, b: Scalar) -> s32:
    """(u32) a <= (u32) b."""
    return taken64_ule(a, b) if both_32(a, b) else UNDECIDED


@rule
def taken32_slt(a: Scalar, b: Scalar) -> s32:
    """(s32) a s< (s32) b."""
    return UNDECIDED


@rule
def taken32_sle(a: Scalar, b: Scalar) -> s32:
    """(s32) a s<= (s32) b."""
    return UNDECIDED


@rule
def taken32_set(a: Scalar, b: Scalar) -> s32:
    """(u32) a & (u32) b."""
    return taken64_set(a, b) if both_32(a, b) else UNDECIDED


@rule
def refine32_eq(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a == (u32) b."""
    if both_32(a, b):
        return refine64_eq(a, b)
    return a, b


@rule
def refine32_ne(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a != (u32) b."""
    if both_32(a, b):
        return refine64_ne(a, b)
    return a, b


@rule
def refine32_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a < (u32) b."""
    if both_32(a, b):
        return refine64_ult(a, b)
    return a, b


@rule
def refine32_ule(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a <= (u32) b."""
    if both_32(a, b):
        return refine64_ule(a, b)
    return a, b


@rule
def refine32_slt(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(s32) a s< (s32) b."""
    return a, b


@rule
def refine32_sle(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(s32) a s<= (s32) b."""
    return a, b


@rule
def refine32_set(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a & (u32) b is not 0."""
    if both_32(a, b):
        return refine64_set(a, b)
    return a, b


@rule
def refine32_nset(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a & (u32) b is 0."""
    if both_32(a, b):
        return refine64_nset(a, b)
    return a, b
