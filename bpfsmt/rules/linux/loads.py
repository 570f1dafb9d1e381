"""What a load gives (kernel 6.12 ``check_mem_access``, ``check_stack_read_fixed_off``)."""

from __future__ import annotations

from bpfsmt.bits import rule, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.linux.extend import low_bits, movsx64


@rule
def fill(r: Scalar, size: u64) -> Scalar:
    """A load of the low ``size`` (1, 2, 4 or 8) bytes of a spilled number, zero-extended."""
    return r if size == 8 else low_bits(r, size << 3)


@rule
def fill_sext(r: Scalar, size: u64) -> Scalar:
    """The same with a sign-extending load of 1, 2 or 4 bytes."""
    return movsx64(r, size << 3)


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
