"""The scalar rules of Linux 6.12 (6.12.117), as overrides of the paper's.

A stable tree: three rounds of deduction, ranges that cross the sign, `tnum_overlap` in
compares for equality and splits are backports, which 6.12 itself did not have.
"""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.rules.duties import Duties
from bpfsmt.rules.linux import (
    access,
    alu,
    branch,
    emitted,
    extend,
    fork,
    links,
    loads,
    opaque,
    packet,
    pointer,
    retval,
    shift,
    subsume,
    sync,
    taken,
    widen,
)
from bpfsmt.rules.linux.corrected import FAULTS, corrected
from bpfsmt.rules.paper import RULES as PAPER
from bpfsmt.rules.ruleset import Policy, rules_in

POLICY = Policy(
    max_insns=1_000_000, max_walked=1_000_000, loops=True, walk="linux",
    live_as_walked=True, fastcall=True,
    duties=Duties(rounds_told=False, tail_calls_return=False),
)  # fmt: skip
"""The limits of a privileged load (kernel BPF_COMPLEXITY_LIMIT_INSNS), and what is not done.

That a tail call returns is known since commit e3245f899043, that of a loop's rounds all are told
since c9e31900b54c (6.17): 6.12.117 has neither.
"""

RULES = replace(
    PAPER.extend(
        "linux-6.12",
        *rules_in(
            sync, widen, alu, shift, opaque, taken, branch, extend, loads, links, fork, pointer
        ).values(),
        *rules_in(access, packet, retval, subsume, emitted).values(),
        policy=POLICY,
        doc="Linux 6.12.117: its rules for numbers, under its walk of all paths",
    ),
    faults=FAULTS,
)

CORRECTED = corrected(RULES)
