"""The rule set ``xdp-paper``: section 3.3 of the XDP paper.

Programs are DAGs; scalars have 64-bit ranges and a tnum, no subregister ranges.  This is
the verifier of Linux 4.18 as the paper describes it, with two liberties: instructions that
came later (32-bit jumps, sign extension, signed division) are followed conservatively
instead of being refused, and a compare between two registers refines both, as the paper's
text has it.
"""

from __future__ import annotations

from bpfsmt.rules import (
    access,
    alu32,
    alu64,
    bounds,
    branch32,
    branch64,
    bswap,
    immediate,
    tnum,
)
from bpfsmt.rules.ruleset import Policy, RuleSet, rules_in

RULES = RuleSet(
    name="xdp-paper",
    rules=rules_in(tnum, bswap, bounds, immediate, alu64, alu32, branch64, branch32, access),
    policy=Policy(),
    doc="the verifier of the XDP paper, section 3.3: DAG only, 64-bit ranges and tnum",
)
