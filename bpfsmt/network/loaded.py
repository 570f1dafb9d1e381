"""Programs as a node has them: verified, and ready to run."""

from __future__ import annotations

from dataclasses import dataclass

from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Code
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet
from bpfsmt.verifier import verify


class RejectedError(BpfsmtError):
    """The verifier does not let a program in; ``analysis`` says why."""

    def __init__(self, analysis: Analysis) -> None:
        verdict = analysis.verdict
        word = "not supported" if verdict.outcome is Outcome.UNSUPPORTED else "rejected"
        what = f"{word} at {verdict.pc} by {analysis.producer}: {verdict.reason}"
        super().__init__(f"{analysis.program.name}: {what}")
        self.analysis = analysis


@dataclass(frozen=True, eq=False, slots=True)
class Loaded:
    """A program that was verified; two loads of one program are two different ones."""

    program: Program
    analysis: Analysis
    code: Code

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name


def load_verified(program: Program, rules: RuleSet, *, unverified: bool = False) -> Loaded:
    """Verify a program and make it ready; raises `RejectedError`, unless ``unverified`` ones
    are wanted too.

    >>> from bpfsmt.program import load_asm
    >>> from bpfsmt.rules import rule_set
    >>> load_verified(load_asm("r0 = 2\\nexit", "pass"), rule_set("xdp-paper")).name
    'pass'
    """
    analysis = verify(program, rules)
    if not analysis.verdict.accepted and not unverified:
        raise RejectedError(analysis)
    return Loaded(program, analysis, Code(program))
