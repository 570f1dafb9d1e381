"""Sign extension to 64 bits whose unsigned bounds were cut to 32 (Linux 6.6 to 6.11)."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.tnum import tnum_range


@rule
def sext_range(lo: s64, hi: s64) -> Scalar:
    """The numbers lo..hi in Linux 6.6 (``coerce_reg_to_size_sx``): ``umin = u32min = lo``."""
    umin = u64(u32(lo))
    umax = u64(u32(hi))
    return Scalar(
        tnum_range(u64(lo), u64(hi)), umin, umax, lo, hi, u32(lo), u32(hi), s32(lo), s32(hi)
    )


EXHIBIT = Exhibit(
    LINUX.derive("museum/a15-movsx64", sext_range),
    number="A15",
    title="unsigned bounds of a sign extension pass through 32 bits",
    fix="ae67b9fb8c4e",
    introduced="1f9a1ea821ff (6.6)",
    bad="6.6 to 6.11",
    fixed="6.12-rc4",
    kind="operator",
    wrong="In C, `umin = u32min = smin` assigns to a 32-bit field on the way: the upper half of a "
    "negative bound is lost. [-2, -1] became [0xfffffffe, 0xffffffff].",
    right="The two pairs of bounds are assigned one by one.",
    refuted=("movsx64(8)/u64", "movsx64(16)/u64", "movsx64(32)/u64"),
)
