"""Compares in Linux 6.12 (stable), on whole registers and on their low halves.

``is_scalar_branch_taken`` and ``regs_refine_cond_op``, one rule for each condition.
"""

from __future__ import annotations

from bpfsmt.bits import S32_MAX, S32_MIN, U32_MAX, replace, rule, s32, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.branch64 import UNDECIDED
from bpfsmt.rules.linux.alu import is_const32
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.tnum import tnum_intersect, tnum_overlap, tnum_with_subreg, tnum_zext32


@rule
def apart32(a: Scalar, b: Scalar) -> bool:
    """No low half can be in both."""
    unsigned = a.u32max < b.u32min or b.u32max < a.u32min
    return unsigned or a.s32max < b.s32min or b.s32max < a.s32min


@rule
def taken64_eq(a: Scalar, b: Scalar) -> s32:
    """a == b; the low halves may decide it too."""
    if is_const(a) and is_const(b):
        return 1 if a.var_off.value == b.var_off.value else 0
    apart = a.umax < b.umin or b.umax < a.umin or a.smax < b.smin or b.smax < a.smin
    if apart or apart32(a, b) or not tnum_overlap(a.var_off, b.var_off):
        return 0
    return UNDECIDED


@rule
def taken32_eq(a: Scalar, b: Scalar) -> s32:
    """(u32) a == (u32) b."""
    if is_const32(a) and is_const32(b):
        return 1 if u32(a.var_off.value) == u32(b.var_off.value) else 0
    overlap = tnum_overlap(tnum_zext32(a.var_off), tnum_zext32(b.var_off))
    return 0 if apart32(a, b) or not overlap else UNDECIDED


@rule
def taken32_ult(a: Scalar, b: Scalar) -> s32:
    """(u32) a < (u32) b."""
    if a.u32max < b.u32min:
        return 1
    return 0 if a.u32min >= b.u32max else UNDECIDED


@rule
def taken32_ule(a: Scalar, b: Scalar) -> s32:
    """(u32) a <= (u32) b."""
    if a.u32max <= b.u32min:
        return 1
    return 0 if a.u32min > b.u32max else UNDECIDED


@rule
def taken32_slt(a: Scalar, b: Scalar) -> s32:
    """(s32) a < (s32) b."""
    if a.s32max < b.s32min:
        return 1
    return 0 if a.s32min >= b.s32max else UNDECIDED


@rule
def taken32_sle(a: Scalar, b: Scalar) -> s32:
    """(s32) a <= (s32) b."""
    if a.s32max <= b.s32min:
        return 1
    return 0 if a.s32min > b.s32max else UNDECIDED


@rule
def bits_meet(a: Tnum, b: Tnum) -> s32:
    """a & b != 0, where one of them is known: 1, 0 or undecided."""
    if a.mask != 0 and b.mask != 0:
        return UNDECIDED
    if a.value & b.value != 0:
        return 1
    return 0 if (a.value | a.mask) & (b.value | b.mask) == 0 else UNDECIDED


@rule
def taken64_set(a: Scalar, b: Scalar) -> s32:
    """a & b != 0."""
    return bits_meet(a.var_off, b.var_off)


@rule
def taken32_set(a: Scalar, b: Scalar) -> s32:
    """(u32) a & (u32) b != 0."""
    return bits_meet(tnum_zext32(a.var_off), tnum_zext32(b.var_off))


