"""Pointer arithmetic in Linux 6.12 (``adjust_ptr_min_max_vals``)."""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.bits import S64_MIN, record, replace, rule, s64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import add_s64, fits_s32, sub_s64
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.linux.widen import forget32
from bpfsmt.rules.tnum import tnum_add, tnum_sub


@record
class Moved(NamedTuple):
    """A pointer after arithmetic: base + ``off`` + a member of ``var``.

    ``ok`` is false where the kernel refuses.  ``same`` says that the variable part is that
    of the pointer before, so that a packet pointer keeps its id and range.
    """

    ok: bool
    same: bool
    off: s64
    var: Scalar


@rule
def offset_sane(n: Scalar, off: s64) -> bool:
    """n as a variable part, with fixed offset off, stays within 2**29 (``check_reg_sane_offset``).

    Of a variable part only the lower end is looked at; accesses look at the upper one.
    """
    value = s64(n.var_off.value)
    if is_const(n) and (value >= MAX_VAR_OFF or value <= -MAX_VAR_OFF):
        return False
    if off >= MAX_VAR_OFF or off <= -MAX_VAR_OFF:
        return False
    return n.smin != S64_MIN and -MAX_VAR_OFF < n.smin < MAX_VAR_OFF


@rule
def offset_tainted(n: Scalar) -> bool:
    """n's ranges contradict each other (dead code): the pointer becomes an unknown number."""
    differ = n.smin != n.smax or n.umin != n.umax
    return (is_const(n) and differ) or n.smin > n.smax or n.umin > n.umax


@rule
def nullable_moves(n: Scalar) -> bool:
    """Whether n may be added to a pointer that may be NULL: if it is, a null check says 0."""
    return False


@rule
def pointer_sum(var: Scalar, n: Scalar) -> Scalar:
    """The variable part after + n; its low half is not tracked."""
    wrap = var.umin + n.umin < var.umin or var.umax + n.umax < var.umax
    smin, smax = add_s64(var, n)
    sum_ = replace(UNKNOWN, var_off=tnum_add(var.var_off, n.var_off), smin=smin, smax=smax)
    return sum_ if wrap else replace(sum_, umin=var.umin + n.umin, umax=var.umax + n.umax)


@rule
def pointer_difference(var: Scalar, n: Scalar) -> Scalar:
    """The variable part after - n."""
    wrap = var.umin < n.umax
    smin, smax = sub_s64(var, n)
    rest = replace(UNKNOWN, var_off=tnum_sub(var.var_off, n.var_off), smin=smin, smax=smax)
    return rest if wrap else replace(rest, umin=var.umin - n.umax, umax=var.umax - n.umin)


@rule
def pointer_add(var: Scalar, off: s64, n: Scalar) -> Moved:
    """pointer + n (``adjust_ptr_min_max_vals``): a known n goes into the fixed offset."""
    sane = offset_sane(n, 0) and offset_sane(var, off)
    if is_const(n) and fits_s32(off + n.smin):
        moved = off + n.smin
        return Moved(sane and offset_sane(var, moved), True, moved, sync(forget32(var)))
    sum_ = pointer_sum(var, n)
    return Moved(sane and offset_sane(sum_, off), False, off, sync(sum_))


@rule
def pointer_sub(var: Scalar, off: s64, n: Scalar) -> Moved:
    """pointer - n.  A packet pointer that surely moves back keeps its range (`range_kept`)."""
    sane = offset_sane(n, 0) and offset_sane(var, off)
    if is_const(n) and fits_s32(off - n.smin):
        moved = off - n.smin
        return Moved(sane and offset_sane(var, moved), True, moved, sync(forget32(var)))
    difference = pointer_difference(var, n)
    return Moved(sane and offset_sane(difference, off), False, off, sync(difference))


@rule
def range_kept(n: Scalar) -> bool:
    """Whether ``pointer - n`` keeps the packet range: n is not negative."""
    return n.smin >= 0
