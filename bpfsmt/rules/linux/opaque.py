"""Operations of which Linux 6.12 keeps nothing: quotients, remainders, negation, byte swaps.

``is_safe_to_compute_dst_reg_range`` knows no DIV and MOD, and ``check_alu_op`` marks the
result of NEG and END unknown.  A 32-bit operation is not even zero-extended here.
"""

from __future__ import annotations

from bpfsmt.bits import rule, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar


@rule
def alu64_div(a: Scalar, b: Scalar) -> Scalar:
    """a / b unsigned: any number."""
    return UNKNOWN


@rule
def alu64_mod(a: Scalar, b: Scalar) -> Scalar:
    """a % b unsigned: any number."""
    return UNKNOWN


@rule
def alu64_sdiv(a: Scalar, b: Scalar) -> Scalar:
    """a s/ b: any number."""
    return UNKNOWN


@rule
def alu64_smod(a: Scalar, b: Scalar) -> Scalar:
    """a s% b: any number."""
    return UNKNOWN


@rule
def alu64_neg(a: Scalar) -> Scalar:
    """-a: any number."""
    return UNKNOWN


@rule
def alu32_div(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a / b unsigned: any number."""
    return UNKNOWN


@rule
def alu32_mod(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a % b unsigned: any number."""
    return UNKNOWN


@rule
def alu32_sdiv(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a s/ b: any number."""
    return UNKNOWN


@rule
def alu32_smod(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a s% b: any number."""
    return UNKNOWN


@rule
def alu32_neg(a: Scalar) -> Scalar:
    """(u32) -a: any number."""
    return UNKNOWN


@rule
def byte_swap(r: Scalar, bits: u64) -> Scalar:
    """Bytes swapped, or the low ``bits`` kept: any number."""
    return UNKNOWN
