"""CVE-2021-31440: each unsigned bound of the whole alone was taken for one of the low half."""

from __future__ import annotations

from bpfsmt.bits import S32_MAX, S32_MIN, U32_MAX, replace, rule, s32, u32
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.linux.widen import forget32
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def combine_64_into_32(r: Scalar) -> Scalar:
    """The low half's ranges from the whole's in Linux 5.11 (``__reg_combine_64_into_32``)."""
    low = forget32(r)
    if r.smin >= S32_MIN and r.smin <= S32_MAX and r.smax >= S32_MIN and r.smax <= S32_MAX:
        low = replace(low, s32min=s32(r.smin), s32max=s32(r.smax))
    if r.umin <= U32_MAX:
        low = replace(low, u32min=u32(r.umin))
    if r.umax <= U32_MAX:
        low = replace(low, u32max=u32(r.umax))
    return sync(low)


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2021-31440", combine_64_into_32),
    number="A12",
    title="an unsigned lower bound of the whole bounds its low half",
    cve="CVE-2021-31440",
    fix="10bf4e83167c",
    introduced="3f50f132d840 (5.7)",
    bad="5.7 to 5.12",
    fixed="5.13",
    kind="operator",
    wrong="umin became u32min if it alone fits 32 bits. But a number of at least 1 may be 2^32, "
    "whose low half is 0.",
    right="Both umin and umax must fit 32 bits.",
    refuted=("combine_64_into_32/u32",),
)
