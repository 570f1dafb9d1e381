"""CVE-2017-16995: a 32-bit move of an immediate was taken to extend the sign."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, s64, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import from_tnum
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.paper import RULES as PAPER
from bpfsmt.rules.tnum import tnum_const


@rule
def mov32_imm(imm: s32) -> Scalar:
    """``w = imm`` as Linux 4.14 had it (``check_alu_op``): the same as ``r = imm``."""
    return from_tnum(tnum_const(u64(s64(imm))))


EXHIBIT = Exhibit(
    PAPER.derive("museum/cve-2017-16995", mov32_imm),
    number="A01",
    title="32-bit move of an immediate extends the sign",
    cve="CVE-2017-16995",
    fix="95a762e2c8c9",
    bad="4.4 to 4.14.8",
    fixed="4.15-rc5, 4.14.9",
    kind="operator",
    wrong="`w9 = -1` was taken to leave 0xffffffffffffffff, as `r9 = -1` does. The machine zeroes "
    "the upper half, so a compare with -1, which extends its own immediate, goes the other way, "
    "into code that was never verified.",
    right="The immediate of a 32-bit move is 32 bits, and the upper half becomes zero.",
    refuted=("mov32_imm/tnum", "mov32_imm/u64", "mov32_imm/s64"),
)
