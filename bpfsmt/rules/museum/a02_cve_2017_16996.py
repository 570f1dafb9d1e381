"""CVE-2017-16996: truncation to 32 bits kept the bounds of the whole number."""

from __future__ import annotations

from bpfsmt.bits import replace, rule
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import bounds_from_tnum
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.paper import RULES as PAPER
from bpfsmt.rules.tnum import tnum_zext32


@rule
def zext32(r: Scalar) -> Scalar:
    """Truncation in Linux 4.14 (``coerce_reg_to_32``): the old bounds, as the bits allow."""
    return bounds_from_tnum(replace(r, var_off=tnum_zext32(r.var_off)))


EXHIBIT = Exhibit(
    PAPER.derive("museum/cve-2017-16996", zext32),
    number="A02",
    title="truncation keeps the bounds of the whole number",
    cve="CVE-2017-16996",
    fix="0c17d1d2c619",
    introduced="b03c9f9fdc37 (4.14)",
    bad="4.14 to 4.14.8",
    fixed="4.15-rc5, 4.14.9",
    kind="operator",
    wrong="The upper bits were cleared in the tnum, and the 64-bit bounds then cut to what that "
    "allows. A range that crosses 2^32 kept its lower end, though its upper part wraps to 0.",
    right="The bounds survive, without their upper halves, if both have the same upper half; "
    "otherwise they are 0 and 0xffffffff.",
    refuted=("zext32/u64", "zext32/s64"),
)
