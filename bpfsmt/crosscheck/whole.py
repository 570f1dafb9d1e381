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
from bpfsmt.prover import Proved, Refuted, Solver
from bpfsmt.symbolic.claims import holds
from bpfsmt.symbolic.encode import Encoding, Node, Point
from bpfsmt.symbolic.values import Term, conj, disj, neg


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
            yield Doubt("safety", node.point, f"no {what}", condition)

    def inside(self, visit: Visit, node: Node) -> Term:
        """The state at the node is in γ of this visit."""
        return holds(visit.state, node.state)

    def run(self) -> Iterator[Finding]:
        """All findings: one for the merged query if it is proved, else one for each doubt."""
        yield self.vacuity()
        doubts = list(self.doubts())
        for point in sorted(self.encoding.blind | set(self.encoding.unsupported)):
            why = self.encoding.unsupported.get(point, "follows an unsupported instruction")
            yield Finding("global", point[1], Status.UNKNOWN, why=why)
        merged = self.solver.impossible(
            conj(self.encoding.known, disj(*(d.formula for d in doubts)))
        )
        share = merged.seconds / max(1, len(doubts))
        proved: list[Term] = []
        for doubt in doubts:
            if isinstance(merged, Proved):
                yield Finding(
                    doubt.check, doubt.point[1], Status.PROVED, doubt.claim, seconds=share
                )
                continue
            # What was proved of earlier points may be used: a first violation has none before.
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

    def finding(self, doubt: Doubt, answer: object) -> Finding:
        """An answer as a finding; a refutation carries its model for the replay."""
        where, seconds = doubt.point[1], getattr(answer, "seconds", 0.0)
        if isinstance(answer, Proved):
            return Finding(doubt.check, where, Status.PROVED, doubt.claim, seconds=seconds)
        if isinstance(answer, Refuted):
            return Finding(
                doubt.check, where, Status.REFUTED, doubt.claim, "a run leaves the claim",
                {"model": answer.model}, seconds=seconds,
            )  # fmt: skip
        why = getattr(answer, "why", "unknown")
        return Finding(doubt.check, where, Status.UNKNOWN, doubt.claim, why, seconds=seconds)
