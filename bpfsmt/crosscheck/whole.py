"""The global check: the whole program as one formula, against the union of the claims.

At every point no reachable concrete state may lie outside what the visits there claim, no
access may be wrong, and no point without a visit may be reached.  Everything is asked in
one merged query first; only where that fails are points, and then locations, asked alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.domain.analysis import Analysis, Visit
from bpfsmt.domain.printing import format_state
from bpfsmt.prover import Answer, Proved, Refuted, Solver, Unknown
from bpfsmt.symbolic.claims import holds
from bpfsmt.symbolic.encode import Encoding, Node, Point
from bpfsmt.symbolic.memory import UNWRITTEN
from bpfsmt.symbolic.values import Term, conj, disj, neg

BY_INDUCTION = "by the inductive check; the whole formula was not decided in time"
"""Why a global obligation counts as proved although its own query did not finish."""

NO_FORMULA = "by the inductive check; there is no whole formula"
"""The same where it could not even be asked: the program has loops."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One global obligation: ``formula`` must be impossible."""

    check: str
    point: Point
    claim: str
    formula: Term


class Whole:
    """The global check of an accepted program's analysis."""

    def __init__(self, analysis: Analysis, encoding: Encoding, solver: Solver) -> None:
        self.analysis, self.encoding, self.solver = analysis, encoding, solver
        self.visits: dict[Point, list[Visit]] = defaultdict(list)
        for visit in analysis.visits:
            self.visits[visit.state.callsites, visit.pc].append(visit)

    def doubts(self) -> Iterator[Doubt]:
        """Every obligation, in topological order."""
        for point, node in self.encoding.nodes.items():
            visits = self.visits.get(point, [])
            if not visits:
                yield Doubt("unreachable", point, f"{point[1]} is never reached", node.reach)
                continue
            inside = disj(*(self.inside(visit, node) for visit in visits))
            shown = " or ".join(
                format_state(v.state, self.analysis.program.maps) for v in visits[:3]
            )
            yield Doubt("global", point, shown, conj(node.reach, neg(inside)))
        for node, condition, what in self.encoding.wrong():
            if self.analysis.uninit_stack and what.startswith(UNWRITTEN):
                continue
            yield Doubt("safety", node.point, f"no {what}", condition)

    def inside(self, visit: Visit, node: Node) -> Term:
        """The state at the node is in γ of this visit."""
        return holds(visit.state, node.state, junk=self.analysis.uninit_stack)

    def run(self, *, induction: bool, seconds: float) -> Iterator[Finding]:
        """All findings, one for each doubt.

        The merged query has ``seconds``.  If it does not finish and ``induction`` says that
        the inductive check proved everything, the doubts are impossible by that proof; the
        findings say so.  Otherwise each doubt is asked alone.
        """
        yield self.vacuity()
        for point in sorted(self.encoding.blind | set(self.encoding.unsupported)):
            why = self.encoding.unsupported.get(point, "follows an unsupported instruction")
            yield Finding("global", point[1], Status.UNKNOWN, why=why)
        doubts = list(self.doubts())
        whole = conj(self.encoding.known, disj(*(d.formula for d in doubts)))
        merged = self.solver.impossible(whole, seconds)
        if isinstance(merged, Proved):
            yield from self.all_proved(doubts, "", merged.seconds)
        elif isinstance(merged, Unknown) and induction:
            yield from self.all_proved(doubts, BY_INDUCTION, merged.seconds)
        else:
            yield from self.one_by_one(doubts)

    def all_proved(self, doubts: list[Doubt], why: str, seconds: float) -> Iterator[Finding]:
        """The findings of doubts that one argument settles together."""
        for d in doubts:
            share = seconds / len(doubts)
            yield Finding(d.check, d.point[1], Status.PROVED, d.claim, why, seconds=share)

    def one_by_one(self, doubts: list[Doubt]) -> Iterator[Finding]:
        """Each doubt alone; what was proved of earlier ones may be used in later ones."""
        proved: list[Term] = []
        for doubt in doubts:
            answer = self.solver.impossible(conj(self.encoding.known, *proved, doubt.formula))
            yield self.finding(doubt, answer)
            if isinstance(answer, Proved):
                proved.append(neg(doubt.formula))

    def vacuity(self) -> Finding:
        """The inputs exist: some run gets to an end, so that what is proved is not empty."""
        ends = [
            conj(node.reach, neg(disj(*(c for c, _ in node.stepped.wrong))))
            for node in self.encoding.nodes.values()
            if node.stepped is not None and any(a.kind == "exit" for a in node.stepped.arms)
        ]
        answer = self.solver.impossible(conj(self.encoding.known, disj(*ends)))
        if isinstance(answer, Refuted):
            return Finding("vacuity", 0, Status.PROVED, "some run ends", seconds=answer.seconds)
        why = "no run ends" if isinstance(answer, Proved) else answer.why
        return Finding("vacuity", 0, Status.UNKNOWN, "some run ends", why)

    def finding(self, doubt: Doubt, answer: Answer) -> Finding:
        """An answer as a finding; a refutation carries its model for the replay."""
        where, took = doubt.point[1], answer.seconds
        if isinstance(answer, Proved):
            return Finding(doubt.check, where, Status.PROVED, doubt.claim, seconds=took)
        if isinstance(answer, Unknown):
            return Finding(
                doubt.check, where, Status.UNKNOWN, doubt.claim, answer.why, seconds=took
            )
        model, why = {"model": answer.model}, "a run leaves the claim"
        return Finding(doubt.check, where, Status.REFUTED, doubt.claim, why, model, seconds=took)
