"""The machine as an oracle: runs of an accepted program, each step held against the claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from bpfsmt.crosscheck.along import WayCheck
from bpfsmt.crosscheck.concrete import TraceCheck, Violation
from bpfsmt.crosscheck.replay import run_witness
from bpfsmt.crosscheck.witness import Witness
from bpfsmt.domain.analysis import Analysis
from bpfsmt.domain.state import State
from bpfsmt.fuzz.blame import START, rule_of
from bpfsmt.fuzz.finding import Key, Kind, Oracle, Shown
from bpfsmt.fuzz.inputs import BUDGET, Run, runs
from bpfsmt.machine import Code, Result, Trace
from bpfsmt.machine.code import code_of
from bpfsmt.museum.replay import emitted
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet


class Watch:
    """The runs of one accepted program: what they violate, and where they came.

    ``analysis`` is what the walk claims, ``full`` all that it knew on its way.
    ``counts`` says how runs ended; ``reached`` are the pcs of all of them.  Where the rule
    set says what stands for a division, that is run.
    """

    def __init__(self, analysis: Analysis, full: Analysis, rules: RuleSet) -> None:
        self.analysis = analysis
        self.counts: Counter[str] = Counter()
        self.reached: set[int] = set()
        self._code = code_under(analysis.program, rules)
        self._check = TraceCheck(analysis)
        self._way = WayCheck(full)

    def drawn(self, count: int, name: str) -> Iterator[Shown]:
        """What so many inputs show that are drawn for ``name``."""
        return self._held(runs(self.analysis.program, self._code, count, name))

    def given(self, witnesses: Iterable[Witness]) -> Iterator[Shown]:
        """What these inputs show."""
        made = (Run(w, run_witness(self._code, w, budget=BUDGET)) for w in witnesses)
        return self._held(made)

    def strays(self, witness: Witness) -> tuple[Trace, int, State] | None:
        """The run of an input, its first step outside of the claims, and what was known before."""
        trace = run_witness(self._code, witness, budget=BUDGET).trace
        assert trace is not None
        wrong = self._first(trace)
        if wrong is None or wrong[1] is None:
            return None
        return trace, wrong[0].step, wrong[1]

    def _held(self, made: Iterable[Run]) -> Iterator[Shown]:
        for witness, result in made:
            self.counts["runs"] += 1
            if result.outcome in ("budget", "unsupported"):
                self.counts[f"runs {result.outcome}"] += 1
            shown = self._shown(result, witness)
            if shown is not None:
                yield shown

    def _shown(self, result: Result, witness: Witness) -> Shown | None:
        """The first step outside of the claims, or the fault at which the run ended."""
        trace = result.trace
        assert trace is not None
        self.reached.update(step.pc for step in trace.steps)
        self.counts["steps"] += len(trace.steps)
        wrong = self._first(trace)
        if wrong is not None:
            return self._outside(trace, *wrong, witness)
        if result.fault is None:
            return None
        pc = result.fault.pc
        rule = rule_of(self.analysis.program, pc, None, to=-1, where="")
        key = Key(Kind.RUN.value, rule, "fault")
        return Shown(key, Oracle.MACHINE, pc, f"accepted, but {result.fault}", witness)

    def _first(self, trace: Trace) -> tuple[Violation, State | None] | None:
        """The first violation, and what was claimed of the step before."""
        stray = self._way.first(trace)
        if stray is not None:
            return stray.violation, stray.visit.state
        for index in range(len(trace.steps)):
            _, wrong = self._check.at(trace, index)
            if wrong:
                before = self._check.at(trace, index - 1)[0] if index else None
                return wrong[0], before.state if before is not None else None
        return None

    def _outside(
        self, trace: Trace, wrong: Violation, state: State | None, witness: Witness
    ) -> Shown:
        rule, pc = START, 0
        if wrong.step:
            pc = trace.steps[wrong.step - 1].pc
            rule = rule_of(
                self.analysis.program, pc, state, to=wrong.pc, where=wrong.where, part=wrong.part
            )
        key = Key(Kind.RUN.value, rule, wrong.part)
        return Shown(key, Oracle.MACHINE, pc, str(wrong), witness)


def code_under(program: Program, rules: RuleSet) -> Code:
    """What is run: with what the rule set says stands for a division, if it says it."""
    divides = any(name.startswith("emitted_") for name in rules.rules)
    return emitted(program, rules) if divides else code_of(program)
