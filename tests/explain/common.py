"""The rejected programs of ``bench_programs``, and explaining one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.explain import Explanation, explain
from bpfsmt.isa.instruction import Instruction
from bpfsmt.program import Program, load
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.verifier import verify

RULES = Path(__file__).parents[2] / "bench_programs" / "rules"
PAPER = rule_set("xdp-paper")


def program(name: str) -> Program:
    """One of the small programs that show a rule."""
    (found,) = load(RULES / f"{name}.bpfasm").programs
    return found


def rejected() -> Iterator[str]:
    """All of them that a verifier must reject, by name."""
    for path in sorted(RULES.glob("*.bpfasm")):
        if ".expect reject" in path.read_text():
            yield path.stem


@cache
def explained(name: str, rules: str = "xdp-paper") -> Explanation:
    """The explanation of one of them."""
    return explain(program(name), rule_set(rules), seconds=20)


def refusing(program: Program, rules: RuleSet, **options: Any) -> Analysis:
    """A verifier that lets nothing pass; what it rejects anyway it rejects as ours does."""
    analysis = verify(program, rules, **options)
    if analysis.verdict.outcome is Outcome.ACCEPT:
        analysis.verdict = Verdict(Outcome.REJECT, 0, "too-complex", "No.", "no")
    return analysis


def without_added(one: Explanation, gone: int) -> Program:
    """The repaired program with one of the added instructions made a jump to the next."""
    changed = one.repair.program
    assert changed is not None
    slots = list(changed.slots)
    slots[one.repair.added[gone]] = Instruction(0x05)
    return replace(changed, slots=tuple(slots))
