"""Arithmetic of Linux 6.12: 32-bit ranges beside the 64-bit ones.

ADD to XOR compute both widths at once and a 32-bit instruction keeps only the lower part
(``adjust_scalar_min_max_vals``); shifts have a text for each width.
"""

from __future__ import annotations

from bpfsmt.bits import (
    S32_MAX,
    S32_MIN,
    S64_MAX,
    S64_MIN,
    U32_MAX,
    U64_MAX,
    replace,
    rule,
    s32,
    s64,
    u32,
    u64,
)
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.rules.alu64 import add_overflows, signed_as_unsigned, sub_overflows
from bpfsmt.rules.bounds import bounds_from_tnum, is_const
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.tnum import (
    tnum_add,
    tnum_and,
    tnum_arshift,
    tnum_lshift,
    tnum_mul,
    tnum_or,
    tnum_rshift,
    tnum_sext,
    tnum_sub,
    tnum_umax,
    tnum_xor,
    tnum_zext32,
)


@rule
def zext32(r: Scalar) -> Scalar:
    """The low half as a whole register (``zext_32_to_64`` and sync)."""
    both = r.s32min >= 0 and r.s32max >= 0
    return sync(
        replace(
            r,
            var_off=tnum_zext32(r.var_off),
            umin=u64(r.u32min),
            umax=u64(r.u32max),
            smin=s64(r.s32min) if both else s64(0),
            smax=s64(r.s32max) if both else s64(U32_MAX),
        )
    )


@rule
def fits_s32(x: s64) -> bool:
    """x is a signed 32-bit number."""
    return S32_MIN <= x <= S32_MAX


@rule
def add_core(a: Scalar, b: Scalar) -> Scalar:
    """Ranges of a + b, both widths (``scalar_min_max_add``, ``scalar32_min_max_add``)."""
    wide = add_overflows(a.smin, b.smin) or add_overflows(a.smax, b.smax)
    wrap = a.umin + b.umin < a.umin or a.umax + b.umax < a.umax
    lo32 = s64(a.s32min) + s64(b.s32min)
    hi32 = s64(a.s32max) + s64(b.s32max)
    fits = fits_s32(lo32) and fits_s32(hi32)
    wrap32 = a.u32min + b.u32min < a.u32min or a.u32max + b.u32max < a.u32max
    return Scalar(
        tnum_add(a.var_off, b.var_off),
        u64(0) if wrap else a.umin + b.umin,
        u64(U64_MAX) if wrap else a.umax + b.umax,
        S64_MIN if wide else a.smin + b.smin,
        S64_MAX if wide else a.smax + b.smax,
        u32(0) if wrap32 else a.u32min + b.u32min,
        u32(U32_MAX) if wrap32 else a.u32max + b.u32max,
        s32(lo32) if fits else s32(S32_MIN),
        s32(hi32) if fits else s32(S32_MAX),
    )


@rule
def sub_core(a: Scalar, b: Scalar) -> Scalar:
    """Ranges of a - b, both widths."""
    wide = sub_overflows(a.smin, b.smax) or sub_overflows(a.smax, b.smin)
    wrap = a.umin < b.umax
    lo32 = s64(a.s32min) - s64(b.s32max)
    hi32 = s64(a.s32max) - s64(b.s32min)
    fits = fits_s32(lo32) and fits_s32(hi32)
    wrap32 = a.u32min < b.u32max
    return Scalar(
        tnum_sub(a.var_off, b.var_off),
        u64(0) if wrap else a.umin - b.umax,
        u64(U64_MAX) if wrap else a.umax - b.umin,
        S64_MIN if wide else a.smin - b.smax,
        S64_MAX if wide else a.smax - b.smin,
        u32(0) if wrap32 else a.u32min - b.u32max,
        u32(U32_MAX) if wrap32 else a.u32max - b.u32min,
        s32(lo32) if fits else s32(S32_MIN),
        s32(hi32) if fits else s32(S32_MAX),
    )


