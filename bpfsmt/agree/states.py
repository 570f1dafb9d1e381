"""Do our states agree with a kernel's, register by register, along the same paths?

The kernel prints a path's first state whole, and then what each instruction reads or
changes.  Each register or slot that it prints at a place that both walks came to the same way
is one pair.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bpfsmt.agree.align import Aligned, align
from bpfsmt.agree.choice import dialect_of
from bpfsmt.agree.relation import Relation, relate, relate_slots, same_names
from bpfsmt.agree.trace import Trace, read_trace
from bpfsmt.domain import Reg, format_reg, format_slot
from bpfsmt.domain.analysis import Analysis
from bpfsmt.domain.state import EMPTY_SLOT, SLOT_SIZE, State
from bpfsmt.isa import disassemble
from bpfsmt.kernel.log import Dialect, Reader, Unmodelled, Unreadable, format_old, read_slot
from bpfsmt.kernel.log.states import StateText
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.program.program import MapDef, Program

_TOLD = 3
"""So many differences of each cause are kept of a program."""


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

    ``aligned`` of the ``walked`` instructions of the kernel's log are on paths of ours, too.
    ``unread`` are texts outside of bpfsmt's domain.  ``causes`` counts differences by
    instruction and relation, ``explained`` those that have one of `bpfsmt.agree.causes`.
    """

    pairs: Counter[Relation] = field(default_factory=Counter)
    aligned: int = 0
    walked: int = 0
    unread: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    told: list[Pair] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All pairs."""
        return self.pairs.total()

    @property
    def equal(self) -> int:
        """The pairs without any difference."""
        return self.pairs[Relation.EQUAL]

    @property
    def unexplained(self) -> int:
        """The differences of which no cause is known."""
        return self.total - self.equal - self.explained.total()

    def add(self, other: States) -> None:
        """Add the counts of another program; what was told stays there."""
        self.pairs += other.pairs
        self.causes += other.causes
        self.explained += other.explained
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
            "explained": dict(self.explained.most_common()),
            "unexplained": self.unexplained,
            "differences": [p._asdict() | {"relation": p.relation.name.lower()} for p in self.told],
        }


Place = tuple[int, bool, int, str]
"""Where a register or slot is printed: the step, whether behind it, which text, the name."""


def compare_states(
    analysis: Analysis, result: LoadResult, others: Iterable[tuple[str, Analysis]] = ()
) -> States:
    """Compare the states of an analysis, whole ones, with those in a kernel's log.

    ``others`` are causes of differences, each with the analysis in which it is taken away: it
    explains what is different in ``analysis`` and no longer there.  They are looked at only
    where there are differences.
    """
    trace = read_trace(result.program, result.log.splitlines())
    first = _read(trace, analysis, result)
    left = first.different
    if left:
        for cause, other in others:
            again = _read(trace, other, result)
            gone = left & again.equal
            left = left - gone
            first.found.explained[cause] += len(gone)
    first.found.explained = +first.found.explained
    return first.found


def _read(trace: Trace, analysis: Analysis, result: LoadResult) -> _Comparison:
    found = States(walked=trace.length, unread=len(trace.unread))
    reading = _Comparison(analysis, found, dialect_of(result.release))
    for aligned in align(trace, analysis):
        reading.number += 1
        if aligned.visit is not None:
            found.aligned += 1
            reading.step(aligned, analysis.visits[aligned.visit].state)
    return reading


@dataclass(slots=True)
class _Comparison:
    """Goes along aligned steps; notes which places are ``equal`` and which ``different``."""

    analysis: Analysis
    found: States
    dialect: Dialect
    maps: tuple[MapDef, ...] = ()
    reader: Reader = field(init=False)
    number: int = 0
    text_number: int = 0
    equal: set[Place] = field(default_factory=set)
    different: set[Place] = field(default_factory=set)

    def __post_init__(self) -> None:
        # The walk numbers the maps in maps behind those of the program.
        inner = [m.inner for m in self.program.maps if m.inner is not None]
        self.maps = (*self.program.maps, *inner)
        self.reader = Reader(self.maps, self.dialect)

    @property
    def program(self) -> Program:
        return self.analysis.program

    def step(self, aligned: Aligned, before: State) -> None:
        """What is printed in front of and behind one instruction."""
        step = aligned.step
        for self.text_number, text in enumerate(step.before):
            self.frame(text, before, step.pc, after=False)
        if aligned.after is not None:
            for self.text_number, text in enumerate(step.after):
                self.frame(text, aligned.after, step.pc, after=True)

    def frame(self, text: StateText, state: State, pc: int, *, after: bool) -> None:
        """What is printed of one frame.

        What both print the same is the same, although the text may leave something open: the
        bounds of a known number, or whether a zero is a byte or a number that was saved.
        """
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
            ours = self.text(reg)
            same = _nameless(ours) == _nameless(said)
            relation = Relation.EQUAL if same else relate(reg, kernel)
            if relation is Relation.EQUAL and not same_names(reg, kernel, names):
                relation = Relation.NAMES
            self.note(pc, after, f"R{n}", relation, ours, said)
        for n, said in text.slots.items():
            slot = frame.stack.get(n, EMPTY_SLOT)
            try:
                printed = read_slot(self.reader, said, text.frame, slot)
            except (Unreadable, Unmodelled):
                self.found.unread += 1
                continue
            name = f"fp-{SLOT_SIZE * (n + 1)}"
            ours = format_slot(slot, self.maps)
            relation = Relation.EQUAL if ours == said else relate_slots(slot, printed)
            self.note(pc, after, name, relation, ours, said)

    def text(self, reg: Reg) -> str:
        """Our register, as that kernel would print it."""
        if self.dialect is Dialect.OLD:
            return format_old(reg, self.maps)
        return format_reg(reg, self.maps)

    def note(
        self, pc: int, after: bool, place: str, relation: Relation, ours: str, kernel: str
    ) -> None:
        self.found.pairs[relation] += 1
        here = (self.number, after, self.text_number, place)
        if relation is Relation.EQUAL:
            self.equal.add(here)
            return
        self.different.add(here)
        cause = self.cause(pc, after, place, relation)
        self.found.causes[cause] += 1
        if self.found.causes[cause] <= _TOLD:
            self.found.told.append(Pair(pc, after, place, relation, ours, kernel, cause))

    def cause(self, pc: int, after: bool, place: str, relation: Relation) -> str:
        """What a difference is grouped by."""
        what = "a stack slot" if place.startswith("fp") else "a register"
        where = f"after {_kind(self.program, pc)}" if after else "where a path begins"
        return f"{relation.value}: {what} {where}"


_NAME = re.compile(r"^P(?=-?\d|scalar)|(?<![a-z_])id=\d+")


def _nameless(text: str) -> str:
    """A register's text without the number of its id, and the mark that it is precise."""
    return _NAME.sub(lambda found: "" if found[0] == "P" else "id=", text)


def _kind(program: Program, pc: int) -> str:
    """The instruction without its registers and numbers."""
    from bpfsmt.agree.verdicts import shape

    insn = program.slots[pc]
    text = "" if insn is None else disassemble(insn, pc, "kernel")
    return shape(text.split(") ", 1)[-1])
