"""Whether an access through a pointer is safe, and what a compare says of packet pointers."""

from __future__ import annotations

from bpfsmt.bits import rule, s64, u64
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.rules.tnum import tnum_add, tnum_const, tnum_is_aligned

MAX_VAR_OFF = 1 << 29
"""Pointers whose variable part may exceed this are not followed (kernel BPF_MAX_VAR_OFF)."""

MAX_PACKET_OFF = 0xFFFF
"""No packet reaches further (kernel MAX_PACKET_OFF)."""


@rule
def region_access_ok(var: Scalar, off: s64, size: u64, limit: u64) -> bool:
    """Bytes ``off + x`` to ``off + x + size`` lie in 0..limit for every x in ``var``.

    Kernel ``check_mem_region_access``: both ends of the signed range are tried, and
    anything beyond +-2**29 is refused before it can wrap.
    """
    if var.smin <= -MAX_VAR_OFF or var.smax >= MAX_VAR_OFF:
        return False
    if off <= -MAX_VAR_OFF or off >= MAX_VAR_OFF or size > MAX_VAR_OFF or limit > MAX_VAR_OFF:
        return False
    return var.smin + off >= 0 and var.smax + off + s64(size) <= s64(limit)


@rule
def packet_access_ok(var: Scalar, off: s64, size: u64, checked: u64) -> bool:
    """Bytes ``off`` to ``off + size`` after the variable part lie in the checked range.

    Kernel ``check_packet_access``: the variable part itself must not be negative.
    """
    if var.smin < 0 or off < 0 or off > MAX_PACKET_OFF or size > MAX_PACKET_OFF:
        return False
    return u64(off) + size <= checked


@rule
def packet_range(var: Scalar, off: s64, room: u64) -> u64:
    """How many bytes after the variable part are in the packet, once ``ptr + room <= end``.

    ``off`` is the compared pointer's fixed offset; 0 if nothing follows (kernel
    ``find_good_pkt_pointers``): the offset is negative, or so large that it might wrap.
    """
    if off < 0 or off > MAX_PACKET_OFF or var.umax > MAX_PACKET_OFF:
        return 0
    if var.umax + u64(off) > MAX_PACKET_OFF:
        return 0
    return u64(off) + room


@rule
def access_aligned(var: Tnum, off: s64, size: u64) -> bool:
    """Every address ``off + x`` is a multiple of ``size`` (a power of two)."""
    return tnum_is_aligned(tnum_add(var, tnum_const(u64(off))), size)
