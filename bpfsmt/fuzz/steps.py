"""Single steps as an oracle: from numbers that a claim admits, on the machine, into the next claim.

Every explored state stands for many concrete ones, whether or not a run comes there.  Some of
these are put into the machine, which goes a few steps: each has to land in what was explored
next, and no access may fail.  A rule that is wrong shows at the first state in which it is,
without an input that leads there.  Where a state was not walked on from, because an earlier
one stands for it, the machine goes on to the end: it must come to nothing that was never visited,
and never fail.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bpfsmt.crosscheck.concrete import TraceCheck, Violation
from bpfsmt.domain.analysis import Analysis, Edge, Visit
from bpfsmt.domain.order import missing
from bpfsmt.domain.reg import ADDED
from bpfsmt.domain.state import State
from bpfsmt.errors import UnsupportedError
from bpfsmt.fuzz.blame import PRUNING, rule_of
from bpfsmt.fuzz.finding import Key, Kind, Oracle, Shown
from bpfsmt.fuzz.inputs import constants
from bpfsmt.fuzz.machine import code_under
from bpfsmt.fuzz.operands import on_numbers, operands
from bpfsmt.fuzz.placed import Placed, Undrawn
from bpfsmt.machine import Fault, Trace
from bpfsmt.machine.machine import BudgetSpent
from bpfsmt.rules import RuleSet

FROM_EACH = 1
"""Concrete states of each explored one."""

FROM_LINKED = 8
"""The same where a compare may say something of several numbers."""

FROM_PRUNED = 12
"""Concrete states of each one that another stands for."""

WAY = 1
"""Steps from each."""

REST = 400
"""Steps at most where a walk was not gone on with."""

MOST_VISITS = 300
"""Of a longer walk a share is looked at, spread over it."""


class Steps:
    """Steps from the states of one accepted program; ``counts`` says what came of them.

    ``analysis`` is all that was known on the way of its walk.
    """

    def __init__(self, analysis: Analysis, rules: RuleSet) -> None:
        self.counts: Counter[str] = Counter()
        self._analysis = analysis
        self._program = analysis.program
        self._code = code_under(analysis.program, rules)
        self._near = constants(analysis.program)
        self._check = TraceCheck(analysis)
        self._visited = {visit.pc for visit in analysis.visits}
        self._out: dict[int, list[Edge]] = defaultdict(list)
        for edge in analysis.edges:
            self._out[edge.src].append(edge)

    def drawn(self, name: str) -> Iterator[Shown]:
        """What is wrong, with states that are drawn for ``name``."""
        visits = self._analysis.visits
        for visit in visits:
            yield from self._operands(visit, f"{name}/{visit.index}")
        others = [v for v in visits if not on_numbers(self._program[v.pc], v.state)]
        every = -(-len(others) // MOST_VISITS) or 1
        for visit in others[::every]:
            for n in range(FROM_LINKED if self._links(visit) else FROM_EACH):
                yield from self._near_by(visit, f"{name}/{visit.index}/{n}")
        for number, edge in enumerate(self._analysis.edges):
            if edge.pruned and any(missing(visits[edge.dst].state, edge.state)):
                self.counts["steps of pruned states"] += 1
                for n in range(FROM_PRUNED):
                    yield from self._to_the_end(edge, f"{name}/pruned {number}/{n}")

    def _operands(self, visit: Visit, name: str) -> Iterator[Shown]:
        for wrong in operands(self._code, visit, self._out[visit.index], name):
            where = f"R{wrong.register}" if wrong.register >= 0 else ""
            yield self._shown(visit, visit.pc, where, wrong.part, wrong.text, to=wrong.to)

    def _links(self, visit: Visit) -> bool:
        insn = self._program[visit.pc]
        ids = [reg.id & ~ADDED for reg in visit.state.all_regs() if reg.id]
        return insn.is_jmp and len(set(ids)) < len(ids)

    # From a state that was walked on from

    def _near_by(self, visit: Visit, name: str) -> Iterator[Shown]:
        if any(edge.kind == "over" for edge in self._out[visit.index]):
            return
        ran = self._run(visit.state, visit.pc, name, WAY + 1)
        if ran is None:
            return
        trace, fault = ran
        at: Visit | None = visit
        for index in range(1, len(trace.steps)):
            assert at is not None
            edges = [e for e in self._out[at.index] if _goes(trace, index, e)]
            wrong: list[Violation] = []
            for edge in edges:
                wrong = self._check.against(trace, index, Visit(edge.dst, edge.pc, edge.state))
                if not wrong:
                    at = self._visit_after(edge)
                    break
            else:
                yield self._left(at, trace, index, wrong)
                return
            if at is None:
                return
        if fault is not None and at is not None and fault.pc == at.pc:
            yield self._shown(at, fault.pc, "", "fault", str(fault), to=-1)

    def _visit_after(self, edge: Edge) -> Visit | None:
        """Where the way goes on; `None` where another walk stands for it or numbers it anew."""
        if edge.pruned or edge.kind == "over":
            return None
        after = self._analysis.visits[edge.dst]
        over = any(e.kind == "over" for e in self._out[after.index])
        return None if over else after

    def _left(self, at: Visit, trace: Trace, index: int, wrong: Sequence[Violation]) -> Shown:
        to = trace.steps[index].pc
        if not wrong:
            return self._shown(at, at.pc, "", "unreached", f"goes to {to}, never explored", to=to)
        first = wrong[0]
        return self._shown(at, at.pc, first.where, first.part, str(first), to=to)

    def _shown(self, at: Visit, pc: int, where: str, part: str, text: str, *, to: int) -> Shown:
        rule = rule_of(self._program, pc, at.state, to=to, where=where, part=part)
        key = Key(Kind.CLAIM.value, rule, part)
        return Shown(key, Oracle.STEP, pc, f"a step from visit {at.index}: {text}")

    # From a state that another one stands for

    def _to_the_end(self, edge: Edge, name: str) -> Iterator[Shown]:
        astray = self.astray(edge, name)
        if astray is None:
            return
        trace, fault = astray
        if fault is not None:
            part, text = "fault", str(fault)
        else:
            part, text = "unreached", f"comes to {trace.steps[-1].pc}, never explored"
        key = Key(Kind.CLAIM.value, PRUNING, part)
        yield Shown(
            key, Oracle.STEP, edge.pc,
            f"from a state at {edge.pc} for which visit {edge.dst} stands: {text}",
        )  # fmt: skip

    def astray(self, edge: Edge, name: str) -> tuple[Trace, Fault | None] | None:
        """A run from a state that another stands for, if it comes to a fault or, as its last
        step, to what was never explored."""
        ran = self._run(edge.state, edge.pc, name, REST)
        if ran is None:
            return None
        trace, fault = ran
        for index, step in enumerate(trace.steps):
            if step.pc not in self._visited:
                return replace(trace, steps=trace.steps[: index + 1]), None
        return None if fault is None else (trace, fault)

    # The machine

    def _run(
        self, state: State, pc: int, name: str, budget: int
    ) -> tuple[Trace, Fault | None] | None:
        """The steps from one concrete state, and the fault that ends them, if one does."""
        try:
            placed = Placed(self._code, state, self._near, name, budget)
        except (Undrawn, UnsupportedError):
            self.counts["steps not drawn"] += 1
            return None
        trace, fault = placed.trace, None
        try:
            placed.interpreter.go_on(pc)
        except Fault as error:
            fault = error
        except (BudgetSpent, UnsupportedError):
            pass
        self.counts["steps"] += 1
        if not trace.steps or self._check.against(trace, 0, Visit(-1, pc, state)):
            self.counts["steps not drawn"] += 1
            return None
        return trace, fault


def _goes(trace: Trace, index: int, edge: Edge) -> bool:
    step = trace.steps[index]
    return edge.pc == step.pc and edge.state.callsites == step.callsites
