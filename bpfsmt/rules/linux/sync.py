"""``reg_bounds_sync`` of Linux 6.12 (stable): ranges of both widths and the tnum in step.

Every stage takes a scalar to one that stands for the same numbers, said more tightly.
"""

from __future__ import annotations

from bpfsmt.bits import S32_MAX, S32_MIN, U32_MAX, replace, rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.rules.bounds import bounds_from_tnum
from bpfsmt.rules.tnum import tnum_intersect, tnum_or, tnum_range, tnum_zext32


@rule
def bounds32_from_tnum(r: Scalar) -> Scalar:
    """Low-half ranges cannot reach beyond what the known bits allow (``__update_reg32_bounds``)."""
    value = u32(r.var_off.value)
    mask = u32(r.var_off.mask)
    return replace(
        r,
        u32min=max(r.u32min, value),
        u32max=min(r.u32max, value | mask),
        s32min=max(r.s32min, s32(value | (mask & u32(S32_MIN)))),
        s32max=min(r.s32max, s32(value | (mask & u32(S32_MAX)))),
    )


@rule
def meet_u32(r: Scalar, lo: u32, hi: u32) -> Scalar:
    """r, of whose low half lo..hi is known too."""
    return replace(r, u32min=max(r.u32min, lo), u32max=min(r.u32max, hi))


@rule
def meet_s32(r: Scalar, lo: s32, hi: s32) -> Scalar:
    """r, of whose low half, read signed, lo..hi is known too."""
    return replace(r, s32min=max(r.s32min, lo), s32max=min(r.s32max, hi))


@rule
def meet_u64(r: Scalar, lo: u64, hi: u64) -> Scalar:
    """r, of which lo..hi is known too."""
    return replace(r, umin=max(r.umin, lo), umax=min(r.umax, hi))


@rule
def meet_s64(r: Scalar, lo: s64, hi: s64) -> Scalar:
    """r, of which, read signed, lo..hi is known too."""
    return replace(r, smin=max(r.smin, lo), smax=min(r.smax, hi))


@rule
def bounds32_from_u64(r: Scalar) -> Scalar:
    """If umin and umax agree in their upper halves, their lower halves bound the low half."""
    if r.umin >> 32 != r.umax >> 32:
        return r
    out = meet_u32(r, u32(r.umin), u32(r.umax))
    if s32(r.umin) <= s32(r.umax):
        return meet_s32(out, s32(r.umin), s32(r.umax))
    return out


@rule
def bounds32_from_s64(r: Scalar) -> Scalar:
    """The same from smin and smax, where their low halves form a range."""
    if r.smin >> 32 != r.smax >> 32:
        return r
    out = meet_u32(r, u32(r.smin), u32(r.smax)) if u32(r.smin) <= u32(r.smax) else r
    if s32(r.smin) <= s32(r.smax):
        return meet_s32(out, s32(r.smin), s32(r.smax))
    return out


@rule
def bounds32_from_neighbours(r: Scalar) -> Scalar:
    """Upper halves that follow each other: low halves from a negative to a positive number."""
    near_u = u32(r.umin >> 32) + 1 == u32(r.umax >> 32)
    near_s = u32(r.smin >> 32) + 1 == u32(r.smax >> 32)
    from_u = near_u and s32(r.umin) < 0 and s32(r.umax) >= 0
    from_s = near_s and s32(r.smin) < 0 and s32(r.smax) >= 0
    out = meet_s32(r, s32(r.umin), s32(r.umax)) if from_u else r
    return meet_s32(out, s32(r.smin), s32(r.smax)) if from_s else out


@rule
def bounds32_from_sign(r: Scalar) -> Scalar:
    """Signed and unsigned range of the low half learn from each other."""
    if s32(r.u32min) <= s32(r.u32max):
        s = meet_s32(r, s32(r.u32min), s32(r.u32max))
    else:
        s = r
    if u32(s.s32min) <= u32(s.s32max):
        return meet_u32(s, u32(s.s32min), u32(s.s32max))
    # s32 crosses the sign: if u32 meets only one end of it, that end is what is left.
    if s.u32max < u32(s.s32min):
        return replace(s, s32min=s32(s.u32min), u32max=min(s.u32max, u32(s.s32max)))
    if u32(s.s32max) < s.u32min:
        return replace(s, s32max=s32(s.u32max), u32min=max(s.u32min, u32(s.s32min)))
    return s


