"""Arithmetic on scalars in the paper's domain: 64-bit ranges and a tnum.

The formulas are those of Linux 4.18 ``adjust_scalar_min_max_vals``, with the later
corrections that its era still lacked (Linux 6.10's signed bounds of and/or/xor).
"""

from __future__ import annotations

from bpfsmt.bits import S64_MAX, S64_MIN, U32_MAX, U64_MAX, replace, rule, s64, u64
from bpfsmt.domain.scalar import TNUM_UNKNOWN, UNKNOWN, Scalar
from bpfsmt.rules.bounds import from_tnum, is_const, sync
from bpfsmt.rules.tnum import (
    tnum_add,
    tnum_and,
    tnum_arshift,
    tnum_lshift,
    tnum_mul,
    tnum_neg,
    tnum_or,
    tnum_rshift,
    tnum_sub,
    tnum_umax,
    tnum_xor,
)


@rule
def add_overflows(a: s64, b: s64) -> bool:
    """a + b does not fit s64."""
    sum_ = a + b
    return (sum_ < a) if b >= 0 else (sum_ > a)


@rule
def sub_overflows(a: s64, b: s64) -> bool:
    """a - b does not fit s64."""
    difference = a - b
    return (difference > a) if b >= 0 else (difference < a)


@rule
def alu64_add(a: Scalar, b: Scalar) -> Scalar:
    """a + b: bounds add up unless an end wraps."""
    wide = add_overflows(a.smin, b.smin) or add_overflows(a.smax, b.smax)
    wrap = a.umin + b.umin < a.umin or a.umax + b.umax < a.umax
    return sync(
        replace(
            UNKNOWN,
            var_off=tnum_add(a.var_off, b.var_off),
            smin=S64_MIN if wide else a.smin + b.smin,
            smax=S64_MAX if wide else a.smax + b.smax,
            umin=0 if wrap else a.umin + b.umin,
            umax=U64_MAX if wrap else a.umax + b.umax,
        )
    )


@rule
def alu64_sub(a: Scalar, b: Scalar) -> Scalar:
    """a - b: each bound less the opposite one, unless an end wraps."""
    wide = sub_overflows(a.smin, b.smax) or sub_overflows(a.smax, b.smin)
    wrap = a.umin < b.umax
    return sync(
        replace(
            UNKNOWN,
            var_off=tnum_sub(a.var_off, b.var_off),
            smin=S64_MIN if wide else a.smin - b.smax,
            smax=S64_MAX if wide else a.smax - b.smin,
            umin=0 if wrap else a.umin - b.umax,
            umax=U64_MAX if wrap else a.umax - b.umin,
        )
    )


@rule
def alu64_mul(a: Scalar, b: Scalar) -> Scalar:
    """a * b: bounds multiply if both factors are non-negative and below 2**32."""
    bits = tnum_mul(a.var_off, b.var_off)
    if a.smin < 0 or b.smin < 0 or a.umax > U32_MAX or b.umax > U32_MAX:
        return from_tnum(bits)
    lo = a.umin * b.umin
    hi = a.umax * b.umax
    fits = hi <= u64(S64_MAX)
    return sync(
        replace(
            UNKNOWN,
            var_off=bits,
            umin=lo,
            umax=hi,
            smin=s64(lo) if fits else S64_MIN,
            smax=s64(hi) if fits else S64_MAX,
        )
    )


@rule
def signed_as_unsigned(r: Scalar) -> Scalar:
    """The signed range that the unsigned one gives, if it does not cross the sign bit."""
    if s64(r.umin) <= s64(r.umax):
        return replace(r, smin=s64(r.umin), smax=s64(r.umax))
    return replace(r, smin=S64_MIN, smax=S64_MAX)


@rule
def alu64_and(a: Scalar, b: Scalar) -> Scalar:
    """a & b is at most either operand."""
    bits = tnum_and(a.var_off, b.var_off)
    r = replace(UNKNOWN, var_off=bits, umin=bits.value, umax=min(a.umax, b.umax))
    return sync(signed_as_unsigned(r))


@rule
def alu64_or(a: Scalar, b: Scalar) -> Scalar:
    """a | b is at least either operand."""
    bits = tnum_or(a.var_off, b.var_off)
    r = replace(UNKNOWN, var_off=bits, umin=max(a.umin, b.umin), umax=tnum_umax(bits))
    return sync(signed_as_unsigned(r))


@rule
def alu64_xor(a: Scalar, b: Scalar) -> Scalar:
    """a ^ b, from the bits."""
    return from_tnum(tnum_xor(a.var_off, b.var_off))


@rule
def alu64_lsh(a: Scalar, b: Scalar) -> Scalar:
    """a << b; a count that may reach 64 says nothing."""
    if b.umax > 63:
        return UNKNOWN
    fits = a.umax <= U64_MAX >> b.umax
    count = b.var_off.value if is_const(b) else b.umin
    bits = tnum_lshift(a.var_off if is_const(b) else TNUM_UNKNOWN, count)
    return sync(
        replace(
            UNKNOWN,
            var_off=bits,
            umin=a.umin << b.umin if fits else u64(0),
            umax=a.umax << b.umax if fits else u64(U64_MAX),
        )
    )


@rule
def alu64_rsh(a: Scalar, b: Scalar) -> Scalar:
    """a >> b, filled with zeros: smallest when shifted furthest."""
    if b.umax > 63:
        return UNKNOWN
    count = b.var_off.value if is_const(b) else b.umin
    bits = tnum_rshift(a.var_off if is_const(b) else TNUM_UNKNOWN, count)
    return sync(replace(UNKNOWN, var_off=bits, umin=a.umin >> b.umax, umax=a.umax >> b.umin))


@rule
def alu64_arsh(a: Scalar, b: Scalar) -> Scalar:
    """a s>> b for a known count below 64."""
    if not is_const(b) or b.umax > 63:
        return UNKNOWN
    count = b.var_off.value
    return sync(
        replace(
            UNKNOWN,
            var_off=tnum_arshift(a.var_off, count),
            smin=a.smin >> count,
            smax=a.smax >> count,
        )
    )


@rule
def alu64_neg(a: Scalar) -> Scalar:
    """-a, from the bits."""
    return from_tnum(tnum_neg(a.var_off))


@rule
def alu64_div(a: Scalar, b: Scalar) -> Scalar:
    """a / b unsigned; the paper's verifier knows nothing of quotients."""
    return UNKNOWN


@rule
def alu64_mod(a: Scalar, b: Scalar) -> Scalar:
    """a % b unsigned; nothing is known of remainders."""
    return UNKNOWN


@rule
def alu64_sdiv(a: Scalar, b: Scalar) -> Scalar:
    """a s/ b; nothing is known."""
    return UNKNOWN


@rule
def alu64_smod(a: Scalar, b: Scalar) -> Scalar:
    """a s% b; nothing is known."""
    return UNKNOWN
