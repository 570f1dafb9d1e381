"""What a compare says of its operands, in Linux 6.12 (``regs_refine_cond_op``).

One rule for each condition, on whole registers and on low halves; both operands are synced
whatever was learnt (``reg_set_min_max``).  Steps past the end of a range wrap, which only
compares that never hold do.
"""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, replace, rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import is_const32
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.tnum import (
    tnum_and,
    tnum_const,
    tnum_intersect,
    tnum_or,
    tnum_with_subreg,
    tnum_zext32,
)


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
def other_arm(k: Scalar, used: Scalar) -> Scalar:
    """The constant of a compare for the arm that is taken, after that which falls through.

    ``used`` is what the first arm made of it, which nobody reads (``check_cond_jmp_op``).
    """
    return k


@rule
def without(a: Scalar, b: Scalar) -> Scalar:
    """a, which is not the known b: an end of a range that is b moves inwards."""
    x = b.var_off.value
    return replace(
        a,
        umin=a.umin + 1 if a.umin == x else a.umin,
        umax=a.umax - 1 if a.umax == x else a.umax,
        smin=a.smin + 1 if a.smin == s64(x) else a.smin,
        smax=a.smax - 1 if a.smax == s64(x) else a.smax,
    )


@rule
def without32(a: Scalar, b: Scalar) -> Scalar:
    """a, whose low half is not that of b, which is known."""
    x = u32(b.var_off.value)
    return replace(
        a,
        u32min=a.u32min + 1 if a.u32min == x else a.u32min,
        u32max=a.u32max - 1 if a.u32max == x else a.u32max,
        s32min=a.s32min + 1 if a.s32min == s32(x) else a.s32min,
        s32max=a.s32max - 1 if a.s32max == s32(x) else a.s32max,
    )


@rule
def refine64_ne(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a != b: a known one trims the other."""
    if is_const(b):
        return sync(without(a, b)), sync(b)
    return sync(a), sync(without(b, a) if is_const(a) else b)


@rule
def refine32_ne(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a != (u32) b."""
    if is_const32(b):
        return sync(without32(a, b)), sync(b)
    return sync(a), sync(without32(b, a) if is_const32(a) else b)


@rule
def below64_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """What a < b says of the ends that it compares, before more follows from it."""
    left = replace(a, umax=min(a.umax, b.umax - 1))
    right = replace(b, umin=max(b.umin, a.umin + 1))
    return left, right


@rule
def refine64_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a < b."""
    left, right = below64_ult(a, b)
    return sync(left), sync(right)


@rule
def refine64_ule(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a <= b."""
    left = replace(a, umax=min(a.umax, b.umax))
    right = replace(b, umin=max(b.umin, a.umin))
    return sync(left), sync(right)


@rule
def below64_slt(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """What a s< b says of the ends that it compares, before more follows from it."""
    left = replace(a, smax=min(a.smax, b.smax - 1))
    right = replace(b, smin=max(b.smin, a.smin + 1))
    return left, right


@rule
def refine64_slt(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a s< b."""
    left, right = below64_slt(a, b)
    return sync(left), sync(right)


@rule
def refine64_sle(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a s<= b."""
    left = replace(a, smax=min(a.smax, b.smax))
    right = replace(b, smin=max(b.smin, a.smin))
    return sync(left), sync(right)


@rule
def below32_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """What (u32) a < (u32) b says of the ends that it compares, before more follows from it."""
    left = replace(a, u32max=min(a.u32max, b.u32max - 1))
    right = replace(b, u32min=max(b.u32min, a.u32min + 1))
    return left, right


@rule
def refine32_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a < (u32) b."""
    left, right = below32_ult(a, b)
    return sync(left), sync(right)


@rule
def refine32_ule(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a <= (u32) b."""
    left = replace(a, u32max=min(a.u32max, b.u32max))
    right = replace(b, u32min=max(b.u32min, a.u32min))
    return sync(left), sync(right)


@rule
def below32_slt(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """What (s32) a < (s32) b says of the ends that it compares, before more follows from it."""
    left = replace(a, s32max=min(a.s32max, b.s32max - 1))
    right = replace(b, s32min=max(b.s32min, a.s32min + 1))
    return left, right


@rule
def refine32_slt(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(s32) a < (s32) b."""
    left, right = below32_slt(a, b)
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
def with_bits(a: Scalar, bits: u64) -> Scalar:
    """a, of which at least one of ``bits`` is set: known only if it is a single bit."""
    set_ = tnum_or(a.var_off, tnum_const(bits))
    return replace(a, var_off=set_) if single_bit(bits) else a


@rule
def without_bits(a: Scalar, bits: u64) -> Scalar:
    """a, of which none of ``bits`` is set; its ranges are forgotten first (a backport)."""
    return replace(UNKNOWN, var_off=tnum_and(a.var_off, tnum_const(~bits)))


@rule
def refine64_set(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a & b != 0, with one of them known."""
    if is_const(b):
        return sync(with_bits(a, b.var_off.value)), sync(b)
    return sync(a), sync(with_bits(b, a.var_off.value) if is_const(a) else b)


@rule
def refine32_set(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a & (u32) b != 0, with one of them known."""
    if is_const32(b):
        return sync(with_bits(a, b.var_off.value & U32_MAX)), sync(b)
    return sync(a), sync(with_bits(b, a.var_off.value & U32_MAX) if is_const32(a) else b)


@rule
def refine64_nset(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a & b == 0, with one of them known."""
    if is_const(b):
        return sync(without_bits(a, b.var_off.value)), sync(b)
    return sync(a), sync(without_bits(b, a.var_off.value) if is_const(a) else b)


@rule
def refine32_nset(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a & (u32) b == 0, with one of them known."""
    if is_const32(b):
        return sync(without_bits(a, b.var_off.value & U32_MAX)), sync(b)
    return sync(a), sync(without_bits(b, a.var_off.value & U32_MAX) if is_const32(a) else b)


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


@rule
def of_itself(a: Scalar, left: Scalar, right: Scalar, synced: bool) -> Scalar:
    """a after ``if a COND a``: what is learnt of both operands, which are one register.

    Kernel ``regs_refine_cond_op`` with one register twice, which then is synced twice; unless
    ``synced``, left and right are what `below64_ult` and its like say.  (Of no number is one
    of these true; what the kernel makes of the register then is not nothing.)
    """
    both = Scalar(
        tnum_intersect(left.var_off, right.var_off),
        max(left.umin, right.umin),
        min(left.umax, right.umax),
        max(left.smin, right.smin),
        min(left.smax, right.smax),
        max(left.u32min, right.u32min),
        min(left.u32max, right.u32max),
        max(left.s32min, right.s32min),
        min(left.s32max, right.s32max),
    )
    return sync(both) if synced else sync(sync(both))
