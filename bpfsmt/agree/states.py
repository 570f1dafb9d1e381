"""Do our states agree with a kernel's, register by register, along the same paths?

The kernel prints a path's first state whole, and then what each instruction reads or
changes.  Each register or slot that it prints at a place that both walks came to in the same
order is one pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from bpfsmt.agree.choice import dialect_of
from bpfsmt.agree.relation import Relation, relate, relate_slots, same_names
from bpfsmt.agree.trace import Step, Trace, read_trace
from bpfsmt.domain import format_reg, format_slot
from bpfsmt.domain.analysis import Analysis
from bpfsmt.domain.state import EMPTY_SLOT, SLOT_SIZE, State
from bpfsmt.isa import disassemble
from bpfsmt.kernel.log import Dialect, Reader, Unmodelled, Unreadable, read_slot
from bpfsmt.kernel.log.states import StateText
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.program.program import MapDef, Program

_TOLD = 3
"""So many differences of each cause are kept of a program."""

_MATCHED = 3_000
"""Walks of more paths that are not the same are compared only as far as they are."""


class Pair(NamedTuple):
    """One place where the kernel printed a register or slot, and what we know there.

    ``pc`` is the instruction that is to be walked next where it is about a path's beginning
    (``after`` is False), else the one that was walked.  ``cause`` is what the difference is
    grouped by.
    """

    pc: int
    after: bool
    place: str
    relation: Relation
    ours: str
    kernel: str
    cause: str


@dataclass(slots=True)
class States:
    """Counts of pairs, and of what could not be compared.

    ``aligned`` of the ``walked`` instructions of the kernel's log are on the same paths in
    the same order in ours.  ``unread`` are texts outside of bpfsmt's domain.  ``causes``
    counts differences by instruction and relation.
    """

    pairs: Counter[Relation] = field(default_factory=Counter)
    aligned: int = 0
    walked: int = 0
    unread: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    told: list[Pair] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All pairs."""
        return self.pairs.total()

    @property
    def equal(self) -> int:
        """The pairs without any difference."""
        return self.pairs[Relation.EQUAL]

    def add(self, other: States) -> None:
        """Add the counts of another program; what was told stays there."""
        self.pairs += other.pairs
        self.causes += other.causes
        self.aligned += other.aligned
        self.walked += other.walked
        self.unread += other.unread

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "pairs": {each.name.lower(): self.pairs[each] for each in Relation},
            "aligned": self.aligned,
            "walked": self.walked,
            "unread": self.unread,
            "causes": dict(self.causes.most_common()),
            "differences": [p._asdict() | {"relation": p.relation.name.lower()} for p in self.told],
        }


def compare_states(analysis: Analysis, result: LoadResult) -> States:
    """Compare the states of an analysis, whole ones, with those in a kernel's log."""
    trace = read_trace(result.program, result.log.splitlines())
    ours = _paths(analysis)
    found = States(walked=trace.length, unread=len(trace.unread))
    reading = _Comparison(analysis, found, dialect_of(result.release))
    for steps, visits in _aligned(trace, analysis, ours):
        for step, visit in zip(steps, visits, strict=False):
            if step.pc != analysis.visits[visit].pc:
                break
            found.aligned += 1
            reading.step(step, visit)
    return found


def _paths(analysis: Analysis) -> list[list[int]]:
    """Our visits, by path."""
    goes_on = {(e.src, e.dst) for e in analysis.edges if not e.pruned}
    paths: list[list[int]] = []
    for visit in analysis.visits:
        n = visit.index
        if paths and (n - 1, n) in goes_on:
            paths[-1].append(n)
        else:
            paths.append([n])
    return paths


