"""Arithmetic of Linux 6.18: sums that all wrap keep their range, products of any sign.

Commits 7a998a731627 (sums and differences, 6.17), 9aa0ebde0014 (products, 6.14) and
aced132599b3 (negation, 6.17).
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
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.alu import fits_s32, sub_core, zext32
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.linux.widen import known


@rule
def add_u64(a: Scalar, b: Scalar) -> tuple[u64, u64]:
    """umin and umax of a + b, unless only the upper end wraps."""
    lo = a.umin + b.umin
    hi = a.umax + b.umax
    return (0, U64_MAX) if lo >= a.umin and hi < a.umax else (lo, hi)


@rule
def add_u32(a: Scalar, b: Scalar) -> tuple[u32, u32]:
    """u32min and u32max of a + b, unless only the upper end wraps."""
    lo = a.u32min + b.u32min
    hi = a.u32max + b.u32max
    return (0, U32_MAX) if lo >= a.u32min and hi < a.u32max else (lo, hi)


@rule
def sub_u64(a: Scalar, b: Scalar) -> tuple[u64, u64]:
    """umin and umax of a - b, unless only the lower end wraps."""
    split = a.umin < b.umax and a.umax >= b.umin
    return (0, U64_MAX) if split else (a.umin - b.umax, a.umax - b.umin)


@rule
def sub_u32(a: Scalar, b: Scalar) -> tuple[u32, u32]:
    """u32min and u32max of a - b, unless only the lower end wraps."""
    split = a.u32min < b.u32max and a.u32max >= b.u32min
    return (0, U32_MAX) if split else (a.u32min - b.u32max, a.u32max - b.u32min)


@rule
def mul_wraps(x: u64, y: u64) -> bool:
    """x * y does not fit u64."""
    return y != 0 and x > u64(U64_MAX) // y


@rule
def magnitude(x: s64) -> u64:
    """|x|, which fits u64."""
    return u64(x) if x >= 0 else -u64(x)


@rule
def mul_overflows(x: s64, y: s64) -> bool:
    """x * y does not fit s64."""
    limit = u64(S64_MAX) + u64((x < 0) != (y < 0))
    return y != 0 and magnitude(x) > limit // magnitude(y)


@rule
def mul_u64(a: Scalar, b: Scalar) -> tuple[u64, u64]:
    """umin and umax of a * b, unless it may wrap."""
    wraps = mul_wraps(a.umax, b.umax) or mul_wraps(a.umin, b.umin)
    return (0, U64_MAX) if wraps else (a.umin * b.umin, a.umax * b.umax)


@rule
def mul_s64(a: Scalar, b: Scalar) -> tuple[s64, s64]:
    """smin and smax of a * b from the four products of ends, unless one overflows."""
    left = mul_overflows(a.smin, b.smin) or mul_overflows(a.smin, b.smax)
    right = mul_overflows(a.smax, b.smin) or mul_overflows(a.smax, b.smax)
    if left or right:
        return S64_MIN, S64_MAX
    p = a.smin * b.smin
    q = a.smin * b.smax
    r = a.smax * b.smin
    s = a.smax * b.smax
    return min(p, q, r, s), max(p, q, r, s)


@rule
def mul_u32(a: Scalar, b: Scalar) -> tuple[u32, u32]:
    """u32min and u32max of a * b, unless it may wrap."""
    wide = u64(a.u32max) * u64(b.u32max)
    lo = u64(a.u32min) * u64(b.u32min)
    return (u32(lo), u32(wide)) if wide <= U32_MAX and lo <= U32_MAX else (0, U32_MAX)


@rule
def mul_s32(a: Scalar, b: Scalar) -> tuple[s32, s32]:
    """s32min and s32max of a * b from the four products of ends, unless one overflows."""
    p = s64(a.s32min) * s64(b.s32min)
    q = s64(a.s32min) * s64(b.s32max)
    r = s64(a.s32max) * s64(b.s32min)
    s = s64(a.s32max) * s64(b.s32max)
    lo = min(p, q, r, s)
    hi = max(p, q, r, s)
    return (s32(lo), s32(hi)) if fits_s32(lo) and fits_s32(hi) else (S32_MIN, S32_MAX)


@rule
def mul_low(r: Scalar, a: Scalar, b: Scalar) -> Scalar:
    """r with the low half's ranges of a * b (kernel 6.14 ``scalar32_min_max_mul``)."""
    u32min, u32max = mul_u32(a, b)
    s32min, s32max = mul_s32(a, b)
    return replace(r, u32min=u32min, u32max=u32max, s32min=s32min, s32max=s32max)


@rule
def mul_whole(r: Scalar, a: Scalar, b: Scalar) -> Scalar:
    """r with the 64-bit ranges of a * b (kernel 6.14 ``scalar_min_max_mul``)."""
    umin, umax = mul_u64(a, b)
    smin, smax = mul_s64(a, b)
    return replace(r, umin=umin, umax=umax, smin=smin, smax=smax)


@rule
def alu64_neg(a: Scalar) -> Scalar:
    """-a, as 0 - a."""
    return sync(sub_core(known(0), a))


@rule
def alu32_neg(a: Scalar) -> Scalar:
    """(u32) -a, as 0 - a."""
    return zext32(sub_core(known(0), a))
