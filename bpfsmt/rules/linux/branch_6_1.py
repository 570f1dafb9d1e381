"""Compares in Linux 6.1: with a constant, or of two registers for equality.

Kernel 6.1 ``is_branch_taken``, ``reg_set_min_max``, ``reg_set_min_max_inv`` and
``reg_combine_min_max``.  What a compare says of one width is carried to the other by
`combine_64_into_32` and `combine_32_into_64`, which drop what was known of it.
"""

from __future__ import annotations

from bpfsmt.bits import S32_MAX, S32_MIN, U32_MAX, replace, rule, s32, s64, u32
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import is_const32, low_as_whole
from bpfsmt.rules.linux.branch import with_bits, without_bits
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.linux.widen import forget32, forget64, known, known32
from bpfsmt.rules.tnum import tnum_clear_subreg, tnum_intersect


@rule
def combine_64_into_32(r: Scalar) -> Scalar:
    """The low half's ranges from the whole's, where those fit (``__reg_combine_64_into_32``)."""
    low = forget32(r)
    if r.smin >= S32_MIN and r.smin <= S32_MAX and r.smax >= S32_MIN and r.smax <= S32_MAX:
        low = replace(low, s32min=s32(r.smin), s32max=s32(r.smax))
    if r.umin <= U32_MAX and r.umax <= U32_MAX:
        low = replace(low, u32min=u32(r.umin), u32max=u32(r.umax))
    return sync(low)


@rule
def combine_32_into_64(r: Scalar) -> Scalar:
    """The whole's ranges from the low half's, or none (``__reg_combine_32_into_64``)."""
    upper = tnum_clear_subreg(r.var_off)
    narrow = upper.value == 0 and upper.mask == 0
    return sync(low_as_whole(r) if narrow else forget64(r))


@rule
def intersected(a: Scalar, b: Scalar) -> Scalar:
    """a, which equals b (``__reg_combine_min_max``)."""
    u = replace(a, umin=max(a.umin, b.umin), umax=min(a.umax, b.umax))
    s = replace(u, smin=max(a.smin, b.smin), smax=min(a.smax, b.smax))
    return sync(replace(s, var_off=tnum_intersect(a.var_off, b.var_off)))


@rule
def refine64_eq(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a == b."""
    if is_const(b):
        return combine_64_into_32(known(b.var_off.value)), b
    if is_const(a):
        return a, combine_64_into_32(known(a.var_off.value))
    return intersected(a, b), intersected(b, a)


@rule
def refine32_eq(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a == (u32) b."""
    if is_const32(b):
        return combine_32_into_64(known32(a, u32(b.var_off.value))), b
    if is_const32(a):
        return a, combine_32_into_64(known32(b, u32(a.var_off.value)))
    return a, b


@rule
def refine64_ne(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a != b: nothing is learnt, and something forgotten."""
    if is_const(b):
        return combine_64_into_32(a), b
    if is_const(a):
        return a, combine_64_into_32(b)
    return a, b


@rule
def refine32_ne(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a != (u32) b."""
    if is_const32(b):
        return combine_32_into_64(a), b
    if is_const32(a):
        return a, combine_32_into_64(b)
    return a, b


@rule
def refine64_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a < b."""
    if is_const(b):
        return combine_64_into_32(replace(a, umax=min(a.umax, b.var_off.value - 1))), b
    if is_const(a):
        return a, combine_64_into_32(replace(b, umin=max(b.umin, a.var_off.value + 1)))
    return a, b


@rule
def refine64_ule(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a <= b."""
    if is_const(b):
        return combine_64_into_32(replace(a, umax=min(a.umax, b.var_off.value))), b
    if is_const(a):
        return a, combine_64_into_32(replace(b, umin=max(b.umin, a.var_off.value)))
    return a, b


@rule
def refine64_slt(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a s< b."""
    if is_const(b):
        return combine_64_into_32(replace(a, smax=min(a.smax, s64(b.var_off.value) - 1))), b
    if is_const(a):
        return a, combine_64_into_32(replace(b, smin=max(b.smin, s64(a.var_off.value) + 1)))
    return a, b


@rule
def refine64_sle(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a s<= b."""
    if is_const(b):
        return combine_64_into_32(replace(a, smax=min(a.smax, s64(b.var_off.value)))), b
    if is_const(a):
        return a, combine_64_into_32(replace(b, smin=max(b.smin, s64(a.var_off.value))))
    return a, b


@rule
def refine32_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a < (u32) b."""
    if is_const32(b):
        return combine_32_into_64(replace(a, u32max=min(a.u32max, u32(b.var_off.value) - 1))), b
    if is_const32(a):
        return a, combine_32_into_64(replace(b, u32min=max(b.u32min, u32(a.var_off.value) + 1)))
    return a, b


@rule
def refine32_ule(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a <= (u32) b."""
    if is_const32(b):
        return combine_32_into_64(replace(a, u32max=min(a.u32max, u32(b.var_off.value)))), b
    if is_const32(a):
        return a, combine_32_into_64(replace(b, u32min=max(b.u32min, u32(a.var_off.value))))
    return a, b


@rule
def refine32_slt(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(s32) a < (s32) b."""
    if is_const32(b):
        return combine_32_into_64(replace(a, s32max=min(a.s32max, s32(b.var_off.value) - 1))), b
    if is_const32(a):
        return a, combine_32_into_64(replace(b, s32min=max(b.s32min, s32(a.var_off.value) + 1)))
    return a, b


@rule
def refine32_sle(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(s32) a <= (s32) b."""
    if is_const32(b):
        return combine_32_into_64(replace(a, s32max=min(a.s32max, s32(b.var_off.value)))), b
    if is_const32(a):
        return a, combine_32_into_64(replace(b, s32min=max(b.s32min, s32(a.var_off.value))))
    return a, b


@rule
def refine64_set(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a & b != 0."""
    if is_const(b):
        return combine_64_into_32(with_bits(a, b.var_off.value)), b
    if is_const(a):
        return a, combine_64_into_32(with_bits(b, a.var_off.value))
    return a, b


@rule
def refine32_set(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a & (u32) b != 0."""
    if is_const32(b):
        return combine_32_into_64(with_bits(a, b.var_off.value & U32_MAX)), b
    if is_const32(a):
        return a, combine_32_into_64(with_bits(b, a.var_off.value & U32_MAX))
    return a, b


@rule
def refine64_nset(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a & b == 0."""
    if is_const(b):
        return combine_64_into_32(without_bits(a, b.var_off.value)), b
    if is_const(a):
        return a, combine_64_into_32(without_bits(b, a.var_off.value))
    return a, b


@rule
def refine32_nset(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a & (u32) b == 0."""
    if is_const32(b):
        return combine_32_into_64(without_bits(a, b.var_off.value & U32_MAX)), b
    if is_const32(a):
        return a, combine_32_into_64(without_bits(b, a.var_off.value & U32_MAX))
    return a, b


@rule
def of_itself(a: Scalar, left: Scalar, right: Scalar, synced: bool) -> Scalar:
    """A register that is compared with itself tells nothing."""
    return a


@rule
def checked(r: Scalar) -> Scalar:
    """Dead code is let be: that kernel has no ``reg_bounds_sanity_check``."""
    return r
