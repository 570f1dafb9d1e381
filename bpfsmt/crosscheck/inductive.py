"""The inductive check: every explored edge is right on its own.

For an edge σ -insn-> σ′ every concrete step from γ(σ) must land in γ(σ′); a pruned state
must lie inside the one that stands for it; an arm that was not followed must be one that
nothing in γ(σ) takes; and every access must be safe from all of γ(σ).  With the start
inside visit 0 this proves all claims of an accepted program by induction over its runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import z3

from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.domain.analysis import Analysis, DeadArm, Edge, Visit
from bpfsmt.domain.printing import format_reg
from bpfsmt.domain.reg import Reg
from bpfsmt.domain.state import Slot, State
from bpfsmt.errors import UnsupportedError
from bpfsmt.prover import Answer, Proved, Solver, Unknown
from bpfsmt.symbolic.claims import (
    Assumed,
    Location,
    assume,
    claimed_at,
    holds,
    id_facts,
    location_holds,
    locations,
    reg_holds,
    spilled_value,
    value_at,
)
from bpfsmt.symbolic.memory import UNWRITTEN, Access
from bpfsmt.symbolic.over import call_over
from bpfsmt.symbolic.state import SymState
from bpfsmt.symbolic.step import Arm, start_state, step
from bpfsmt.symbolic.values import TRUE, Term, Value, conj, disj, neg


class Inductive:
    """Checks one analysis edge by edge; `run` yields a finding for every obligation."""

    def __init__(self, analysis: Analysis, solver: Solver) -> None:
        self.analysis, self.solver = analysis, solver
        self.program = analysis.program
        self.out: dict[int, list[Edge]] = defaultdict(list)
        self.dead: dict[int, list[DeadArm]] = defaultdict(list)
        for edge in analysis.edges:
            self.out[edge.src].append(edge)
        for arm in analysis.dead:
            self.dead[arm.src].append(arm)

    def run(self) -> Iterator[Finding]:
        """All obligations: the start, then visit by visit, then what was pruned."""
        if not self.analysis.visits:
            if self.analysis.verdict.accepted:
                yield Finding("inductive", 0, Status.UNKNOWN, why="accepted without any claim")
        else:
            state, known = start_state(self.program)
            outside = conj(known, neg(holds(self.analysis.visits[0].state, state)))
            yield self.ask("inductive", 0, outside, "the program's start")
        for visit in self.analysis.visits:
            yield from self.visit(visit)
        for edge in self.analysis.edges:
            # A new visit claims just what its edge says; any other has to contain it.
            if edge.pruned or edge.state != self.analysis.visits[edge.dst].state:
                yield self.pruned(edge)

    def visit(self, visit: Visit) -> Iterator[Finding]:
        """The obligations of one visit: its edges, its dead arms, its accesses."""
        rejected_here = (
            not self.analysis.verdict.accepted and visit.pc == self.analysis.verdict.pc
        ) and not self.out[visit.index]
        if rejected_here:
            return  # the producer stopped here; the settlement of the rejection speaks of it
        try:
            before = assume(visit.state)
            stepped = step(self.program, visit.pc, before.state, f"v{visit.index}")
        except UnsupportedError as e:
            yield Finding("inductive", visit.pc, Status.UNKNOWN, why=str(e))
            return
        known = conj(*before.facts, *stepped.assumed)
        complete = self.analysis.verdict.accepted
        for condition, what in stepped.wrong:
            if self.analysis.uninit_stack and what.startswith(UNWRITTEN):
                continue  # the producer lets programs do this
            if complete or self.out[visit.index]:
                yield self.ask("safety", visit.pc, conj(known, condition), f"no {what}")
        for arm in stepped.arms:
            try:
                yield from self.arm(visit, before, known, arm)
            except UnsupportedError as e:
                yield Finding("inductive", visit.pc, Status.UNKNOWN, why=str(e))

    def arm(self, visit: Visit, before: Assumed, known: Term, arm: Arm) -> Iterator[Finding]:
        """One way to go on: it has an edge, or is claimed dead, or the exploration stopped."""
        if arm.kind == "exit":
            return
        edges = [e for e in self.out[visit.index] if e.kind == arm.kind]
        # A state may be split over several edges of one arm; then it must be in one of them.
        if edges:
            there = landing(visit, arm)
            strays = [e for e in edges if there != self.place_of(e)]
            for e in strays:
                yield self.ask("inductive", visit.pc, conj(known, arm.guard), f"goes to {e.pc}")
            yield from self.edges(edges, visit, before, known, arm)
            return
        over = [e for e in self.out[visit.index] if e.kind == "over"]
        if arm.kind == "call" and over:
            yield from self.over(over, visit, before, known, arm.pc)
            return
        claimed = any(d.kind == arm.kind for d in self.dead[visit.index])
        if claimed or self.analysis.verdict.accepted:
            claim = f"{arm.kind} arm of {visit.pc} is never taken"
            yield self.ask("dead-arm", visit.pc, conj(known, arm.guard), claim)

    def over(
        self, edges: list[Edge], visit: Visit, before: Assumed, known: Term, entry: int
    ) -> Iterator[Finding]:
        """A call of a function that is verified apart: what it is given, and what is behind it.

        Its own visits begin where no call has been made, in the state that it may assume.
        """
        alone = (v for v in self.analysis.visits if v.pc == entry and not v.state.callsites)
        start = next(alone, None)
        if start is None:
            why = f"the function at {entry} is not verified"
            yield Finding("inductive", visit.pc, Status.UNKNOWN, why=why)
            return
        given, state = start.state.regs[1:6], before.state
        fits = conj(*(reg_holds(r, v, state) for r, v in zip(given, state.regs[1:6], strict=True)))
        yield self.ask("inductive", entry, conj(known, neg(fits)), "what the function is given")
        access = Access(self.program, f"v{visit.index}")
        arm = Arm("over", visit.pc + 1, TRUE, call_over(access, state, entry))
        for e in edges:
            if self.place_of(e) != landing(visit, arm):
                yield self.ask("inductive", visit.pc, known, f"goes to {e.pc}")
        yield from self.edges(edges, visit, before, conj(known, *access.assumed), arm)

    def place_of(self, edge: Edge) -> tuple[tuple[int, ...], int] | None:
        """Call chain and pc that an edge leads to, `None` if it contradicts itself."""
        target = self.analysis.visits[edge.dst]
        same = target.pc == edge.pc and target.state.callsites == edge.state.callsites
        return (edge.state.callsites, edge.pc) if same else None

    def edges(
        self, edges: list[Edge], visit: Visit, before: Assumed, known: Term, arm: Arm
    ) -> Iterator[Finding]:
        """The successors' claims, all locations that changed in one query, split if it fails."""
        claims = [self.changed(e.state, arm.state, visit.state, before.state) for e in edges]
        under = conj(known, arm.guard)
        if len(edges) > 1:
            union = disj(*(conj(*(term for _, term in c)) for c in claims))
            text = f"one of {len(edges)} states"
            yield self.ask("inductive", edges[0].pc, conj(under, neg(union)), text)
            return
        (edge,), (parts,) = edges, claims
        whole = conj(under, neg(conj(*(term for _, term in parts))))
        answer = self.solver.impossible(whole)
        if isinstance(answer, Proved) or len(parts) < 2:
            yield self.finding("inductive", edge.pc, answer, "; ".join(t for t, _ in parts))
            return
        for text, term in parts:
            yield self.ask("inductive", edge.pc, conj(under, neg(term)), text)

    def changed(
        self, claim: State, after: SymState, old_claim: State, before: SymState
    ) -> list[tuple[str, Term]]:
        """The claims of a successor that do not simply repeat what held before."""
        moved = any(
            x is not y
            for x, y in zip(
                (after.data, after.data_end, after.data_meta),
                (before.data, before.data_end, before.data_meta),
                strict=True,
            )
        )
        old = dict(locations(old_claim))
        parts: list[tuple[str, Term]] = []
        ids: list[tuple[Reg, Value, bool]] = []
        for where, what in locations(claim):
            if where[0] >= len(after.frames):
                parts.append((f"frame {where[0]} exists", z3.BoolVal(False)))
                continue
            at = value_at(after, where)
            same = old.get(where) == what and where[0] < len(before.frames)
            repeats = same and value_at(before, where) is at and not moved
            at = claimed_at(what, at, junk=self.analysis.uninit_stack)
            if not repeats:
                term = location_holds(what, at, after, junk=self.analysis.uninit_stack)
                parts.append((self.text(where, what), term))
            reg = what if isinstance(what, Reg) else what.spill
            value = at if isinstance(at, Value) else spilled_value(what, at)
            if reg is not None and value is not None:
                ids.append((reg, value, not repeats))
        parts.append(("registers of one id agree", id_facts(ids)))
        return [(t, f) for t, f in parts if not z3.is_true(f)]

    def pruned(self, edge: Edge) -> Finding:
        """γ of the pruned state lies inside γ of the visit that stands for it."""
        target = self.analysis.visits[edge.dst].state
        try:
            source = assume(edge.state)
            parts = self.changed(target, source.state, edge.state, source.state)
        except UnsupportedError as e:
            return Finding("pruning", edge.pc, Status.UNKNOWN, why=str(e))
        formula = conj(*source.facts, neg(conj(*(term for _, term in parts))))
        return self.ask("pruning", edge.pc, formula, f"inside visit {edge.dst}")

    # Answers

    def text(self, where: Location, what: Reg | Slot) -> str:
        """A claim in log syntax."""
        frame = f"frame{where[0]} " if where[0] else ""
        if isinstance(what, Reg):
            shown = format_reg(what, self.program.maps)
        else:
            shown = format_reg(what.spill, self.program.maps) if what.spill else what.kinds
        return f"{frame}{where[1]}={shown}"

    def ask(self, check: str, pc: int, formula: Any, claim: str) -> Finding:
        """Decide that ``formula`` is impossible."""
        return self.finding(check, pc, self.solver.impossible(formula), claim)

    def finding(self, check: str, pc: int, answer: Answer, claim: str) -> Finding:
        """An answer as a finding."""
        if isinstance(answer, Proved):
            return Finding(check, pc, Status.PROVED, claim, seconds=answer.seconds)
        if isinstance(answer, Unknown):
            return Finding(check, pc, Status.UNKNOWN, claim, answer.why, seconds=answer.seconds)
        values = {str(d): str(answer.model[d]) for d in answer.model.decls()}
        return Finding(
            check, pc, Status.REFUTED, claim, "a step leaves the claim", values,
            seconds=answer.seconds,
        )  # fmt: skip


def landing(visit: Visit, arm: Arm) -> tuple[tuple[int, ...], int]:
    """Call chain and pc where an arm of the visit's instruction really goes."""
    callsites = visit.state.callsites
    if arm.kind == "call":
        return (*callsites, visit.pc), arm.pc
    if arm.kind == "return":
        return callsites[:-1], callsites[-1] + 1
    return callsites, arm.pc
