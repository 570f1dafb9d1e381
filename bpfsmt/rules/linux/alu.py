"""Arithmetic of Linux 6.12: 32-bit ranges beside the 64-bit ones.

ADD to XOR compute both widths at once and a 32-bit instruction keeps only the lower part
(``adjust_scalar_min_max_vals``); shifts, in `bpfsmt.rules.linux.shift`, have a text for each.
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
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.alu64 import add_overflows, signed_as_unsigned, sub_overflows
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.sync import from_bits, sync
from bpfsmt.rules.linux.widen import forget32, forget64, known
from bpfsmt.rules.tnum import (
    tnum_add,
    tnum_and,
    tnum_mul,
    tnum_or,
    tnum_sub,
    tnum_umax,
    tnum_xor,
    tnum_zext32,
)


@rule
def low_as_whole(r: Scalar) -> Scalar:
    """r with its low half's ranges as those of the whole (``__reg_assign_32_into_64``)."""
    both = r.s32min >= 0 and r.s32max >= 0
    return replace(
        r,
        umin=u64(r.u32min),
        umax=u64(r.u32max),
        smin=s64(r.s32min) if both else s64(0),
        smax=s64(r.s32max) if both else s64(U32_MAX),
    )


@rule
def zext32(r: Scalar) -> Scalar:
    """The low half as a whole register (``zext_32_to_64`` and sync)."""
    return sync(low_as_whole(replace(r, var_off=tnum_zext32(r.var_off))))


@rule
def fits_s32(x: s64) -> bool:
    """x is a signed 32-bit number."""
    return S32_MIN <= x <= S32_MAX


@rule
def add_u64(a: Scalar, b: Scalar) -> tuple[u64, u64]:
    """umin and umax of a + b, unless an end wraps."""
    wrap = a.umin + b.umin < a.umin or a.umax + b.umax < a.umax
    return (0, U64_MAX) if wrap else (a.umin + b.umin, a.umax + b.umax)


@rule
def add_s64(a: Scalar, b: Scalar) -> tuple[s64, s64]:
    """smin and smax of a + b, unless an end overflows."""
    wide = add_overflows(a.smin, b.smin) or add_overflows(a.smax, b.smax)
    return (S64_MIN, S64_MAX) if wide else (a.smin + b.smin, a.smax + b.smax)


@rule
def add_u32(a: Scalar, b: Scalar) -> tuple[u32, u32]:
    """u32min and u32max of a + b, unless an end wraps."""
    wrap = a.u32min + b.u32min < a.u32min or a.u32max + b.u32max < a.u32max
    return (0, U32_MAX) if wrap else (a.u32min + b.u32min, a.u32max + b.u32max)


@rule
def add_s32(a: Scalar, b: Scalar) -> tuple[s32, s32]:
    """s32min and s32max of a + b, unless an end overflows."""
    lo = s64(a.s32min) + s64(b.s32min)
    hi = s64(a.s32max) + s64(b.s32max)
    return (s32(lo), s32(hi)) if fits_s32(lo) and fits_s32(hi) else (S32_MIN, S32_MAX)


@rule
def add_core(a: Scalar, b: Scalar) -> Scalar:
    """a + b, both widths (``scalar_min_max_add``, ``scalar32_min_max_add``)."""
    umin, umax = add_u64(a, b)
    smin, smax = add_s64(a, b)
    u32min, u32max = add_u32(a, b)
    s32min, s32max = add_s32(a, b)
    bits = tnum_add(a.var_off, b.var_off)
    return Scalar(bits, umin, umax, smin, smax, u32min, u32max, s32min, s32max)


@rule
def sub_u64(a: Scalar, b: Scalar) -> tuple[u64, u64]:
    """umin and umax of a - b, unless it may wrap."""
    return (0, U64_MAX) if a.umin < b.umax else (a.umin - b.umax, a.umax - b.umin)


@rule
def sub_s64(a: Scalar, b: Scalar) -> tuple[s64, s64]:
    """smin and smax of a - b, unless an end overflows."""
    wide = sub_overflows(a.smin, b.smax) or sub_overflows(a.smax, b.smin)
    return (S64_MIN, S64_MAX) if wide else (a.smin - b.smax, a.smax - b.smin)


@rule
def sub_u32(a: Scalar, b: Scalar) -> tuple[u32, u32]:
    """u32min and u32max of a - b, unless it may wrap."""
    return (0, U32_MAX) if a.u32min < b.u32max else (a.u32min - b.u32max, a.u32max - b.u32min)


@rule
def sub_s32(a: Scalar, b: Scalar) -> tuple[s32, s32]:
    """s32min and s32max of a - b, unless an end overflows."""
    lo = s64(a.s32min) - s64(b.s32max)
    hi = s64(a.s32max) - s64(b.s32min)
    return (s32(lo), s32(hi)) if fits_s32(lo) and fits_s32(hi) else (S32_MIN, S32_MAX)


