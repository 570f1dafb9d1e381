"""Shifts of Linux 6.12: by a known count only, one text for each width."""

from __future__ import annotations

from bpfsmt.bits import S64_MAX, S64_MIN, U32_MAX, U64_MAX, replace, rule, s64, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import is_const32, zext32
from bpfsmt.rules.linux.sync import bounds32_from_tnum, sync
from bpfsmt.rules.tnum import (
    tnum_arshift,
    tnum_arshift32,
    tnum_lshift,
    tnum_rshift,
    tnum_zext32,
)


@rule
def known_count64(n: Scalar) -> bool:
    """n is one number below 64 (``is_safe_to_compute_dst_reg_range``)."""
    return is_const(n) and n.smin == n.smax and n.umin == n.umax and n.umax < 64


@rule
def known_count32(n: Scalar) -> bool:
    """n is one number below 32, which its whole 64-bit range must show."""
    known = is_const32(n) and n.s32min == n.s32max and n.u32min == n.u32max
    return known and n.umax < 32


@rule
def lsh_u64(r: Scalar, n: u64) -> tuple[u64, u64]:
    """umin and umax of r << n, if no bit is shifted out."""
    return (r.umin << n, r.umax << n) if r.umax <= u64(1) << (63 - n) else (0, U64_MAX)


@rule
def lsh_s64(r: Scalar, n: u64) -> tuple[s64, s64]:
    """smin and smax of r << n: << 32 has the sign that the low half had."""
    if n == 32:
        return s64(r.s32min) << 32, s64(r.s32max) << 32
    return S64_MIN, S64_MAX


@rule
def lsh_u32(r: Scalar, n: u32) -> tuple[u32, u32]:
    """u32min and u32max of r << n, if no bit leaves the low half."""
    fits = n <= 31 and u64(r.u32max) <= u64(1) << u64(31 - n)
    return (r.u32min << n, r.u32max << n) if fits else (0, U32_MAX)


@rule
def alu64_lsh(a: Scalar, b: Scalar) -> Scalar:
    """a << b (``scalar_min_max_lsh``)."""
    if not known_count64(b):
        return UNKNOWN
    n = b.umin
    umin, umax = lsh_u64(a, n)
    smin, smax = lsh_s64(a, n)
    u32min, u32max = lsh_u32(a, u32(n))
    whole = replace(UNKNOWN, var_off=tnum_lshift(a.var_off, n), umin=umin, umax=umax)
    return sync(replace(whole, smin=smin, smax=smax, u32min=u32min, u32max=u32max))


@rule
def alu64_rsh(a: Scalar, b: Scalar) -> Scalar:
    """a >> b (``scalar_min_max_rsh``)."""
    if not known_count64(b):
        return UNKNOWN
    n = b.umin
    bits = tnum_rshift(a.var_off, n)
    return sync(replace(UNKNOWN, var_off=bits, umin=a.umin >> n, umax=a.umax >> n))


@rule
def alu64_arsh(a: Scalar, b: Scalar) -> Scalar:
    """a s>> b (``scalar_min_max_arsh``)."""
    if not known_count64(b):
        return UNKNOWN
    n = b.umin
    bits = tnum_arshift(a.var_off, n)
    return sync(replace(UNKNOWN, var_off=bits, smin=a.smin >> n, smax=a.smax >> n))


@rule
def lsh_low(a: Scalar, n: u32) -> Scalar:
    """(u32) a << n for n below 32 (``scalar32_min_max_lsh``)."""
    u32min, u32max = lsh_u32(a, n)
    bits = tnum_zext32(tnum_lshift(tnum_zext32(a.var_off), u64(n)))
    low = replace(UNKNOWN, var_off=bits, u32min=u32min, u32max=u32max)
    return zext32(bounds32_from_tnum(low))


@rule
def rsh_low(a: Scalar, n: u32) -> Scalar:
    """(u32) a >> n for n below 32 (``scalar32_min_max_rsh``)."""
    bits = tnum_rshift(tnum_zext32(a.var_off), u64(n))
    low = replace(UNKNOWN, var_off=bits, u32min=a.u32min >> n, u32max=a.u32max >> n)
    return zext32(bounds32_from_tnum(low))


@rule
def arsh_low(a: Scalar, n: u32) -> Scalar:
    """(u32) ((s32) a s>> n) for n below 32 (``scalar32_min_max_arsh``)."""
    bits = tnum_arshift32(a.var_off, u64(n))
    low = replace(UNKNOWN, var_off=bits, s32min=a.s32min >> n, s32max=a.s32max >> n)
    return zext32(bounds32_from_tnum(low))


@rule
def alu32_lsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a << b."""
    return lsh_low(a, b.u32min) if known_count32(b) else UNKNOWN


@rule
def alu32_rsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a >> b."""
    return rsh_low(a, b.u32min) if known_count32(b) else UNKNOWN


@rule
def alu32_arsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) ((s32) a s>> b)."""
    return arsh_low(a, b.u32min) if known_count32(b) else UNKNOWN