@rule
def mul_core(a: Scalar, b: Scalar) -> Scalar:
    """Ranges of a * b where no sign and no overflow is in the way, each width for itself."""
    r = replace(UNKNOWN, var_off=tnum_mul(a.var_off, b.var_off))
    low = a.s32min >= 0 and b.s32min >= 0 and a.u32max <= 0xFFFF and b.u32max <= 0xFFFF
    if low:
        r = replace(r, u32min=a.u32min * b.u32min, u32max=a.u32max * b.u32max)
        if r.u32max <= u32(S32_MAX):
            r = replace(r, s32min=s32(r.u32min), s32max=s32(r.u32max))
    whole = a.smin >= 0 and b.smin >= 0 and a.umax <= U32_MAX and b.umax <= U32_MAX
    if whole:
        r = replace(r, umin=a.umin * b.umin, umax=a.umax * b.umax)
        if r.umax <= u64(S64_MAX):
            r = replace(r, smin=s64(r.umin), smax=s64(r.umax))
    return r


@rule
def signed_as_unsigned32(r: Scalar) -> Scalar:
    """The signed low range that the unsigned one gives, if it does not cross the sign bit."""
    if s32(r.u32min) <= s32(r.u32max):
        return replace(r, s32min=s32(r.u32min), s32max=s32(r.u32max))
    return replace(r, s32min=S32_MIN, s32max=S32_MAX)


@rule
def bitwise_core(bits: Tnum, umin: u64, umax: u64, u32min: u32, u32max: u32) -> Scalar:
    """A result of and, or, xor: known bits win where all are known."""
    low = u32(bits.value)
    known32 = u32(bits.mask) == 0
    r = replace(
        UNKNOWN,
        var_off=bits,
        umin=bits.value if bits.mask == 0 else umin,
        umax=bits.value if bits.mask == 0 else umax,
        u32min=low if known32 else u32min,
        u32max=low if known32 else u32max,
    )
    return bounds_from_tnum(signed_as_unsigned(signed_as_unsigned32(r)))


@rule
def and_core(a: Scalar, b: Scalar) -> Scalar:
    """Ranges of a & b."""
    t = tnum_and(a.var_off, b.var_off)
    return bitwise_core(t, t.value, min(a.umax, b.umax), u32(t.value), min(a.u32max, b.u32max))


@rule
def or_core(a: Scalar, b: Scalar) -> Scalar:
    """Ranges of a | b."""
    t = tnum_or(a.var_off, b.var_off)
    low = u32(tnum_umax(t))
    return bitwise_core(t, max(a.umin, b.umin), tnum_umax(t), max(a.u32min, b.u32min), low)


@rule
def xor_core(a: Scalar, b: Scalar) -> Scalar:
    """Ranges of a ^ b."""
    t = tnum_xor(a.var_off, b.var_off)
    return bitwise_core(t, t.value, tnum_umax(t), u32(t.value), u32(tnum_umax(t)))


@rule
def is_const32(r: Scalar) -> bool:
    """All bits of the low half are known."""
    return u32(r.var_off.mask) == 0


@rule
def alu64_lsh(a: Scalar, b: Scalar) -> Scalar:
    """a << b by a known count; << 32 keeps the sign that the low half had."""
    n = b.var_off.value
    if not is_const(b) or n > 63:
        return UNKNOWN
    fits = a.umax <= u64(1) << (63 - n)
    fits32 = n <= 31 and u64(a.u32max) <= u64(1) << (31 - n)
    return sync(
        replace(
            UNKNOWN,
            var_off=tnum_lshift(a.var_off, n),
            umin=a.umin << n if fits else u64(0),
            umax=a.umax << n if fits else u64(U64_MAX),
            smin=s64(a.s32min) << 32 if n == 32 else S64_MIN,
            smax=s64(a.s32max) << 32 if n == 32 else S64_MAX,
            u32min=a.u32min << u32(n) if fits32 else u32(0),
            u32max=a.u32max << u32(n) if fits32 else u32(U32_MAX),
        )
    )


