"""Ranges and tnum of one scalar: making each learn from the others (64 bits only).

Every stage takes a scalar to one that stands for the same numbers, said more tightly
(Linux 4.18 ``__update_reg_bounds``, ``__reg_deduce_bounds``, ``__reg_bound_offset``).
"""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, replace, rule, s64, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.rules.tnum import (
    tnum_intersect,
    tnum_range,
    tnum_smax,
    tnum_smin,
    tnum_umax,
    tnum_zext32,
)


@rule
def bounds_from_tnum(r: Scalar) -> Scalar:
    """The ranges cannot reach beyond what the known bits allow."""
    return replace(
        r,
        umin=max(r.umin, r.var_off.value),
        umax=min(r.umax, tnum_umax(r.var_off)),
        smin=max(r.smin, tnum_smin(r.var_off)),
        smax=min(r.smax, tnum_smax(r.var_off)),
    )


@rule
def bounds_from_sign(r: Scalar) -> Scalar:
    """Where the sign is known, the signed and the unsigned range are one and the same."""
    if r.smin >= 0 or r.smax < 0:
        lo = max(u64(r.smin), r.umin)
        hi = min(u64(r.smax), r.umax)
        return replace(r, umin=lo, umax=hi, smin=s64(lo), smax=s64(hi))
    if s64(r.umax) >= 0:
        top = min(u64(r.smax), r.umax)
        return replace(r, smin=s64(r.umin), umax=top, smax=s64(top))
    if s64(r.umin) < 0:
        low = max(u64(r.smin), r.umin)
        return replace(r, umin=low, smin=s64(low), smax=s64(r.umax))
    return r


@rule
def tnum_from_bounds(r: Scalar) -> Scalar:
    """The bits that umin and umax share from the top are known."""
    return replace(r, var_off=tnum_intersect(r.var_off, tnum_range(r.umin, r.umax)))


@rule
def sync(r: Scalar) -> Scalar:
    """All stages in the kernel's order, the first one again at the end."""
    return bounds_from_tnum(tnum_from_bounds(bounds_from_sign(bounds_from_tnum(r))))


@rule
def from_tnum(t: Tnum) -> Scalar:
    """All that follows from the bits alone."""
    return sync(replace(UNKNOWN, var_off=t))


@rule
def from_umax(top: u64) -> Scalar:
    """The numbers 0..top."""
    return sync(replace(UNKNOWN, umax=top))


@rule
def from_srange(lo: s64, hi: s64) -> Scalar:
    """The numbers that read signed lie in lo..hi."""
    return sync(replace(UNKNOWN, smin=lo, smax=hi))


@rule
def is_const(r: Scalar) -> bool:
    """All bits are known: the number is ``var_off.value``, whatever the ranges say so far."""
    return r.var_off.mask == 0


@rule
def scalar_empty(r: Scalar) -> bool:
    """Nothing can be in r: a range is upside down."""
    return r.umin > r.umax or r.smin > r.smax or r.var_off.value & r.var_off.mask != 0


@rule
def zext32(r: Scalar) -> Scalar:
    """The low half, zero-extended (``coerce_reg_to_size(reg, 4)``).

    The range survives if the upper half is the same at both ends.
    """
    same_upper = r.umin >> 32 == r.umax >> 32
    lo = r.umin & U32_MAX if same_upper else u64(0)
    hi = r.umax & U32_MAX if same_upper else u64(U32_MAX)
    low = tnum_zext32(r.var_off)
    return sync(Scalar(low, lo, hi, s64(lo), s64(hi), r.u32min, r.u32max, r.s32min, r.s32max))


@rule
def range_within(old: Scalar, new: Scalar) -> bool:
    """Every range of ``old`` holds that of ``new`` (kernel ``range_within``)."""
    return (
        old.umin <= new.umin
        and old.umax >= new.umax
        and old.smin <= new.smin
        and old.smax >= new.smax
    )
