"""CVE-2026-53081: numbers that were a distance away from others, of which nobody asked which."""

from __future__ import annotations

from bpfsmt.bits import rule, u32
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit


@rule
def link_names(id_: u32) -> tuple[u32, u32]:
    """The names of a linked number: only that with the flags of an addition."""
    return id_, id_


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2026-53081", link_names),
    number="P08",
    title="numbers the same distance away from different numbers are taken for one",
    cve="CVE-2026-53081",
    fix="2f2ec8e7730e",
    introduced="98d7ca374ba4 (6.11)",
    bad="6.11 to 7.0.9",
    fixed="7.1-rc, 7.0.10, 6.18.33, 6.12.91",
    kind=PROGRAM,
    wrong="r8 = r6 + 10 has r6's id with a flag. When states were compared, ids were mapped to "
    "ids with the flag as part of the number, and so r8 = r7 + 10 passed for it.",
    right="The ids without the flag are mapped as well.",
    refuted=("link_names/what it is linked to",),
    caught=("safety", "run"),
)
