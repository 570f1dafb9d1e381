"""``reg_bounds_sync`` of Linux 6.18: what 6.12.117 has more, left out.

By 5345e64760d3 (6.17) signed low halves do not refine the whole any more, for the unsigned
ones say as much.
"""

from __future__ import annotations

from bpfsmt.bits import rule, s64, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.sync import meet_s64, meet_u64, with_low


@rule
def bounds64_from_32(r: Scalar) -> Scalar:
    """A bound's low half can be no smaller than what the unsigned low range allows."""
    u = meet_u64(r, with_low(r.umin, r.u32min), with_low(r.umax, r.u32max))
    return meet_s64(u, s64(with_low(u64(u.smin), u.u32min)), s64(with_low(u64(u.smax), u.u32max)))