@rule
def bounds64_from_sign(r: Scalar) -> Scalar:
    """Signed and unsigned range of the whole learn from each other (``__reg64_deduce_bounds``)."""
    s = meet_s64(r, s64(r.umin), s64(r.umax)) if s64(r.umin) <= s64(r.umax) else r
    if u64(s.smin) <= u64(s.smax):
        return meet_u64(s, u64(s.smin), u64(s.smax))
    if s.umax < u64(s.smin):
        return replace(s, smin=s64(s.umin), umax=min(s.umax, u64(s.smax)))
    if u64(s.smax) < s.umin:
        return replace(s, smax=s64(s.umax), umin=max(s.umin, u64(s.smin)))
    return s


@rule
def with_low(x: u64, low: u32) -> u64:
    """x with its low half replaced."""
    return (x & ~u64(U32_MAX)) | u64(low)


@rule
def bounds64_from_32(r: Scalar) -> Scalar:
    """A bound's low half can be no smaller than what the low half's range allows.

    Kernel ``__reg_deduce_mixed_bounds``, up to its special case.
    """
    u = meet_u64(r, with_low(r.umin, r.u32min), with_low(r.umax, r.u32max))
    s = meet_s64(u, s64(with_low(u64(u.smin), u.u32min)), s64(with_low(u64(u.smax), u.u32max)))
    if u32(s.s32min) > u32(s.s32max):
        return s
    lo = u32(s.s32min)
    hi = u32(s.s32max)
    v = meet_u64(s, with_low(s.umin, lo), with_low(s.umax, hi))
    return meet_s64(v, s64(with_low(u64(v.smin), lo)), s64(with_low(u64(v.smax), hi)))


@rule
def bounds64_after_sext(r: Scalar) -> Scalar:
    """A sign-extended number whose low half is not negative is its low half."""
    if r.s32min < 0 or r.smin < S32_MIN or r.smax > S32_MAX:
        return r
    lo = s64(r.s32min)
    hi = s64(r.s32max)
    bits = tnum_intersect(r.var_off, tnum_range(u64(lo), u64(hi)))
    return replace(r, var_off=bits, smin=lo, smax=hi, umin=u64(lo), umax=u64(hi))


@rule
def deduce32(r: Scalar) -> Scalar:
    """Kernel ``__reg32_deduce_bounds``."""
    from_64 = bounds32_from_s64(bounds32_from_u64(r))
    return bounds32_from_sign(bounds32_from_neighbours(from_64))


@rule
def deduce(r: Scalar) -> Scalar:
    """Kernel ``__reg_deduce_bounds``."""
    return bounds64_after_sext(bounds64_from_32(bounds64_from_sign(deduce32(r))))


@rule
def tnum_from_bounds(r: Scalar) -> Scalar:
    """The bits that the ends of the unsigned ranges share (``__reg_bound_offset``)."""
    whole = tnum_intersect(r.var_off, tnum_range(r.umin, r.umax))
    low = tnum_intersect(tnum_zext32(whole), tnum_range(u64(r.u32min), u64(r.u32max)))
    upper = Tnum(whole.value & ~u64(U32_MAX), whole.mask & ~u64(U32_MAX))
    return replace(r, var_off=tnum_or(upper, low))


@rule
def from_bits(r: Scalar) -> Scalar:
    """Kernel ``__update_reg_bounds``."""
    return bounds_from_tnum(bounds32_from_tnum(r))


@rule
def sync(r: Scalar) -> Scalar:
    """Kernel ``reg_bounds_sync``: three rounds of deduction (6.12.117)."""
    return from_bits(tnum_from_bounds(deduce(deduce(deduce(from_bits(r))))))


@rule
def contradicts(r: Scalar) -> bool:
    """r's ranges are empty, or not those of its known bits (``reg_bounds_sanity_check``).

    Nothing is in such a scalar: it comes from code that never runs.
    """
    empty = r.umin > r.umax or r.smin > r.smax or r.u32min > r.u32max or r.s32min > r.s32max
    x = r.var_off.value
    differs = r.umin != x or r.umax != x or r.smin != s64(x) or r.smax != s64(x)
    low = u32(x)
    differs32 = r.u32min != low or r.u32max != low or r.s32min != s32(low) or r.s32max != s32(low)
    known = r.var_off.mask == 0
    known32 = u32(r.var_off.mask) == 0
    return empty or (known and differs) or (known32 and differs32)


@rule
def checked(r: Scalar) -> Scalar:
    """r, or if it contradicts itself r with its ranges forgotten (and the bits kept)."""
    return replace(UNKNOWN, var_off=r.var_off) if contradicts(r) else r
