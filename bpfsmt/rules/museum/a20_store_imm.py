"""A store of a negative immediate that was tracked without its sign (Linux 6.2 to 6.6)."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, u32, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.linux.widen import known
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def store_imm(imm: s32) -> Scalar:
    """What ``*(u64 *)(r10 - 8) = imm`` spills in Linux 6.2 (``check_stack_write_fixed_off``)."""
    return known(u64(u32(imm)))


EXHIBIT = Exhibit(
    LINUX.derive("museum/a20-store-imm", store_imm),
    number="A20",
    title="a stored immediate loses its sign",
    fix="811c363645b3",
    bad="6.2 to 6.6",
    fixed="6.7",
    kind="operator",
    wrong="The mistake of CVE-2017-16995 in the other direction: `*(u64 *)(r10 - 8) = -44` was "
    "tracked as 0xffffffd4. The machine extends the sign.",
    right="A stored immediate is sign-extended.",
    refuted=("store_imm/tnum", "store_imm/u64", "store_imm/s64"),
)