@rule
def refine64_eq(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a == b: 64-bit ranges and bits are shared, the 32-bit ones follow."""
    bits = tnum_intersect(a.var_off, b.var_off)
    umin = max(a.umin, b.umin)
    umax = min(a.umax, b.umax)
    smin = max(a.smin, b.smin)
    smax = min(a.smax, b.smax)
    left = replace(a, var_off=bits, umin=umin, umax=umax, smin=smin, smax=smax)
    right = replace(b, var_off=bits, umin=umin, umax=umax, smin=smin, smax=smax)
    return sync(left), sync(right)


@rule
def refine32_eq(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a == (u32) b."""
    low = tnum_intersect(tnum_zext32(a.var_off), tnum_zext32(b.var_off))
    lo = max(a.u32min, b.u32min)
    hi = min(a.u32max, b.u32max)
    slo = max(a.s32min, b.s32min)
    shi = min(a.s32max, b.s32max)
    left = replace(a, var_off=tnum_with_subreg(a.var_off, low), u32min=lo, u32max=hi)
    right = replace(b, var_off=tnum_with_subreg(b.var_off, low), u32min=lo, u32max=hi)
    return (
        sync(replace(left, s32min=slo, s32max=shi)),
        sync(replace(right, s32min=slo, s32max=shi)),
    )


@rule
def without32(a: Scalar, x: u32) -> Scalar:
    """a, whose low half is not x: an end of a range that is x moves inwards."""
    return sync(
        replace(
            a,
            u32min=a.u32min + 1 if a.u32min == x and x < U32_MAX else a.u32min,
            u32max=a.u32max - 1 if a.u32max == x and x > 0 else a.u32max,
            s32min=a.s32min + 1 if a.s32min == s32(x) and s32(x) < S32_MAX else a.s32min,
            s32max=a.s32max - 1 if a.s32max == s32(x) and s32(x) > S32_MIN else a.s32max,
        )
    )


@rule
def refine32_ne(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a != (u32) b: the known one trims the other."""
    if is_const32(b):
        return without32(a, u32(b.var_off.value)), sync(b)
    if is_const32(a):
        return sync(a), without32(b, u32(a.var_off.value))
    return a, b


@rule
def refine32_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a < (u32) b."""
    below = b.u32max - 1 if b.u32max > 0 else b.u32max
    above = a.u32min + 1 if a.u32min < U32_MAX else a.u32min
    left = replace(a, u32max=min(a.u32max, below))
    right = replace(b, u32min=max(b.u32min, above))
    return sync(left), sync(right)


@rule
def refine32_ule(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a <= (u32) b."""
    left = replace(a, u32max=min(a.u32max, b.u32max))
    right = replace(b, u32min=max(b.u32min, a.u32min))
    return sync(left), sync(right)


@rule
def refine32_slt(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(s32) a < (s32) b."""
    below = b.s32max - 1 if b.s32max > S32_MIN else b.s32max
    above = a.s32min + 1 if a.s32min < S32_MAX else a.s32min
    left = replace(a, s32max=min(a.s32max, below))
    right = replace(b, s32min=max(b.s32min, above))
    return sync(left), sync(right)


@rule
def refine32_sle(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(s32) a <= (s32) b."""
    left = replace(a, s32max=min(a.s32max, b.s32max))
    right = replace(b, s32min=max(b.s32min, a.s32min))
    return sync(left), sync(right)


@rule
def single_bit(x: u64) -> bool:
    """x is a power of two."""
    return x != 0 and x & (x - 1) == 0


@rule
def refine32_set(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a & (u32) b != 0: a single known bit is set in the other."""
    x = b.var_off.value & U32_MAX
    y = a.var_off.value & U32_MAX
    if is_const32(b):
        bits = Tnum(a.var_off.value | x, a.var_off.mask & ~x)
        return (sync(replace(a, var_off=bits)) if single_bit(x) else a), b
    if is_const32(a):
        bits = Tnum(b.var_off.value | y, b.var_off.mask & ~y)
        return a, (sync(replace(b, var_off=bits)) if single_bit(y) else b)
    return a, b


@rule
def cleared(a: Scalar, bits: u64) -> Scalar:
    """a, of which ``bits`` are known 0; the ranges are rebuilt from the bits alone."""
    t = Tnum(a.var_off.value & ~bits, a.var_off.mask & ~bits)
    return sync(replace(UNKNOWN, var_off=t))


@rule
def refine64_nset(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a & b == 0 with one of them known (the ranges are forgotten first, as in 6.12.117)."""
    if is_const(b):
        return cleared(a, b.var_off.value), b
    if is_const(a):
        return a, cleared(b, a.var_off.value)
    return a, b


@rule
def refine32_nset(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a & (u32) b == 0 with one of them known."""
    if is_const32(b):
        return cleared(a, b.var_off.value & U32_MAX), b
    if is_const32(a):
        return a, cleared(b, a.var_off.value & U32_MAX)
    return a, b


@rule
def range_within(old: Scalar, new: Scalar) -> bool:
    """Every range of ``old``, of either width, holds that of ``new``."""
    whole = old.umin <= new.umin and old.umax >= new.umax
    signed = old.smin <= new.smin and old.smax >= new.smax
    low = old.u32min <= new.u32min and old.u32max >= new.u32max
    return whole and signed and low and old.s32min <= new.s32min and old.s32max >= new.s32max


@rule
def scalar_empty(r: Scalar) -> bool:
    """Nothing can be in r: some range is upside down."""
    whole = r.umin > r.umax or r.smin > r.smax or r.var_off.value & r.var_off.mask != 0
    return whole or r.u32min > r.u32max or r.s32min > r.s32max