@rule
def alu64_rsh(a: Scalar, b: Scalar) -> Scalar:
    """a >> b by a known count."""
    n = b.var_off.value
    if not is_const(b) or n > 63:
        return UNKNOWN
    bits = tnum_rshift(a.var_off, n)
    return sync(replace(UNKNOWN, var_off=bits, umin=a.umin >> n, umax=a.umax >> n))


@rule
def alu32_lsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a << b by a known count."""
    n = u32(b.var_off.value)
    if not is_const32(b) or n > 31:
        return zext32(UNKNOWN)
    fits = u64(a.u32max) <= u64(1) << u64(31 - n)
    return zext32(
        replace(
            UNKNOWN,
            var_off=tnum_zext32(tnum_lshift(tnum_zext32(a.var_off), u64(n))),
            u32min=a.u32min << n if fits else u32(0),
            u32max=a.u32max << n if fits else u32(U32_MAX),
        )
    )


@rule
def alu32_rsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a >> b by a known count."""
    n = u32(b.var_off.value)
    if not is_const32(b) or n > 31:
        return zext32(UNKNOWN)
    bits = tnum_rshift(tnum_zext32(a.var_off), u64(n))
    return zext32(replace(UNKNOWN, var_off=bits, u32min=a.u32min >> n, u32max=a.u32max >> n))


@rule
def alu32_arsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) ((s32) a s>> b) by a known count."""
    n = u32(b.var_off.value)
    if not is_const32(b) or n > 31:
        return zext32(UNKNOWN)
    bits = tnum_zext32(tnum_arshift(tnum_sext(a.var_off, 32), u64(n)))
    return zext32(replace(UNKNOWN, var_off=bits, s32min=a.s32min >> n, s32max=a.s32max >> n))


@rule
def alu64_add(a: Scalar, b: Scalar) -> Scalar:
    """64-bit add."""
    return sync(add_core(a, b))


@rule
def alu32_add(a: Scalar, b: Scalar) -> Scalar:
    """32-bit add: the low half of the same computation."""
    return zext32(add_core(a, b))


@rule
def alu64_sub(a: Scalar, b: Scalar) -> Scalar:
    """64-bit sub."""
    return sync(sub_core(a, b))


@rule
def alu32_sub(a: Scalar, b: Scalar) -> Scalar:
    """32-bit sub: the low half of the same computation."""
    return zext32(sub_core(a, b))


@rule
def alu64_mul(a: Scalar, b: Scalar) -> Scalar:
    """64-bit mul."""
    return sync(mul_core(a, b))


@rule
def alu32_mul(a: Scalar, b: Scalar) -> Scalar:
    """32-bit mul: the low half of the same computation."""
    return zext32(mul_core(a, b))


@rule
def alu64_and(a: Scalar, b: Scalar) -> Scalar:
    """64-bit and."""
    return sync(and_core(a, b))


@rule
def alu32_and(a: Scalar, b: Scalar) -> Scalar:
    """32-bit and: the low half of the same computation."""
    return zext32(and_core(a, b))


@rule
def alu64_or(a: Scalar, b: Scalar) -> Scalar:
    """64-bit or."""
    return sync(or_core(a, b))


@rule
def alu32_or(a: Scalar, b: Scalar) -> Scalar:
    """32-bit or: the low half of the same computation."""
    return zext32(or_core(a, b))


@rule
def alu64_xor(a: Scalar, b: Scalar) -> Scalar:
    """64-bit xor."""
    return sync(xor_core(a, b))


@rule
def alu32_xor(a: Scalar, b: Scalar) -> Scalar:
    """32-bit xor: the low half of the same computation."""
    return zext32(xor_core(a, b))
