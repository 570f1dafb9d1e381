"""Ids of numbers that were not asked when states were compared (up to 6.4, and 6.1 today)."""

from __future__ import annotations

from bpfsmt.bits import rule, s64, u32
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit


@rule
def link_names(id_: u32) -> tuple[u32, u32]:
    """A number goes by no name."""
    return 0, 0


@rule
def link_subsumes(
    old_id: u32, old_added: bool, old_off: s64, new_id: u32, new_added: bool, new_off: s64
) -> bool:
    """Any link, or none, may stand for any."""
    return True


EXHIBIT = Exhibit(
    LINUX.derive("museum/p09-scalar-ids", link_names, link_subsumes),
    number="P09",
    title="copies of a number stand for numbers that are none",
    fix="1ffc85d9298e",
    introduced="75748837b7e5 (5.10)",
    bad="5.10 to 6.4, Debian's 6.1.192",
    fixed="6.5",
    kind=PROGRAM,
    wrong="A compare of r7 narrows r6 too, if one is a copy of the other. Two states were the "
    "same without that, so that a path on which r7 is no copy ended in one in which it is.",
    right="Ids of numbers are mapped to each other as those of pointers.",
    refuted=(
        "link_subsumes/same base, same number", "link_names/what it is linked to",
        "link_names/its link",
    ),
    caught=("safety", "run"),
)  # fmt: skip
