"""Zero- and sign-extension in Linux 6.12: what is left of a register's low bytes.

MOVSX reads a register (``check_alu_op``), a narrow load memory (``check_mem_access``); both
end in the same functions.
"""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, replace, rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import zext32
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.linux.widen import forget32, known
from bpfsmt.rules.tnum import tnum_cast, tnum_const, tnum_range, tnum_zext32


@rule
def low_bits(r: Scalar, bits: u64) -> Scalar:
    """The low ``bits`` (8, 16 or 32), zero-extended (kernel ``coerce_reg_to_size``).

    The range survives if the bits above are the same at both of its ends.
    """
    keep = (u64(1) << bits) - 1
    same = r.umin & ~keep == r.umax & ~keep
    lo = r.umin & keep if same else u64(0)
    hi = r.umax & keep if same else keep
    bits_left = tnum_cast(r.var_off, bits >> 3)
    cut = replace(r, var_off=bits_left, umin=lo, umax=hi, smin=s64(lo), smax=s64(hi))
    return sync(cut if bits >= 32 else forget32(cut))


@rule
def sext_word(x: s64, bits: u64) -> s64:
    """The low ``bits`` of a number, sign-extended."""
    return (x << (64 - bits)) >> (64 - bits)


@rule
def sext_any(bits: u64) -> Scalar:
    """Any number that is the sign-extension of ``bits`` (kernel ``set_sext64_default_val``)."""
    top = (s64(1) << (bits - 1)) - 1
    low = -1 - top
    return replace(UNKNOWN, smin=low, smax=top, s32min=s32(low), s32max=s32(top))


@rule
def sext_range(lo: s64, hi: s64) -> Scalar:
    """The numbers lo..hi, which have one sign and fit 32 bits."""
    return Scalar(
        tnum_range(u64(lo), u64(hi)), u64(lo), u64(hi), lo, hi, u32(lo), u32(hi), s32(lo), s32(hi)
    )


@rule
def movsx64(r: Scalar, bits: u64) -> Scalar:
    """dst = (s8, s16 or s32) src (kernel ``coerce_reg_to_size_sx``).

    The range survives if the bits above are the same at both ends, and the extended ends
    have the same sign.
    """
    if is_const(r):
        return known(u64(sext_word(s64(r.var_off.value), bits)))
    if u64(r.smax) >> bits != u64(r.smin) >> bits:
        return sext_any(bits)
    a = sext_word(r.smin, bits)
    b = sext_word(r.smax, bits)
    if (a >= 0) != (b >= 0):
        return sext_any(bits)
    return sext_range(min(a, b), max(a, b))


@rule
def sext_word32(x: s32, bits: u32) -> s32:
    """The low ``bits`` of a 32-bit number, sign-extended to 32."""
    return (x << (32 - bits)) >> (32 - bits)


@rule
def sext_low(r: Scalar, bits: u32) -> Scalar:
    """The low ``bits`` (8 or 16), sign-extended to 32 (kernel ``coerce_subreg_to_size_sx``).

    Of the result only the low half counts.
    """
    if is_const(r):
        x = sext_word32(s32(r.var_off.value), bits)
        exact = replace(r, var_off=tnum_const(u64(s64(x))), u32min=u32(x), u32max=u32(x))
        return replace(exact, s32min=x, s32max=x)
    a = sext_word32(r.s32min, bits)
    b = sext_word32(r.s32max, bits)
    lo = min(a, b)
    hi = max(a, b)
    if u32(r.s32max) >> bits == u32(r.s32min) >> bits and (a >= 0) == (b >= 0):
        low = tnum_zext32(tnum_range(u64(s64(lo)), u64(s64(hi))))
        return replace(r, var_off=low, u32min=u32(lo), u32max=u32(hi), s32min=lo, s32max=hi)
    top = (s32(1) << (bits - 1)) - 1
    low = tnum_zext32(UNKNOWN.var_off)
    return replace(r, var_off=low, u32min=0, u32max=U32_MAX, s32min=-1 - top, s32max=top)


@rule
def movsx32(r: Scalar, bits: u64) -> Scalar:
    """w_dst = (s8 or s16) w_src."""
    return zext32(sext_low(r, u32(bits)))
