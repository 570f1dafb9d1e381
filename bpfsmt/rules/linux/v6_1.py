"""The scalar rules of Linux 6.1 (6.1.192), as overrides of those of 6.12.

Instructions that came later (sign extension, signed division, byte swaps without
conversion) keep 6.12's rules, or what is right where those are not; that kernel refuses them.
"""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.rules.linux import alu_6_1, branch_6_1, other_6_1, sync_6_1, taken_6_1
from bpfsmt.rules.linux.corrected import links_fill_sext
from bpfsmt.rules.linux.v6_12 import POLICY
from bpfsmt.rules.linux.v6_12 import RULES as V6_12
from bpfsmt.rules.ruleset import rules_in

IDS = (
    "ids of numbers are not compared when states are, though compares tell linked numbers of each "
    "other: as released, right since 6.5 (1ffc85d9298e, 904e6ddf4133)"
)

RULES = replace(
    V6_12.extend(
        "linux-6.1",
        *rules_in(sync_6_1, alu_6_1, taken_6_1, branch_6_1, other_6_1).values(),
        links_fill_sext,
        policy=replace(
            POLICY,
            spills_linked=False,
            narrow_fills=False,
            stores_scrub=False,
            links_tracked=False,
            most_linked=0,
            returns_tracked=False,
            fastcall=False,
            stack_unit=32,
        ),
        doc="Linux 6.1.192's rules for numbers, under the walk of 6.12",
    ),
    faults={
        "link_subsumes/same base, same number": IDS,
        "link_names/what it is linked to": IDS,
        "link_names/its link": IDS,
        "id_pair_ok/an old id has a new one": IDS,
    },
)
