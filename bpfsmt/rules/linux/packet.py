"""What a compare of a packet pointer with the packet's end says, in Linux 6.12."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, s64, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.access import MAX_PACKET_OFF

AT_PKT_END = -1
"""A packet pointer's range where it is at or beyond the end (kernel AT_PKT_END)."""

BEYOND_PKT_END = -2
"""A packet pointer's range where it is beyond the end (kernel BEYOND_PKT_END)."""


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
