"""A rejection explained: everything that is known of it, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bpfsmt.crosscheck.settle import Witness
from bpfsmt.domain import format_reg
from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.errors import UnsupportedError
from bpfsmt.explain.access import Access, failing_access, failing_visit, instruction_text
from bpfsmt.explain.loss import Loss, find_loss
from bpfsmt.explain.missing import Missing, missing_bounds
from bpfsmt.explain.others import Other, ask_others
from bpfsmt.explain.repair import NOT_SOUGHT, Repair, find_repair
from bpfsmt.explain.trail import Loc, Mattered, slice_back, way_to
from bpfsmt.explain.truth import Truth, find_truth
from bpfsmt.program.program import Program
from bpfsmt.prover import Solver
from bpfsmt.rules import RuleSet
from bpfsmt.symbolic.encode import Encoding, encode
from bpfsmt.verifier import verify as run_verifier


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say of one program; only ``analysis`` if it was not rejected."""

    analysis: Analysis
    access: Access | None = None
    missing: Sequence[Missing] = ()
    slice: Sequence[Mattered] = ()
    loss: Loss = field(default_factory=lambda: Loss(NOT_SOUGHT))
    truth: Truth = field(default_factory=lambda: Truth("unknown", "access"))
    repair: Repair = field(default_factory=lambda: Repair(NOT_SOUGHT))
    others: Sequence[Other] = ()


def explain(
    program: Program, rules: RuleSet, *, seconds: float = 10.0, verify: Any = run_verifier
) -> Explanation:
    """Verify ``program`` with ``rules``, and explain the rejection if it is one.

    ``seconds`` bounds each query about the truth, the search for exact sets, and the search
    for a check.  ``verify`` is the verifier, ours unless another is given.
    """
    analysis = verify(program, rules, log=True, forgetful=False)
    if analysis.verdict.outcome is not Outcome.REJECT:
        return Explanation(analysis)
    access, visit = failing_access(analysis), failing_visit(analysis)
    missing = missing_bounds(analysis, rules, access)
    way = [] if visit is None else way_to(analysis, visit)
    slice_: list[Mattered] = []
    if visit is not None and access is not None and access.reg >= 0:
        here = Loc(len(visit.state.frames) - 1, access.reg)
        slice_ = slice_back(program, way, [here])
    encoding, why = _encoding(program)
    loss = find_loss(encoding, why, way, slice_, missing, seconds)
    truth = find_truth(analysis, encoding, why, Solver(seconds))
    repair = find_repair(analysis, rules, lambda p: verify(p, rules, forgetful=False), seconds)
    others = ask_others(program, rules, repair.program, verify)
    return Explanation(analysis, access, missing, slice_, loss, truth, repair, others)


def _encoding(program: Program) -> tuple[Encoding | None, str]:
    try:
        return encode(program), ""
    except UnsupportedError as error:
        return None, str(error)


def slice_line(program: Program, one: Mattered) -> str:
    """A step of the slice: the instruction, and what is claimed of the value after it."""
    reg = one.loc.in_state(one.step.after.state)
    shown = "?" if reg is NOT_INIT else format_reg(reg, program.maps)
    return f"{one.pc}: {instruction_text(program, one.pc)}   {one.loc}={shown}"


__all__ = ["Explanation", "Witness", "explain", "slice_line"]
