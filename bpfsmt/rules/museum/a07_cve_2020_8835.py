"""CVE-2020-8835: low halves of 64-bit bounds were taken for bounds of the low half."""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, replace, rule
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import bounds_from_tnum
from bpfsmt.rules.branch64 import both_32, refine64_eq, refine64_ne
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.paper import RULES as PAPER
from bpfsmt.rules.tnum import tnum_intersect, tnum_range, tnum_with_subreg, tnum_zext32


@rule
def bound_offset32(r: Scalar) -> Scalar:
    """Bits of the low half from the low halves of umin and umax (``__reg_bound_offset32``)."""
    range_ = tnum_range(r.umin & U32_MAX, r.umax & U32_MAX)
    low = tnum_intersect(tnum_zext32(r.var_off), range_)
    return replace(r, var_off=tnum_with_subreg(r.var_off, low))


@rule
def refine32_eq(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a == (u32) b in Linux 5.5 (``reg_set_min_max``)."""
    if both_32(a, b):
        return refine64_eq(a, b)
    return bounds_from_tnum(bound_offset32(a)), b


@rule
def refine32_ne(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """(u32) a != (u32) b in Linux 5.5."""
    if both_32(a, b):
        return refine64_ne(a, b)
    return bounds_from_tnum(bound_offset32(a)), b


EXHIBIT = Exhibit(
    PAPER.derive("museum/cve-2020-8835", refine32_eq, refine32_ne),
    number="A07",
    title="after a 32-bit compare, bits of the low half from 64-bit bounds",
    cve="CVE-2020-8835",
    fix="f2d67fec0b43",
    introduced="581738a681b6 (5.5)",
    bad="5.5 to 5.5.13, 5.6.0, 5.4.7 to 5.4.28",
    fixed="5.7-rc1, 5.6.1, 5.5.14, 5.4.29",
    kind="operator",
    wrong="After a 32-bit jump the low halves of umin and umax were taken for a range of the low "
    "half. From 1 to 0x100000001 that is the range 1 to 1, but 2 lies between them.",
    right="That step was removed. Low halves bound the low half only if the upper ones agree.",
    refuted=("bound_offset32/tnum", "refine32_eq/left/tnum", "refine32_ne/left/tnum"),
)
