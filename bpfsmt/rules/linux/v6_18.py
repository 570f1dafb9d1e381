"""The scalar rules of Linux 6.18, as overrides of those of 6.12."""

from __future__ import annotations

from bpfsmt.rules.linux import alu_6_18, mul_6_18, other_6_18, sync_6_18
from bpfsmt.rules.linux.v6_12 import RULES as V6_12
from bpfsmt.rules.ruleset import rules_in

RULES = V6_12.extend(
    "linux-6.18",
    *rules_in(sync_6_18, mul_6_18, alu_6_18, other_6_18).values(),
    doc="Linux 6.18's scalar rules under the paper's walk",
)
