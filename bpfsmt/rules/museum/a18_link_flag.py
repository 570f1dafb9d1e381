"""32-bit links that were told apart by the wrong register's flag (Linux 7.0-rc, 6.18)."""

from __future__ import annotations

from bpfsmt.bits import rule, u32
from bpfsmt.rules.linux.v6_18 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def links_narrow(reg_width: u32, source_width: u32) -> bool:
    """Whether only the low half is learnt: asked of the register that was compared."""
    return source_width == 32


EXHIBIT = Exhibit(
    LINUX.derive("museum/a18-link-flag", links_narrow),
    number="A18",
    title="the flag of a 32-bit link is read from the wrong register",
    fix="bc308be380c1",
    bad="7.0-rc; 6.18 with the backport",
    fixed="7.0",
    kind="relation",
    wrong="A register linked by a 32-bit addition is the low half of base + off. Whether to cut "
    "the sum was asked of the register that was compared, not of the one that learns from it.",
    right="The register that learns is cut if its own link is of 32 bits.",
    refuted=("linked/32-bit by copy",),
)
