"""Splits: a mask that is all zeros or all ones is followed once as each.

Kernel ``maybe_fork_scalars`` (commit bffacdb80b93, after 6.18; in 6.12.117 as corrected),
before AND and OR with a known operand.
"""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, rule, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.alu import alu64_and, alu64_or
from bpfsmt.rules.linux.widen import known, known32


@rule
def fork_scalars(dst: Scalar) -> tuple[bool, Scalar, Scalar]:
    """Whether to split dst before ``dst &= k`` or ``dst |= k``, and its two halves.

    The first half (0) is another state at the same instruction; the second one (-1) goes
    on.  Without a split both are dst itself.
    """
    if dst.smin == -1 and dst.smax == 0:
        return True, known(0), known(0xFFFF_FFFF_FFFF_FFFF)
    if dst.s32min == -1 and dst.s32max == 0:
        return True, known32(dst, 0), known32(dst, U32_MAX)
    return False, dst, dst


@rule
def fork_again() -> bool:
    """Whether the first half is walked through the instruction too, or from behind it."""
    return True


@rule
def forked_and(zeros: Scalar, ones: Scalar, k: u64) -> tuple[Scalar, Scalar]:
    """What the two halves of a split are behind ``dst &= k``."""
    first = alu64_and(zeros, known(k)) if fork_again() else zeros
    return first, alu64_and(ones, known(k))


@rule
def forked_or(zeros: Scalar, ones: Scalar, k: u64) -> tuple[Scalar, Scalar]:
    """What the two halves of a split are behind ``dst |= k``."""
    first = alu64_or(zeros, known(k)) if fork_again() else zeros
    return first, alu64_or(ones, known(k))
