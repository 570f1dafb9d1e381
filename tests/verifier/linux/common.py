"""Small programs through the Linux walk."""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.program.asm_text import load_asm
from bpfsmt.program.program import Program, ProgramType
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.verifier import verify

from ..common import MAPS

LINUX = rule_set("linux-6.12")
LATER = rule_set("linux-6.18")
NEVER = "r0 = 0\nexit"


def program(text: str, kind: ProgramType = ProgramType.XDP, flags: int = 0) -> Program:
    """A program from text, after the maps that the paper's tests have."""
    return replace(load_asm(MAPS + text, "test"), type=kind, flags=flags)


def run(
    text: str,
    *,
    kind: ProgramType = ProgramType.XDP,
    flags: int = 0,
    rules: RuleSet = LINUX,
    log: bool = False,
) -> Analysis:
    """The analysis of the program."""
    return verify(program(text, kind, flags), rules, log=log)


def accepted(text: str, **options: object) -> Analysis:
    """Assert that the program is accepted."""
    analysis = run(text, **options)  # type: ignore[arg-type]
    assert analysis.verdict.accepted, analysis.verdict
    return analysis


def rejected(text: str, message: str, *, pc: int | None = None, **options: object) -> Analysis:
    """Assert that the program is rejected with that message."""
    analysis = run(text, **options)  # type: ignore[arg-type]
    verdict = analysis.verdict
    assert verdict.outcome is Outcome.REJECT, verdict
    assert message in verdict.message, verdict
    assert pc is None or verdict.pc == pc, verdict
    return analysis
