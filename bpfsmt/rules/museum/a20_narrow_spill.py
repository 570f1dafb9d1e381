"""A spill of part of a register that kept the link with all of it (up to Linux 6.3)."""

from __future__ import annotations

from bpfsmt.bits import rule, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def links_spill(r: Scalar, size: u64) -> bool:
    """Whether a spill keeps the link: always, before 6.4 (``save_register_state``)."""
    return True


@rule
def links_fill(r: Scalar, size: u64) -> bool:
    """Whether a fill keeps the link that the spill kept: always."""
    return True


EXHIBIT = Exhibit(
    LINUX.derive("museum/a20-narrow-spill", links_spill, links_fill),
    number="A20",
    title="a narrow spill keeps the link to the whole register",
    fix="713274f1f2c8",
    bad="up to 6.3",
    fixed="6.4; 6.1 and other stable releases",
    kind="relation",
    wrong="`*(u32 *)(r10 - 8) = r6` kept the id of r6 in the slot. What was loaded from there "
    "counted as equal to r6, whose upper half it does not have.",
    right="A spill that cuts the number off ends the link.",
    refuted=tuple(
        f"links_{what}({n})/nothing lost" for what in ("spill", "fill") for n in (1, 2, 4)
    ),
)
