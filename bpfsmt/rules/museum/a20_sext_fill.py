"""A sign-extending load of a spilled number that keeps the link with it (Linux 6.12 and 6.18)."""

from __future__ import annotations

from bpfsmt.rules.linux.links import links_fill_sext
from bpfsmt.rules.linux.v6_18 import CORRECTED
from bpfsmt.rules.museum.exhibit import Exhibit

EXHIBIT = Exhibit(
    CORRECTED.derive("museum/a20-sext-fill", links_fill_sext),
    number="A20",
    title="a sign-extending load of a spilled number keeps the link to it",
    fix="none known",
    bad="6.12.117 and 6.18.44, if not all since 6.6",
    fixed="none known",
    kind="relation",
    wrong="A load of all that was spilled of a number kept its id, extended with zeros or with the "
    "sign. After `*(u32 *)(r10 - 8) = r6; r7 = *(s32 *)(r10 - 8)` the two counted as equal, and "
    "what a compare said of -1 was believed of 0xffffffff.",
    right="A load that extends with the sign ends the link, unless the sign is known to be 0.",
    refuted=("links_fill_sext/nothing lost",),
)
