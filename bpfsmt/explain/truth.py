"""Is what was refused really unsafe?  Some input shows it, or none can, or it is unknown.

First the access alone is asked about: can a run come there without anything having gone
wrong before, and go wrong there?  Where an instruction by itself harms nothing (arithmetic
on pointers, say), the question is whether any run of the whole program goes wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import z3

from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.replay import replay
from bpfsmt.crosscheck.settle import has_form, settle, smallest
from bpfsmt.crosscheck.witness import Witness, witness_of
from bpfsmt.domain.analysis import Analysis
from bpfsmt.isa.opcodes import Class
from bpfsmt.prover import Proved, Refuted, Solver
from bpfsmt.symbolic.encode import Encoding
from bpfsmt.symbolic.memory import UNWRITTEN
from bpfsmt.symbolic.values import Term, conj, disj, neg


@dataclass(frozen=True, slots=True)
class Truth:
    """The answer: "unsafe", "safe", "form" or "unknown".

    ``about`` says of what: "access", or "program" where the instruction alone harms nothing.
    ``why`` is what goes wrong in the replayed run, or the reason of unknown.
    """

    word: str
    about: str
    why: str = ""
    witness: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        found = self.witness.get("inputs")
        inputs = found.to_json() if isinstance(found, Witness) else None
        return {
            "word": self.word, "about": self.about, "why": self.why, "inputs": inputs,
            "seconds": round(self.seconds, 3),
        }  # fmt: skip


def find_truth(analysis: Analysis, encoding: Encoding | None, why: str, solver: Solver) -> Truth:
    """Ask; without an encoding ``why`` says why there is none."""
    verdict = analysis.verdict
    if has_form(analysis.program, verdict.kind):
        return Truth("form", "program")
    if encoding is None:
        return Truth("unknown", "access", f"there is no formula of all runs: {why}")
    asked = _Access(analysis, encoding)
    insn = analysis.program[verdict.pc]
    touches = insn.cls in (Class.LDX, Class.ST, Class.STX) or insn.helper is not None
    if not asked.complete or not (asked.here or touches):
        return _of_program(analysis, encoding, solver)
    return _of_access(analysis, encoding, asked, solver)


class _Access:
    """The conditions under which runs come to the access and go wrong there.

    What the producer lets programs do (read stack that was never written, in Linux 6.3 and
    later) is not taken to be wrong.
    """

    def __init__(self, analysis: Analysis, encoding: Encoding) -> None:
        pc, known = analysis.verdict.pc, encoding.known
        self.complete = all(p[1] != pc for p in (*encoding.blind, *encoding.unsupported))
        self.here: list[tuple[Term, str]] = []
        first: list[Term] = []
        unharmed: list[Term] = []
        reach: list[Term] = []
        clean: list[Term] = []
        for node in encoding.nodes.values():
            if node.stepped is None:
                continue
            wrong = [
                (conj(node.reach, condition), what)
                for condition, what in node.stepped.wrong
                if not (analysis.uninit_stack and what.startswith(UNWRITTEN))
            ]
            if node.point[1] == pc:
                self.here += wrong
                first.append(conj(disj(*(c for c, _ in wrong)), *clean))
                unharmed.append(conj(node.reach, *clean))
                reach.append(node.reach)
            clean.append(neg(disj(*(c for c, _ in wrong))))
        self.first = conj(known, disj(*first))
        """Something goes wrong at the access, and nothing before it."""
        self.unharmed = conj(known, disj(*unharmed))
        """A run comes to the access and nothing went wrong before."""
        self.reach = conj(known, disj(*reach))
        """A run comes to the access."""


def _of_access(analysis: Analysis, encoding: Encoding, asked: _Access, solver: Solver) -> Truth:
    pc = analysis.verdict.pc
    answer = smallest(solver, asked.first)
    if isinstance(answer, Proved):
        return _never_wrong(analysis, encoding, asked, solver, answer.seconds)
    if not isinstance(answer, Refuted):
        return Truth("unknown", "access", answer.why, seconds=answer.seconds)
    what = next(
        what
        for condition, what in asked.here
        if z3.is_true(answer.model.eval(condition, model_completion=True))
    )
    inputs = {"inputs": witness_of(encoding, answer.model)}
    finding = Finding("rejection", pc, Status.REFUTED, "", what, inputs, seconds=answer.seconds)
    return _replayed(analysis, encoding, finding, "access")


def _never_wrong(
    analysis: Analysis, encoding: Encoding, asked: _Access, solver: Solver, seconds: float
) -> Truth:
    """Safe, unless that is so only because every run that comes there went wrong before."""
    comes = solver.impossible(asked.unharmed)
    if isinstance(comes, Refuted):
        return Truth("safe", "access", seconds=seconds)
    if isinstance(comes, Proved) and isinstance(solver.impossible(asked.reach), Proved):
        return Truth("safe", "access", "no run comes to it", seconds=seconds)
    return _of_program(analysis, encoding, solver)


def _of_program(analysis: Analysis, encoding: Encoding, solver: Solver) -> Truth:
    finding = settle(encoding, solver, analysis.verdict.pc)
    if finding.status is Status.REFUTED:
        return _replayed(analysis, encoding, finding, "program")
    word = "safe" if finding.status is Status.PROVED else "unknown"
    return Truth(word, "program", finding.why, seconds=finding.seconds)


def _replayed(analysis: Analysis, encoding: Encoding, finding: Finding, about: str) -> Truth:
    """Unsafe only if the concrete machine shows it, and of the access only if it does so there."""
    shown = replay(analysis, encoding, finding)
    if shown.status is not Status.REFUTED or not shown.replayed:
        return Truth("unknown", about, shown.why, seconds=finding.seconds)
    pc = analysis.verdict.pc
    there = re.search(rf"\b(pc|instruction) {pc}\b", shown.why) is not None
    return Truth("unsafe", about if there else "program", shown.why, shown.witness, finding.seconds)
