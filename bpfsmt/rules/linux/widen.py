"""What the other rules begin with: ranges forgotten, and scalars that are one number."""

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
from bpfsmt.rules.tnum import tnum_const, tnum_const_subreg


@rule
def forget32(r: Scalar) -> Scalar:
    """r without its low half's ranges (kernel ``__mark_reg32_unbounded``)."""
    return replace(r, u32min=0, u32max=U32_MAX, s32min=S32_MIN, s32max=S32_MAX)


@rule
def forget64(r: Scalar) -> Scalar:
    """r without its 64-bit ranges (kernel ``__mark_reg64_unbounded``)."""
    return replace(r, umin=0, umax=U64_MAX, smin=S64_MIN, smax=S64_MAX)


@rule
def known(x: u64) -> Scalar:
    """Exactly x (kernel ``__mark_reg_known``)."""
    return Scalar(tnum_const(x), x, x, s64(x), s64(x), u32(x), u32(x), s32(x), s32(x))


@rule
def known32(r: Scalar, low: u32) -> Scalar:
    """r, whose low half is exactly ``low`` (kernel ``__mark_reg32_known``).

    The 64-bit ranges stay as they are.
    """
    bits = tnum_const_subreg(r.var_off, low)
    return replace(r, var_off=bits, u32min=low, u32max=low, s32min=s32(low), s32max=s32(low))
