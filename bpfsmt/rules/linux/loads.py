"""What a load gives and a store leaves (kernel 6.12 ``check_mem_access``, ``check_stack_read``)."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, s64, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.linux.extend import low_bits, movsx64
from bpfsmt.rules.linux.widen import known


@rule
def fill(r: Scalar, size: u64) -> Scalar:
    """A load of the low ``size`` (1, 2, 4 or 8) bytes of a spilled number, zero-extended."""
    return r if size == 8 else low_bits(r, size << 3)


@rule
def fill_sext(r: Scalar, size: u64) -> Scalar:
    """The same with a sign-extending load of 1, 2 or 4 bytes."""
    return movsx64(r, size << 3)


@rule
def store_imm(imm: s32) -> Scalar:
    """The number that ``*(u64 *)(r10 - 8) = imm`` spills: sign-extended."""
    return known(u64(s64(imm)))


@rule
def load(size: u64) -> Scalar:
    """A load of ``size`` bytes of which nothing is known: of memory, of a map value."""
    return fill(UNKNOWN, size)


@rule
def load_sext(size: u64) -> Scalar:
    """The same with a sign-extending load."""
    return fill_sext(UNKNOWN, size)


@rule
def spill_tracked(r: Scalar) -> bool:
    """Whether a spilled number is remembered, or its bytes only as written."""
    return True
