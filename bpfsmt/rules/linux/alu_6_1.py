"""Arithmetic of Linux 6.1: most operations need a known second operand.

Kernel 6.1 ``adjust_scalar_min_max_vals``: a second operand whose ranges contradict each
other makes the result unknown, and so does one that is not a constant, but for ADD, SUB
and AND.  The signed ranges of AND, OR, XOR go by the operands' signs, as they did until
6.10 (1f586614f3ff).
"""

from __future__ import annotations

from bpfsmt.bits import S32_MAX, S32_MIN, S64_MAX, S64_MIN, replace, rule, s32, s64, u32
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import (
    add_core,
    is_const32,
    mul_core,
    sub_core,
    zext32,
)
from bpfsmt.rules.linux.shift import arsh_low, lsh_low, rsh_low
from bpfsmt.rules.linux.sync import from_bits, sync
from bpfsmt.rules.linux.widen import known
from bpfsmt.rules.tnum import tnum_and, tnum_or, tnum_umax, tnum_xor


@rule
def tainted64(b: Scalar) -> bool:
    """b's 64-bit ranges contradict its bits or are empty."""
    differ = b.smin != b.smax or b.umin != b.umax
    return (is_const(b) and differ) or b.smin > b.smax or b.umin > b.umax


@rule
def tainted32(b: Scalar) -> bool:
    """The same of b's low half."""
    differ = b.s32min != b.s32max or b.u32min != b.u32max
    return (is_const32(b) and differ) or b.s32min > b.s32max or b.u32min > b.u32max


@rule
def usable64(b: Scalar) -> bool:
    """b is a known second operand."""
    return is_const(b) and not tainted64(b)


@rule
def usable32(b: Scalar) -> bool:
    """b's low half is a known second operand."""
    return is_const32(b) and not tainted32(b)


@rule
def signed_low(r: Scalar, positive: bool) -> Scalar:
    """r, whose signed low range is the unsigned one if no operand was negative."""
    lo = s32(r.u32min) if positive else s32(S32_MIN)
    hi = s32(r.u32max) if positive else s32(S32_MAX)
    return replace(r, s32min=lo, s32max=hi)


@rule
def signed_whole(r: Scalar, positive: bool) -> Scalar:
    """The same of the whole."""
    lo = s64(r.umin) if positive else s64(S64_MIN)
    hi = s64(r.umax) if positive else s64(S64_MAX)
    return replace(r, smin=lo, smax=hi)


@rule
def bitwise_6_1(r: Scalar, a: Scalar, b: Scalar) -> Scalar:
    """r, with both unsigned ranges of a bitwise operation on a and b, completed.

    Where the second operand and the result are known, the bits say it all.
    """
    low = u32(r.var_off.value)
    exact = replace(r, u32min=low, u32max=low, s32min=s32(low), s32max=s32(low))
    part = (
        exact if is_const32(r) and is_const32(b) else signed_low(r, a.s32min >= 0 and b.s32min >= 0)
    )
    if is_const(r) and is_const(b):
        return known(r.var_off.value)
    return from_bits(signed_whole(part, a.smin >= 0 and b.smin >= 0))


@rule
def and_core(a: Scalar, b: Scalar) -> Scalar:
    """a & b (kernel 6.1 ``scalar_min_max_and``)."""
    t = tnum_and(a.var_off, b.var_off)
    r = replace(UNKNOWN, var_off=t, umin=t.value, umax=min(a.umax, b.umax))
    return bitwise_6_1(replace(r, u32min=u32(t.value), u32max=min(a.u32max, b.u32max)), a, b)


@rule
def or_core(a: Scalar, b: Scalar) -> Scalar:
    """a | b (kernel 6.1 ``scalar_min_max_or``)."""
    t = tnum_or(a.var_off, b.var_off)
    r = replace(UNKNOWN, var_off=t, umin=max(a.umin, b.umin), umax=tnum_umax(t))
    low = replace(r, u32min=max(a.u32min, b.u32min), u32max=u32(tnum_umax(t)))
    return bitwise_6_1(low, a, b)


@rule
def xor_core(a: Scalar, b: Scalar) -> Scalar:
    """a ^ b (kernel 6.1 ``scalar_min_max_xor``)."""
    t = tnum_xor(a.var_off, b.var_off)
    r = replace(UNKNOWN, var_off=t, umin=t.value, umax=tnum_umax(t))
    return bitwise_6_1(replace(r, u32min=u32(t.value), u32max=u32(tnum_umax(t))), a, b)


@rule
def alu64_add(a: Scalar, b: Scalar) -> Scalar:
    """a + b."""
    return UNKNOWN if tainted64(b) else sync(add_core(a, b))


@rule
def alu64_sub(a: Scalar, b: Scalar) -> Scalar:
    """a - b."""
    return UNKNOWN if tainted64(b) else sync(sub_core(a, b))


@rule
def alu64_and(a: Scalar, b: Scalar) -> Scalar:
    """a & b."""
    return UNKNOWN if tainted64(b) else sync(and_core(a, b))


@rule
def alu64_mul(a: Scalar, b: Scalar) -> Scalar:
    """a * b."""
    return UNKNOWN if not usable64(b) else sync(mul_core(a, b))


@rule
def alu64_or(a: Scalar, b: Scalar) -> Scalar:
    """a | b."""
    return UNKNOWN if not usable64(b) else sync(or_core(a, b))


@rule
def alu64_xor(a: Scalar, b: Scalar) -> Scalar:
    """a ^ b."""
    return UNKNOWN if not usable64(b) else sync(xor_core(a, b))


@rule
def alu32_add(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a + b."""
    return UNKNOWN if tainted32(b) else zext32(add_core(a, b))


@rule
def alu32_sub(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a - b."""
    return UNKNOWN if tainted32(b) else zext32(sub_core(a, b))


@rule
def alu32_and(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a & b."""
    return UNKNOWN if tainted32(b) else zext32(and_core(a, b))


@rule
def alu32_mul(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a * b."""
    return UNKNOWN if not usable32(b) else zext32(mul_core(a, b))


@rule
def alu32_or(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a | b."""
    return UNKNOWN if not usable32(b) else zext32(or_core(a, b))


@rule
def alu32_xor(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a ^ b."""
    return UNKNOWN if not usable32(b) else zext32(xor_core(a, b))


@rule
def shifted_low(b: Scalar, r: Scalar) -> Scalar:
    """r, the low half shifted by b, if b is a known count; one above 31 leaves any low half."""
    if not usable32(b):
        return UNKNOWN
    return zext32(UNKNOWN) if b.umax >= 32 else r


@rule
def alu32_lsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a << b."""
    return shifted_low(b, lsh_low(a, b.u32min))


@rule
def alu32_rsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a >> b."""
    return shifted_low(b, rsh_low(a, b.u32min))


@rule
def alu32_arsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) ((s32) a s>> b)."""
    return shifted_low(b, arsh_low(a, b.u32min))


@rule
def alu32_div(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a / b: any low half; with an unknown b, any number."""
    return zext32(UNKNOWN) if usable32(b) else UNKNOWN


@rule
def alu32_mod(a: Scalar, b: Scalar) -> Scalar:
    """(u32) a % b: any low half; with an unknown b, any number."""
    return zext32(UNKNOWN) if usable32(b) else UNKNOWN
