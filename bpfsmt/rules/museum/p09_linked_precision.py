"""One of several linked numbers that mattered, without the others (up to 6.4)."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/p09-linked-precision", "linked_numbers"),
    number="P09",
    title="a number is narrowed by its copy, which is not taken to matter",
    fix="904e6ddf4133",
    introduced="75748837b7e5 (5.10)",
    bad="5.10 to 6.4",
    fixed="6.5",
    kind=PROGRAM,
    wrong="A compare of r7 narrows r6 too, if one is a copy of the other. When r6 then mattered, "
    "r7 did not, and a path on which r7 was no copy ended where the first one had gone on.",
    right="If one of the numbers that were narrowed together matters, all do, and by their ids "
    "they must be copies on the other path too.",
    caught=("inductive", "global", "safety", "run"),
)
