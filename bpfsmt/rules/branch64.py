"""What a compare says of its two operands: 64-bit ranges and a tnum.

``taken64_*`` is 1 if every pair of values satisfies the condition, 0 if none does, -1 if
it depends (kernel ``is_branch_taken``).  ``refine64_*`` returns both operands as they are
where the condition holds (kernel ``reg_set_min_max``).  The eight conditions are closed
under negation and exchange of operands, so the other jumps need no rules of their own.
"""

from __future__ import annotations

from bpfsmt.bits import S64_MAX, S64_MIN, U32_MAX, U64_MAX, replace, rule, s32, s64, u64
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.rules.bounds import is_const, sync
from bpfsmt.rules.tnum import tnum_intersect, tnum_overlap

UNDECIDED = -1


@rule
def taken64_eq(a: Scalar, b: Scalar) -> s32:
    """a == b."""
    if is_const(a) and is_const(b) and a.var_off.value == b.var_off.value:
        return 1
    apart = a.umax < b.umin or b.umax < a.umin or a.smax < b.smin or b.smax < a.smin
    if apart or not tnum_overlap(a.var_off, b.var_off):
        return 0
    return UNDECIDED


@rule
def taken64_ult(a: Scalar, b: Scalar) -> s32:
    """a < b."""
    if a.umax < b.umin:
        return 1
    return 0 if a.umin >= b.umax else UNDECIDED


@rule
def taken64_ule(a: Scalar, b: Scalar) -> s32:
    """a <= b."""
    if a.umax <= b.umin:
        return 1
    return 0 if a.umin > b.umax else UNDECIDED


@rule
def taken64_slt(a: Scalar, b: Scalar) -> s32:
    """a s< b."""
    if a.smax < b.smin:
        return 1
    return 0 if a.smin >= b.smax else UNDECIDED


@rule
def taken64_sle(a: Scalar, b: Scalar) -> s32:
    """a s<= b."""
    if a.smax <= b.smin:
        return 1
    return 0 if a.smin > b.smax else UNDECIDED


@rule
def taken64_set(a: Scalar, b: Scalar) -> s32:
    """a & b != 0: some bit is known 1 in both, or none can be."""
    if a.var_off.value & b.var_off.value != 0:
        return 1
    if (a.var_off.value | a.var_off.mask) & (b.var_off.value | b.var_off.mask) == 0:
        return 0
    return UNDECIDED


@rule
def scalar_intersect(a: Scalar, b: Scalar) -> Scalar:
    """What is in both."""
    return sync(
        Scalar(
            tnum_intersect(a.var_off, b.var_off),
            max(a.umin, b.umin),
            min(a.umax, b.umax),
            max(a.smin, b.smin),
            min(a.smax, b.smax),
            max(a.u32min, b.u32min),
            min(a.u32max, b.u32max),
            max(a.s32min, b.s32min),
            min(a.s32max, b.s32max),
        )
    )


@rule
def refine64_eq(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a == b: each is in both."""
    both = scalar_intersect(a, b)
    return both, both


@rule
def without(a: Scalar, b: Scalar) -> Scalar:
    """a, which is not b: a known b at an end of a range moves that end inwards."""
    if not is_const(b):
        return a
    hole = b.var_off.value
    umin = a.umin + 1 if a.umin == hole and a.umin < U64_MAX else a.umin
    umax = a.umax - 1 if a.umax == hole and a.umax > 0 else a.umax
    smin = a.smin + 1 if a.smin == s64(hole) and a.smin < S64_MAX else a.smin
    smax = a.smax - 1 if a.smax == s64(hole) and a.smax > S64_MIN else a.smax
    return sync(replace(a, umin=umin, umax=umax, smin=smin, smax=smax))


@rule
def refine64_ne(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a != b."""
    return without(a, b), without(b, a)


@rule
def refine64_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a < b."""
    below = b.umax - 1 if b.umax > 0 else b.umax
    above = a.umin + 1 if a.umin < U64_MAX else a.umin
    left = replace(a, umax=min(a.umax, below))
    right = replace(b, umin=max(b.umin, above))
    return sync(left), sync(right)


@rule
def refine64_ule(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a <= b."""
    left = replace(a, umax=min(a.umax, b.umax))
    right = replace(b, umin=max(b.umin, a.umin))
    return sync(left), sync(right)


@rule
def refine64_slt(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a s< b."""
    below = b.smax - 1 if b.smax > S64_MIN else b.smax
    above = a.smin + 1 if a.smin < S64_MAX else a.smin
    left = replace(a, smax=min(a.smax, below))
    right = replace(b, smin=max(b.smin, above))
    return sync(left), sync(right)


@rule
def refine64_sle(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a s<= b."""
    left = replace(a, smax=min(a.smax, b.smax))
    right = replace(b, smin=max(b.smin, a.smin))
    return sync(left), sync(right)


@rule
def with_bits(a: Scalar, bits: u64) -> Scalar:
    """a, of which at least one of ``bits`` is set: known only if it is a single bit."""
    if bits == 0 or bits & (bits - 1) != 0:
        return a
    t = a.var_off
    return sync(replace(a, var_off=Tnum(t.value | bits, t.mask & ~bits)))


@rule
def without_bits(a: Scalar, bits: u64) -> Scalar:
    """a, of which none of ``bits`` is set."""
    t = a.var_off
    return sync(replace(a, var_off=Tnum(t.value & ~bits, t.mask & ~bits)))


@rule
def refine64_set(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a & b != 0."""
    left = with_bits(a, b.var_off.value) if is_const(b) else a
    right = with_bits(b, a.var_off.value) if is_const(a) else b
    return left, right


@rule
def refine64_nset(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a & b == 0: what is known 1 in one is 0 in the other."""
    return without_bits(a, b.var_off.value), without_bits(b, a.var_off.value)


@rule
def both_32(a: Scalar, b: Scalar) -> bool:
    """Both fit 32 bits, so that unsigned compares of the low halves are those of the whole."""
    return a.umax <= U32_MAX and b.umax <= U32_MAX
