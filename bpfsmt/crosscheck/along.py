"""Claims along the way that a run takes: each step against the edge that explored it.

A walk that forgets what never mattered claims less than its rules said.  What they said is true
all the same of the way on which they said it, up to where an earlier state stands for it: so a
wrong rule shows even where nothing rests on it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from bpfsmt.crosscheck.concrete import TraceCheck, Violation
from bpfsmt.domain.analysis import Analysis, Edge, Visit
from bpfsmt.machine import Trace


class Stray(NamedTuple):
    """The first step that is outside: after ``visit``, in this way."""

    visit: Visit
    violation: Violation


class WayCheck:
    """All that was known at every visit of one analysis, ready to be held against many runs.

    ``analysis`` is one that is not forgetful, and accepts its program.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._visits = analysis.visits
        self._check = TraceCheck(analysis)
        self._out: dict[int, list[Edge]] = defaultdict(list)
        for edge in analysis.edges:
            self._out[edge.src].append(edge)

    def first(self, trace: Trace) -> Stray | None:
        """Where a run is first outside of what was known on its way, if it is.

        A run cannot be followed any further where its way was pruned.
        """
        at: Visit | None = self._visits[0] if self._visits else None
        for index in range(1, len(trace.steps)):
            if at is None:
                return None
            ways = [e for e in self._out[at.index] if self._goes(trace, index, e)]
            wrong: list[Violation] = []
            for edge in ways:
                wrong = self._check.against(trace, index, Visit(edge.dst, edge.pc, edge.state))
                if not wrong:
                    at = None if edge.pruned else self._visits[edge.dst]
                    break
            else:
                if wrong:
                    return Stray(at, wrong[0])
                return None  # no way at all: that is for the claims of the whole walk
        return None

    def _goes(self, trace: Trace, index: int, edge: Edge) -> bool:
        step = trace.steps[index]
        return edge.pc == step.pc and edge.state.callsites == step.callsites
