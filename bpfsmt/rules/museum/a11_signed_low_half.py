"""Each bound of the whole alone was taken for one of the low half (Linux 5.7 to 5.10)."""

from __future__ import annotations

from bpfsmt.bits import S32_MAX, S32_MIN, U32_MAX, replace, rule, s32, u32
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.linux.widen import forget32
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def combine_64_into_32(r: Scalar) -> Scalar:
    """The low half's ranges from the whole's in Linux 5.10 (``__reg_combine_64_into_32``)."""
    low = forget32(r)
    if r.smin >= S32_MIN and r.smin <= S32_MAX:
        low = replace(low, s32min=s32(r.smin))
    if r.smax >= S32_MIN and r.smax <= S32_MAX:
        low = replace(low, s32max=s32(r.smax))
    if r.umin <= U32_MAX:
        low = replace(low, u32min=u32(r.umin))
    if r.umax <= U32_MAX:
        low = replace(low, u32max=u32(r.umax))
    return sync(low)


EXHIBIT = Exhibit(
    LINUX.derive("museum/a11-signed-low-half", combine_64_into_32),
    number="A11",
    title="a signed lower bound of the whole bounds its low half",
    fix="b02709587ea3",
    introduced="3f50f132d840 (5.7)",
    bad="5.7 to 5.10",
    fixed="5.11",
    kind="operator",
    wrong="smin became s32min if it alone fits 32 bits, and so with every other bound. But a "
    "number of at least 1 may be 2^32, whose low half is 0.",
    right="Both smin and smax must fit. The fix left the unsigned half of the mistake, which "
    "became CVE-2021-31440.",
    refuted=("combine_64_into_32/u32", "combine_64_into_32/s32"),
)
