"""Which visit of ours is which step of the kernel's: the one that was come to the same way.

Both walks are trees.  They are gone along side by side from the start: a step's visit is the
one to which the same instruction leads from the visit of the step before.  So nothing is
compared that was not come to by the same branches, and the order in which the branches are
taken up does not matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from bpfsmt.agree.trace import Path, Step, Trace
from bpfsmt.domain.analysis import Analysis, Edge
from bpfsmt.domain.state import State


@dataclass(slots=True)
class Aligned:
    """A step, and the visit that is the same, `None` if there is none.

    ``after`` is our state behind it, on the way that the kernel goes on; `None` if there is
    no such way.
    """

    step: Step
    visit: int | None
    after: State | None


def align(trace: Trace, analysis: Analysis) -> Iterator[Aligned]:
    """All steps of the kernel in their order."""
    walk = _Walk(analysis)
    for path in trace.paths:
        yield from walk.along(path)


@dataclass(slots=True)
class _Walk:
    """Our tree, and how far the kernel's has been gone along."""

    analysis: Analysis
    edges: dict[int, list[Edge]] = field(init=False)
    """The edges from each visit, that which the walk went on with first."""
    roots: list[int] = field(init=False)
    """Our visits to which none leads: where functions begin."""
    used: set[int] = field(default_factory=set)
    """Our visits that are a step's."""
    open: list[tuple[int, int | None]] = field(default_factory=list)
    """The kernel's steps from which a way may still be left: each pc, with our visit."""

    def __post_init__(self) -> None:
        self.edges = defaultdict(list)
        for edge in self.analysis.edges:
            self.edges[edge.src].append(edge)
        for edges in self.edges.values():
            edges.sort(key=lambda edge: edge.kind == "taken")
        inner = {edge.dst for edge in self.analysis.edges if not edge.pruned}
        self.roots = [v.index for v in self.analysis.visits if v.index not in inner]

    def along(self, path: Path) -> Iterator[Aligned]:
        """One path's steps."""
        leads = self._origin(path)
        for step in path.steps:
            visit = next((n for n in leads if self._is_next(n, step.pc)), None)
            leads = []
            if visit is not None:
                self.used.add(visit)
                leads = [edge.dst for edge in self.edges[visit] if not edge.pruned]
            self.open.append((step.pc, visit))
            yield Aligned(step, visit, self._after(visit, step.then))

    def _is_next(self, visit: int, pc: int) -> bool:
        return visit not in self.used and self.analysis.visits[visit].pc == pc

    def _after(self, visit: int | None, pc: int) -> State | None:
        """Our state on the way from a visit to that pc."""
        edges = () if visit is None else self.edges[visit]
        return next((edge.state for edge in edges if edge.pc == pc), None)

    def _origin(self, path: Path) -> list[int]:
        """Our visits to one of which a path leads that begins.

        What was left last is taken up first, so what was left after it never will be.  In a
        loop several steps may look like the one from which the path comes: it is one from
        which we have a way there, too, if there is such a one.
        """
        if path.src < 0:
            self.open.clear()
            return self.roots
        fitting = [n for n, (pc, _) in enumerate(self.open) if pc == path.src]
        if not fitting:
            return []
        first = path.steps[0].pc if path.steps else path.dst
        chosen = next((n for n in reversed(fitting) if self._leads(n, first)), fitting[-1])
        visit = self.open[chosen][1]
        del self.open[chosen:]
        return [] if visit is None else [e.dst for e in self.edges[visit] if not e.pruned]

    def _leads(self, step: int, pc: int) -> bool:
        """Whether there is a way of ours from a step to that pc that was not met before."""
        visit = self.open[step][1]
        if visit is None:
            return False
        return any(e.pc == pc and (e.pruned or e.dst not in self.used) for e in self.edges[visit])
