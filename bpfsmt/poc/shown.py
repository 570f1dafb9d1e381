"""Whether a program shows a wrong rule: the verifier reads it, and the machine runs it."""

from __future__ import annotations

from bpfsmt.crosscheck.concrete import check_trace
from bpfsmt.machine import Event, Inputs, ScriptedEnvironment, run
from bpfsmt.poc.attempt import Candidate
from bpfsmt.poc.found import Poc, program_text
from bpfsmt.program import load_asm
from bpfsmt.rules.ruleset import RuleSet
from bpfsmt.verifier import verify

CALLS = (0, 2)
"""Where in the prologue the numbers come from."""


def shown(rules: RuleSet, candidate: Candidate) -> Poc | None:
    """The program, if the verifier accepts it and a run contradicts a claim of its analysis."""
    rule, lines, numbers = candidate.rule, candidate.lines, candidate.numbers
    text = program_text(f"{rule} is wrong", lines, numbers)
    program = load_asm(text, f"poc_{rule}")
    analysis = verify(program, rules)
    if not analysis.verdict.accepted:
        return None
    events = [Event("call", pc, n) for pc, n in zip(CALLS, numbers, strict=True)]
    result = run(program, Inputs(b"\0" * 64), ScriptedEnvironment(events), trace=True)
    assert result.trace is not None
    violations = check_trace(analysis, result.trace)
    if not violations or result.r0 != 1:
        return None
    return Poc(rule, text, program, numbers, str(violations[0]), len(lines), analysis)
