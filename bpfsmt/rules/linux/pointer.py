"""Pointer arithmetic, bounds of accesses, and packet ranges in Linux 6.12."""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.bits import S64_MIN, record, replace, rule, s32, s64, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.access import MAX_PACKET_OFF, MAX_VAR_OFF
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import add_s64, fits_s32, sub_s64
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.linux.widen import forget32
from bpfsmt.rules.tnum import tnum_add, tnum_sub

AT_PKT_END = -1
"""A packet pointer's range where it is at or beyond the end (kernel AT_PKT_END)."""

BEYOND_PKT_END = -2
"""A packet pointer's range where it is beyond the end (kernel BEYOND_PKT_END)."""


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


@rule
def within(off: s64, size: u64, limit: u64) -> bool:
    """Bytes off to off + size lie in 0..limit (kernel ``__check_mem_access``)."""
    low = s64(s32(off))
    return low >= 0 and u64(low) + size <= limit


@rule
def region_access_ok(var: Scalar, off: s64, size: u64, limit: u64) -> bool:
    """Bytes ``off + x`` to ``off + x + size`` lie in 0..limit for every x in ``var``.

    Kernel ``check_mem_region_access``: the lower end read signed, the upper one unsigned.
    off is a signed 32-bit number, size and limit are below 2**32.
    """
    low = var.smin + off
    if var.smin < 0 and (var.smin == S64_MIN or not fits_s32(low) or low < 0):
        return False
    if not within(low, size, limit) or var.umax >= MAX_VAR_OFF:
        return False
    return within(s64(var.umax) + off, size, limit)


@rule
def packet_range(var: Scalar, off: s64, room: u64) -> u64:
    """Bytes after the variable part that are in the packet, once ``ptr + room <= end``.

    Kernel ``find_good_pkt_pointers``: ``off`` is the compared pointer's fixed offset, room
    is 1 for a strict compare.  0 if nothing follows: a negative offset, one that might
    wrap, or ``ptr < end`` with no offset at all.
    """
    if off < 0 or (off == 0 and room == 1):
        return 0
    if var.umax > MAX_PACKET_OFF or var.umax + u64(off) > MAX_PACKET_OFF:
        return 0
    return u64(off) + room


@rule
def packet_end_range(beyond: bool) -> s64:
    """The range of a pointer once it is > the packet's end, or >= it (``mark_pkt_end``)."""
    return BEYOND_PKT_END if beyond else AT_PKT_END


@rule
def taken_pkt_le(range_: s64) -> s32:
    """ptr <= end for a packet pointer of that range: 0 if it cannot be, else -1."""
    return 0 if range_ == BEYOND_PKT_END else -1


@rule
def taken_pkt_lt(range_: s64) -> s32:
    """ptr < end for a packet pointer of that range: 0 if it cannot be, else -1."""
    return 0 if range_ < 0 else -1