@rule
def sub_core(a: Scalar, b: Scalar) -> Scalar:
    """a - b, both widths (``scalar_min_max_sub``, ``scalar32_min_max_sub``)."""
    umin, umax = sub_u64(a, b)
    smin, smax = sub_s64(a, b)
    u32min, u32max = sub_u32(a, b)
    s32min, s32max = sub_s32(a, b)
    bits = tnum_sub(a.var_off, b.var_off)
    return Scalar(bits, umin, umax, smin, smax, u32min, u32max, s32min, s32max)


@rule
def mul_low(r: Scalar, a: Scalar, b: Scalar) -> Scalar:
    """r with the low half's ranges of a * b (``scalar32_min_max_mul``).

    Known only if neither factor is negative and both are below 2**16.
    """
    if a.s32min < 0 or b.s32min < 0 or a.u32max > 0xFFFF or b.u32max > 0xFFFF:
        return forget32(r)
    lo = a.u32min * b.u32min
    hi = a.u32max * b.u32max
    fits = hi <= S32_MAX
    low = replace(r, u32min=lo, u32max=hi)
    return replace(low, s32min=s32(lo) if fits else S32_MIN, s32max=s32(hi) if fits else S32_MAX)


@rule
def mul_whole(r: Scalar, a: Scalar, b: Scalar) -> Scalar:
    """r with the 64-bit ranges of a * b (``scalar_min_max_mul``).

    Known only if neither factor is negative and both are below 2**32.
    """
    if a.smin < 0 or b.smin < 0 or a.umax > U32_MAX or b.umax > U32_MAX:
        return forget64(r)
    lo = a.umin * b.umin
    hi = a.umax * b.umax
    fits = hi <= S64_MAX
    whole = replace(r, umin=lo, umax=hi)
    return replace(whole, smin=s64(lo) if fits else S64_MIN, smax=s64(hi) if fits else S64_MAX)


@rule
def mul_core(a: Scalar, b: Scalar) -> Scalar:
    """a * b, each width for itself."""
    r = replace(UNKNOWN, var_off=tnum_mul(a.var_off, b.var_off))
    return mul_whole(mul_low(r, a, b), a, b)


@rule
def is_const32(r: Scalar) -> bool:
    """All bits of the low half are known."""
    return u32(r.var_off.mask) == 0


@rule
def signed_as_unsigned32(r: Scalar) -> Scalar:
    """The signed low range that the unsigned one gives, if it does not cross the sign bit."""
    if s32(r.u32min) <= s32(r.u32max):
        return replace(r, s32min=s32(r.u32min), s32max=s32(r.u32max))
    return replace(r, s32min=S32_MIN, s32max=S32_MAX)


@rule
def bitwise_low(r: Scalar, exact: bool, lo: u32, hi: u32) -> Scalar:
    """r whose low half is in lo..hi, or if ``exact`` just what its bits say."""
    low = u32(r.var_off.value)
    bounds = replace(r, u32min=low if exact else lo, u32max=low if exact else hi)
    return signed_as_unsigned32(bounds)


@rule
def bitwise_whole(r: Scalar, exact: bool, lo: u64, hi: u64) -> Scalar:
    """r which is in lo..hi, or if ``exact`` just what its bits say."""
    if exact:
        return known(r.var_off.value)
    return from_bits(signed_as_unsigned(replace(r, umin=lo, umax=hi)))


@rule
def and_core(a: Scalar, b: Scalar) -> Scalar:
    """a & b is at most either operand (``scalar_min_max_and``, ``scalar32_min_max_and``)."""
    t = tnum_and(a.var_off, b.var_off)
    r = replace(UNKNOWN, var_off=t)
    exact32 = is_const32(r) and is_const32(b)
    low = bitwise_low(r, exact32, u32(t.value), min(a.u32max, b.u32max))
    return bitwise_whole(low, is_const(r) and is_const(b), t.value, min(a.umax, b.umax))


@rule
def or_core(a: Scalar, b: Scalar) -> Scalar:
    """a | b is at least either operand (``scalar_min_max_or``, ``scalar32_min_max_or``)."""
    t = tnum_or(a.var_off, b.var_off)
    r = replace(UNKNOWN, var_off=t)
    exact32 = is_const32(r) and is_const32(b)
    low = bitwise_low(r, exact32, max(a.u32min, b.u32min), u32(tnum_umax(t)))
    return bitwise_whole(low, is_const(r) and is_const(b), max(a.umin, b.umin), tnum_umax(t))


@rule
def xor_core(a: Scalar, b: Scalar) -> Scalar:
    """a ^ b, from the bits (``scalar_min_max_xor``, ``scalar32_min_max_xor``)."""
    t = tnum_xor(a.var_off, b.var_off)
    r = replace(UNKNOWN, var_off=t)
    exact32 = is_const32(r) and is_const32(b)
    low = bitwise_low(r, exact32, u32(t.value), u32(tnum_umax(t)))
    return bitwise_whole(low, is_const(r) and is_const(b), t.value, tnum_umax(t))


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
