"""Small programs through the verifier."""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.program.asm_text import load_asm
from bpfsmt.rules import Policy, RuleSet, rule_set
from bpfsmt.verifier import verify

PAPER = rule_set("xdp-paper")

MAPS = """
.map counts type=hash key=4 value=8 entries=16
.map ports type=devmap key=4 value=4 entries=4
.map progs type=prog_array key=4 value=4 entries=4
.map config type=array key=4 value=16 entries=1
.map limits type=array key=4 value=16 entries=1 flags=128 frozen
"""

PACKET = "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\n"
"""r2 is data, r3 is data_end."""

LOOKUP = """
*(u32 *)(r10 - 4) = 0
r1 = map[counts]
r2 = r10
r2 += -4
call bpf_map_lookup_elem
"""
"""r0 is the value of a lookup in counts, or NULL."""

OUT = "\nr0 = 2\nexit"


def run(text: str, *, rules: RuleSet = PAPER, log: bool = False) -> Analysis:
    """The analysis of a program given as text, after the maps above."""
    return verify(load_asm(MAPS + text, "test"), rules, log=log)


def with_policy(**changes: object) -> RuleSet:
    """``xdp-paper`` with another policy."""
    return PAPER.derive("test", policy=replace(Policy(), **changes))  # type: ignore[arg-type]


def rejected(text: str, kind: str, *, pc: int | None = None, rules: RuleSet = PAPER) -> Verdict:
    """Assert that the program is rejected for that reason; the verdict."""
    verdict = run(text, rules=rules).verdict
    assert verdict.outcome is Outcome.REJECT, verdict
    assert verdict.kind == kind, verdict
    assert pc is None or verdict.pc == pc, verdict
    assert verdict.reason.endswith(".")
    return verdict


def accepted(text: str, *, rules: RuleSet = PAPER) -> Analysis:
    """Assert that the program is accepted; the analysis."""
    analysis = run(text, rules=rules)
    assert analysis.verdict.accepted, analysis.verdict
    return analysis
