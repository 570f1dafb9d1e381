"""Signed bounds of the low half, each taken alone for one of the whole (Linux 5.7)."""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, replace, rule, s64, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def low_as_whole(r: Scalar) -> Scalar:
    """r with its low half's ranges as the whole's in Linux 5.7 (``__reg_assign_32_into_64``)."""
    return replace(
        r,
        umin=u64(r.u32min),
        umax=u64(r.u32max),
        smin=s64(r.s32min) if r.s32min > 0 else s64(0),
        smax=s64(r.s32max) if r.s32max > 0 else s64(U32_MAX),
    )


EXHIBIT = Exhibit(
    LINUX.derive("museum/a08-zext-signed", low_as_whole),
    number="A08",
    title="zero-extension keeps a signed upper bound of negative numbers",
    fix="3a71dc366d4a",
    introduced="3f50f132d840 (5.7)",
    bad="5.7",
    fixed="5.8-rc1",
    kind="operator",
    wrong="If s32max was positive it became smax, whatever s32min was. Of [-1, 5] the -1 becomes "
    "0xffffffff, which is above 5.",
    right="The signed bounds of the low half hold of the whole only if both are non-negative.",
    refuted=("low_as_whole/s64",),
)
