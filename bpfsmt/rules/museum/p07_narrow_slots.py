"""Spills and fills of fewer than 8 bytes where the search for what matters ended (5.16)."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/p07-narrow-slots", "narrow_slots"),
    number="P07",
    title="what comes out of a narrow fill is not looked for in its slot",
    fix="345e004d0233",
    introduced="354e8f1970f8 (5.16-rc)",
    bad="5.16-rc",
    fixed="5.16",
    kind=PROGRAM,
    wrong="Numbers spilled in 4 bytes or fewer were remembered since 5.16, but looking back for "
    "what a number was computed from ended at a fill that was not of 8 bytes. The slot was then "
    "taken not to matter.",
    right="A fill of whatever size leads to the slot, and a spill from there to its register.",
    caught=("inductive", "global", "safety", "run"),
)
