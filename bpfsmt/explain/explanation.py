"""A rejection explained: everything that is known of it, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.errors import UnsupportedError
from bpfsmt.explain.access import Access, failing_access, failing_visit
from bpfsmt.explain.loss import Loss, find_loss
from bpfsmt.explain.missing import Missing, missing_bounds
from bpfsmt.explain.others import Other, ask_others
from bpfsmt.explain.repair import NOT_SOUGHT, Repair, find_repair
from bpfsmt.explain.trail import Loc, Slice, slice_back, way_to
from bpfsmt.explain.truth import Truth, find_truth
from bpfsmt.program.program import Program
from bpfsmt.prover import Solver
from bpfsmt.rules import RuleSet
from bpfsmt.symbolic.encode import Encoding, encode
from bpfsmt.verifier import verify as run_verifier

TOO_LONG = "too-complex"
"""A walk that is cut off takes minutes: it is not repeated to keep its states and its log, nor
with other rule sets."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say of one program; only ``analysis`` if it was not rejected."""

    analysis: Analysis
    access: Access | None = None
    missing: Sequence[Missing] = ()
    slice: Slice = field(default_factory=Slice)
    loss: Loss = field(default_factory=lambda: Loss(NOT_SOUGHT))
    truth: Truth = field(default_factory=lambda: Truth("unknown", "access"))
    repair: Repair = field(default_factory=lambda: Repair(NOT_SOUGHT))
    others: Sequence[Other] = ()

    def with_other(self, other: Other) -> Explanation:
        """The same with what one more verifier says."""
        return replace(self, others=(*self.others, other))


def explain(
    program: Program, rules: RuleSet, *, seconds: float = 10.0, verify: Any = run_verifier
) -> Explanation:
    """Verify ``program`` with ``rules``, and explain the rejection if it is one.

    ``seconds`` bounds each query about the truth, the search for exact sets, and the search
    for a check.  ``verify`` is the verifier, ours unless another is given.
    """
    analysis = verify(program, rules, record=False)
    if analysis.verdict.outcome is not Outcome.REJECT:
        return Explanation(analysis)
    if analysis.verdict.kind != TOO_LONG:
        analysis = verify(program, rules, log=True, forgetful=False)
    access, visit = failing_access(analysis), failing_visit(analysis)
    missing = missing_bounds(analysis, rules, access)
    way = [] if visit is None else way_to(analysis, visit)
    slice_ = Slice()
    if visit is not None and access is not None and access.reg >= 0:
        here = Loc(len(visit.state.frames) - 1, access.reg)
        slice_ = slice_back(program, way, [here])
    encoding, why = _encoding(program)
    loss = find_loss(encoding, why, way, slice_, missing, seconds)
    truth = find_truth(analysis, encoding, why, Solver(seconds))
    repair = find_repair(analysis, rules, lambda p: verify(p, rules, forgetful=False), seconds)
    too_long = analysis.verdict.kind == TOO_LONG
    others = [] if too_long else ask_others(program, rules, repair.program, verify)
    return Explanation(analysis, access, missing, slice_, loss, truth, repair, others)


def _encoding(program: Program) -> tuple[Encoding | None, str]:
    try:
        return encode(program), ""
    except UnsupportedError as error:
        return None, str(error)
