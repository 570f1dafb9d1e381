"""A range and a tnum that meet in one number only, in Linux 6.18 (6.18.44).

Commits 76e954155b45 (``tnum_step``) and efc11a667878 (``__update_reg64_bounds``), backports.
"""

from __future__ import annotations

from bpfsmt.bits import bit_length, replace, rule, u64
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.rules.linux.widen import known
from bpfsmt.rules.tnum import tnum_smax, tnum_smin, tnum_umax


@rule
def tnum_next(t: Tnum, x: u64) -> u64:
    """The smallest member above x, for x from the smallest member to below the greatest.

    With x as t.value + d: counting up d on the unknown bits alone.  What d has at a known
    bit is carried over, for no member has it: all bits below count as full.
    """
    d = x - t.value
    top = bit_length(d & ~t.mask)
    full = (u64(1) << top) - 1
    return t.value | (((d | full | ~t.mask) + 1) & t.mask)


@rule
def tnum_step(t: Tnum, x: u64) -> u64:
    """The smallest member above x, or the greatest of all if there is none."""
    if x >= tnum_umax(t):
        return tnum_umax(t)
    return t.value if x < t.value else tnum_next(t, x)


@rule
def single_value(r: Scalar) -> Scalar:
    """r as one number, if its unsigned range holds but one member of its tnum."""
    t = r.var_off
    inside = r.umin & ~t.mask == t.value
    after = tnum_step(t, r.umin)
    if inside:
        return known(r.umin) if after > r.umax else r
    if after == tnum_umax(t):
        return known(after)
    alone = after <= r.umax and tnum_step(t, after) > r.umax
    return known(after) if alone else r


@rule
def bounds_from_tnum(r: Scalar) -> Scalar:
    """The ranges cannot reach beyond what the known bits allow, and may leave one number."""
    return single_value(
        replace(
            r,
            umin=max(r.umin, r.var_off.value),
            umax=min(r.umax, tnum_umax(r.var_off)),
            smin=max(r.smin, tnum_smin(r.var_off)),
            smax=min(r.smax, tnum_smax(r.var_off)),
        )
    )
