"""32-bit arithmetic, moves and sign extension in a domain of 64-bit ranges only.

A 32-bit operation is the 64-bit one on zero-extended operands, zero-extended again.
"""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, replace, rule, s64, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.alu64 import (
    alu64_add,
    alu64_and,
    alu64_arsh,
    alu64_div,
    alu64_lsh,
    alu64_mod,
    alu64_mul,
    alu64_neg,
    alu64_or,
    alu64_rsh,
    alu64_sdiv,
    alu64_smod,
    alu64_sub,
    alu64_xor,
)
from bpfsmt.rules.bounds import from_umax, sync, zext32
from bpfsmt.rules.tnum import tnum_and, tnum_const, tnum_sext


@rule
def sext(r: Scalar, bits: u64) -> Scalar:
    """The low ``bits`` (8, 16 or 32), sign-extended to 64."""
    top = (u64(1) << (bits - 1)) - 1
    if r.umax <= top:
        return r
    bounds = replace(UNKNOWN, smin=-1 - s64(top), smax=s64(top))
    return sync(replace(bounds, var_off=tnum_sext(r.var_off, bits)))


@rule
def low_bits(r: Scalar, bits: u64) -> Scalar:
    """The low ``bits`` (8, 16 or 32), zero-extended."""
    top = (u64(1) << bits) - 1
    if r.umax <= top:
        return r
    return sync(replace(from_umax(top), var_off=tnum_and(r.var_off, tnum_const(top))))


@rule
def alu32_add(a: Scalar, b: Scalar) -> Scalar:
    """(u32) (a + b)."""
    return zext32(alu64_add(zext32(a), zext32(b)))


@rule
def alu32_sub(a: Scalar, b: Scalar) -> Scalar:
    """(u32) (a - b)."""
    return zext32(alu64_sub(zext32(a), zext32(b)))


@rule
def alu32_mul(a: Scalar, b: Scalar) -> Scalar:
    """(u32) (a * b)."""
    return zext32(alu64_mul(zext32(a), zext32(b)))


@rule
def alu32_and(a: Scalar, b: Scalar) -> Scalar:
    """(u32) (a & b)."""
    return zext32(alu64_and(zext32(a), zext32(b)))


@rule
def alu32_or(a: Scalar, b: Scalar) -> Scalar:
    """(u32) (a | b)."""
    return zext32(alu64_or(zext32(a), zext32(b)))


@rule
def alu32_xor(a: Scalar, b: Scalar) -> Scalar:
    """(u32) (a ^ b)."""
    return zext32(alu64_xor(zext32(a), zext32(b)))


@rule
def alu32_lsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a << b; a count that may reach 32 says nothing."""
    count = zext32(b)
    if count.umax > 31:
        return from_umax(U32_MAX)
    return zext32(alu64_lsh(zext32(a), count))


@rule
def alu32_rsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a >> b, of the truncated operand."""
    count = zext32(b)
    if count.umax > 31:
        return from_umax(U32_MAX)
    return zext32(alu64_rsh(zext32(a), count))


@rule
def alu32_arsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) ((s32) a s>> b)."""
    count = zext32(b)
    if count.umax > 31:
        return from_umax(U32_MAX)
    return zext32(alu64_arsh(sext(zext32(a), 32), count))


@rule
def alu32_neg(a: Scalar) -> Scalar:
    """(u32) -a."""
    return zext32(alu64_neg(zext32(a)))


@rule
def alu32_div(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a / (u32) b."""
    return zext32(alu64_div(zext32(a), zext32(b)))


@rule
def alu32_mod(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a % (u32) b."""
    return zext32(alu64_mod(zext32(a), zext32(b)))


@rule
def alu32_sdiv(a: Scalar, b: Scalar) -> Scalar:
    """(s32) a s/ (s32) b, zero-extended."""
    return zext32(alu64_sdiv(sext(zext32(a), 32), sext(zext32(b), 32)))


@rule
def alu32_smod(a: Scalar, b: Scalar) -> Scalar:
    """(s32) a s% (s32) b, zero-extended."""
    return zext32(alu64_smod(sext(zext32(a), 32), sext(zext32(b), 32)))


@rule
def movsx64(r: Scalar, bits: u64) -> Scalar:
    """dst = (s8/s16/s32) src."""
    return sext(low_bits(r, bits), bits)


@rule
def movsx32(r: Scalar, bits: u64) -> Scalar:
    """w_dst = (s8/s16) w_src."""
    return zext32(sext(low_bits(r, bits), bits))


@rule
def byte_swap(r: Scalar, bits: u64) -> Scalar:
    """Bytes swapped, or the low ``bits`` kept: only the width of the result is known."""
    return UNKNOWN if bits > 63 else from_umax((u64(1) << bits) - 1)


@rule
def swap_bytes(r: Scalar, bits: u64) -> Scalar:
    """The low ``bits`` (16, 32 or 64) with their bytes in reverse order, zero-extended."""
    return byte_swap(r, bits)


@rule
def keep_bytes(r: Scalar, bits: u64) -> Scalar:
    """The low ``bits`` (16, 32 or 64) as they are, zero-extended: already in that order."""
    return byte_swap(r, bits)
