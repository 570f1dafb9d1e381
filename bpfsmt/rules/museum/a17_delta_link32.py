"""A 32-bit addition that kept a link as if it were a 64-bit one (Linux 6.11)."""

from __future__ import annotations

from bpfsmt.bits import rule, u32
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.alu import is_const32
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def links_add32(dst: Scalar, n: Scalar) -> bool:
    """Whether ``w_dst += w_n`` keeps dst linked in Linux 6.11: as a 64-bit addition does."""
    return is_const32(n)


@rule
def links_narrow(reg_width: u32, source_width: u32) -> bool:
    """Whether what is learnt is of the low half only: links of 6.11 have no width."""
    return False


EXHIBIT = Exhibit(
    LINUX.derive("museum/a17-delta-link32", links_add32, links_narrow),
    number="A17",
    title="a 32-bit addition keeps a 64-bit link",
    fix="3878ae04e9fc",
    introduced="98d7ca374ba4 (6.11)",
    bad="6.11",
    fixed="6.12",
    kind="relation",
    wrong="After `r2 = r1; w2 += 1` the two were linked as r2 = r1 + 1, in 64 bits. The machine "
    "has the low half of that.",
    right="A 32-bit addition ends the link.",
    refuted=("links_add32/base fits 32 bits", "linked/copy by 32-bit", "linked/32-bit by copy",
             "linked/32-bit by 32-bit"),
)  # fmt: skip
