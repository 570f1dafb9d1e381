"""``reg_bounds_sync`` of Linux 6.1 (6.1.192): each width learns from its own sign only."""

from __future__ import annotations

from bpfsmt.bits import replace, rule, s32, u32
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import bounds_from_sign
from bpfsmt.rules.linux.sync import from_bits, tnum_from_bounds


@rule
def bounds32_from_sign(r: Scalar) -> Scalar:
    """Where the low half's sign is known, its signed and its unsigned range are the same."""
    if r.s32min >= 0 or r.s32max < 0:
        lo = max(u32(r.s32min), r.u32min)
        hi = min(u32(r.s32max), r.u32max)
        return replace(r, u32min=lo, u32max=hi, s32min=s32(lo), s32max=s32(hi))
    if s32(r.u32max) >= 0:
        top = min(u32(r.s32max), r.u32max)
        return replace(r, s32min=s32(r.u32min), u32max=top, s32max=s32(top))
    if s32(r.u32min) < 0:
        low = max(u32(r.s32min), r.u32min)
        return replace(r, u32min=low, s32min=s32(low), s32max=s32(r.u32max))
    return r


@rule
def deduce32(r: Scalar) -> Scalar:
    """Kernel 6.1 ``__reg32_deduce_bounds``."""
    return bounds32_from_sign(r)


@rule
def bounds64_from_sign(r: Scalar) -> Scalar:
    """Kernel 6.1 ``__reg64_deduce_bounds``, unchanged since 4.14."""
    return bounds_from_sign(r)


@rule
def deduce(r: Scalar) -> Scalar:
    """Kernel 6.1 ``__reg_deduce_bounds``: neither width learns from the other."""
    return bounds64_from_sign(deduce32(r))


@rule
def sync(r: Scalar) -> Scalar:
    """Kernel 6.1 ``reg_bounds_sync``: one round of deduction."""
    return from_bits(tnum_from_bounds(deduce(from_bits(r))))