def _aligned(
    trace: Trace, analysis: Analysis, ours: list[list[int]]
) -> Iterator[tuple[Sequence[Step], Sequence[int]]]:
    """The paths of both that are the same, or begin so, in the same order."""
    theirs = [tuple(step.pc for step in path) for path in trace.paths]
    mine = [tuple(analysis.visits[n].pc for n in path) for path in ours]
    start = 0
    while start < min(len(theirs), len(mine)) and theirs[start] == mine[start]:
        yield trace.paths[start], ours[start]
        start += 1
    if max(len(theirs), len(mine)) - start > _MATCHED:
        return
    matcher = SequenceMatcher(None, theirs[start:], mine[start:], autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal" or (what == "replace" and b - a == d - c):
            yield from zip(
                trace.paths[start + a : start + b], ours[start + c : start + d], strict=True
            )


@dataclass(slots=True)
class _Comparison:
    """Goes along aligned steps."""

    analysis: Analysis
    found: States
    dialect: Dialect
    after: dict[int, State] = field(default_factory=dict)
    maps: tuple[MapDef, ...] = ()
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        # The walk numbers the maps in maps behind those of the program.
        inner = [m.inner for m in self.program.maps if m.inner is not None]
        self.maps = (*self.program.maps, *inner)
        self.reader = Reader(self.maps, self.dialect)
        for edge in self.analysis.edges:
            # The arm that the walk goes on with is the next visit, or is pruned at once.
            if not edge.pruned and edge.dst == edge.src + 1:
                self.after[edge.src] = edge.state
            elif edge.pruned:
                self.after.setdefault(edge.src, edge.state)

    @property
    def program(self) -> Program:
        return self.analysis.program

    def step(self, step: Step, visit: int) -> None:
        for text in step.before:
            self.frame(text, self.analysis.visits[visit].state, step.pc, after=False)
        state = self.after.get(visit)
        if state is not None:
            for text in step.after:
                self.frame(text, state, step.pc, after=True)

    def frame(self, text: StateText, state: State, pc: int, *, after: bool) -> None:
        """What is printed of one frame."""
        if text.frame >= len(state.frames):
            return
        frame = state.frames[text.frame]
        names: dict[int, int] = {}
        for n, said in text.regs.items():
            reg = frame.regs[n]
            try:
                kernel = self.reader.reg(said, text.frame, reg).reg
            except (Unreadable, Unmodelled):
                self.found.unread += 1
                continue
            relation = relate(reg, kernel)
            if relation is Relation.EQUAL and not same_names(reg, kernel, names):
                relation = Relation.NAMES
            self.note(pc, after, f"R{n}", relation, format_reg(reg, self.maps), said)
        for n, said in text.slots.items():
            slot = frame.stack.get(n, EMPTY_SLOT)
            try:
                printed = read_slot(self.reader, said, text.frame, slot)
            except (Unreadable, Unmodelled):
                self.found.unread += 1
                continue
            name = f"fp-{SLOT_SIZE * (n + 1)}"
            ours = format_slot(slot, self.maps)
            self.note(pc, after, name, relate_slots(slot, printed), ours, said)

    def note(
        self, pc: int, after: bool, place: str, relation: Relation, ours: str, kernel: str
    ) -> None:
        self.found.pairs[relation] += 1
        if relation is Relation.EQUAL:
            return
        cause = self.cause(pc, after, place, relation)
        self.found.causes[cause] += 1
        if self.found.causes[cause] <= _TOLD:
            self.found.told.append(Pair(pc, after, place, relation, ours, kernel, cause))

    def cause(self, pc: int, after: bool, place: str, relation: Relation) -> str:
        """What a difference is grouped by."""
        what = "a stack slot" if place.startswith("fp") else "a register"
        where = f"after {_kind(self.program, pc)}" if after else "where a path begins"
        return f"{relation.value}: {what} {where}"


def _kind(program: Program, pc: int) -> str:
    """The instruction without its registers and numbers."""
    from bpfsmt.agree.verdicts import shape

    insn = program.slots[pc]
    text = "" if insn is None else disassemble(insn, pc, "kernel")
    return shape(text.split(") ", 1)[-1])
