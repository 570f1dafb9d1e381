"""Is what was refused really unsafe?  Some input shows it, or none can, or it is unknown.

First the access alone is asked about: can a run come there without anything having gone
wrong before, and go wrong there?  Where an instruction by itself harms nothing (arithmetic
on pointers, say), the question is whether any run of the whole program goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import z3

from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.replay import replay
from bpfsmt.crosscheck.settle import has_form, settle, smallest
from bpfsmt.crosscheck.witness import Witness, witness_of
from bpfsmt.domain.analysis import Analysis
from bpfsmt.explain.trail import is_helper_call
from bpfsmt.isa.opcodes import Class
from bpfsmt.prover import Proved, Refuted, Solver
from bpfsmt.symbolic.encode import Encoding
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
    here = [(node, c, w) for node, c, w in encoding.wrong() if node.point[1] == verdict.pc]
    insn = analysis.program[verdict.pc]
    touches = insn.cls in (Class.LDX, Class.ST, Class.STX) or is_helper_call(insn)
    if _complete(encoding, verdict.pc) and (here or touches):
        return _of_access(analysis, encoding, solver)
    return _of_program(analysis, encoding, solver)


def _complete(encoding: Encoding, pc: int) -> bool:
    """All that leads to the instruction is in the formula."""
    return all(point[1] != pc for point in (*encoding.blind, *encoding.unsupported))


def _of_access(analysis: Analysis, encoding: Encoding, solver: Solver) -> Truth:
    pc = analysis.verdict.pc
    answer = smallest(solver, conj(encoding.known, _first_wrong(encoding, pc)))
    if isinstance(answer, Proved):
        return Truth("safe", "access", seconds=answer.seconds)
    if not isinstance(answer, Refuted):
        return Truth("unknown", "access", answer.why, seconds=answer.seconds)
    what = next(
        what
        for node, condition, what in encoding.wrong()
        if node.point[1] == pc and z3.is_true(answer.model.eval(condition, model_completion=True))
    )
    inputs = {"inputs": witness_of(encoding, answer.model)}
    finding = Finding("rejection", pc, Status.REFUTED, "", what, inputs, seconds=answer.seconds)
    return _replayed(analysis, encoding, finding, "access")


def _first_wrong(encoding: Encoding, pc: int) -> Term:
    """Something goes wrong at ``pc``, and nothing at any point before it."""
    clean: list[Term] = []
    ways: list[Term] = []
    for node in encoding.nodes.values():
        if node.stepped is None:
            continue
        wrong = disj(*(conj(node.reach, c) for c, _ in node.stepped.wrong))
        if node.point[1] == pc:
            ways.append(conj(wrong, *clean))
        clean.append(neg(wrong))
    return disj(*ways)


def _of_program(analysis: Analysis, encoding: Encoding, solver: Solver) -> Truth:
    finding = settle(encoding, solver, analysis.verdict.pc)
    if finding.status is Status.REFUTED:
        return _replayed(analysis, encoding, finding, "program")
    word = "safe" if finding.status is Status.PROVED else "unknown"
    return Truth(word, "program", finding.why, seconds=finding.seconds)


def _replayed(analysis: Analysis, encoding: Encoding, finding: Finding, about: str) -> Truth:
    """Unsafe only if the concrete machine shows it."""
    shown = replay(analysis, encoding, finding)
    if shown.status is not Status.REFUTED or not shown.replayed:
        return Truth("unknown", about, shown.why, seconds=finding.seconds)
    return Truth("unsafe", about, shown.why, shown.witness, finding.seconds)
