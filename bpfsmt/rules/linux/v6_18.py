"""The scalar rules of Linux 6.18 (6.18.44), as overrides of those of 6.12.

A stable tree like Debian's 6.12.117, whose splits and ranges that cross the sign it has, and
more: sums that wrap, products of any sign, byte swaps, links by differences and of 32 bits,
one number left of a range by a tnum.  Its text was read in parts only; that arithmetic,
compares, links, splits and fills are what it does was measured on a running 6.18.44 by the
states in its log.  Pointers, accesses and the subsumption of states are 6.12.117's, unread.
"""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.rules.duties import Duties
from bpfsmt.rules.linux import alu_6_18, end_6_18, links_6_18, mul_6_18, step_6_18, sync_6_18
from bpfsmt.rules.linux.corrected import corrected
from bpfsmt.rules.linux.v6_12 import POLICY
from bpfsmt.rules.linux.v6_12 import RULES as V6_12
from bpfsmt.rules.ruleset import rules_in

NOT_DONE = Duties(fetches=False)
"""CVE-2026-43009: 6.18.44 does not have commit 179ee84a8911."""

RULES = V6_12.extend(
    "linux-6.18",
    *rules_in(step_6_18, sync_6_18, mul_6_18, alu_6_18, end_6_18, links_6_18).values(),
    policy=replace(
        POLICY,
        known_keys=True,
        helpers_trusted=True,
        live_links=True,
        live_as_walked=False,
        map_head=32,
        duties=NOT_DONE,
    ),
    doc="Linux 6.18.44's rules for numbers, under the walk of 6.12",
)

CORRECTED = corrected(RULES)
