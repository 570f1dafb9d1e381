"""Two walks of one program side by side, both of ours: what each knows after every instruction.

`align` does the same for a walk of ours and a kernel's log; here both trees are whole, and so
every register and stack slot of every frame is compared, not only what a log prints.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bpfsmt.agree.relation import Relation, relate, relate_slots, same_names
from bpfsmt.agree.states import Pair, States
from bpfsmt.domain import format_reg, format_slot
from bpfsmt.domain.analysis import Analysis, Outcome, Visit
from bpfsmt.domain.reg import Reg, RegType
from bpfsmt.domain.state import EMPTY_SLOT, SLOT_SIZE, State
from bpfsmt.program.program import MapDef

ENDS, STOPS, GOES_ON = "no way", "an earlier state stands for it", "goes on"


class Arrival(NamedTuple):
    """What two walks have on one way from one instruction; at a function's start ``pc`` is -1.

    A state is `None` where a walk, though it is whole, does not go that way.
    """

    pc: int
    to: int
    ours: State | None
    other: State | None
    pruned: tuple[bool, bool] = (False, False)

    @property
    def parts(self) -> bool:
        """One walk goes on there and the other does not."""
        return None in (self.ours, self.other) or self.pruned[0] is not self.pruned[1]

    @property
    def fates(self) -> tuple[str, str]:
        """What comes of the way in each walk, in words."""
        states = (self.ours, self.other)
        ours, other = (
            ENDS if state is None else STOPS if pruned else GOES_ON
            for state, pruned in zip(states, self.pruned, strict=True)
        )
        return ours, other


def abreast(ours: Analysis, other: Analysis) -> list[Arrival]:
    """All ways that both walks come to by the same branches, in the order of ``ours``.

    A way that only ``other`` goes stands where it goes it.  Of a walk that ended with a
    rejection nothing is said of ways that it does not go: it had no time to.
    """
    walk = _Abreast(ours, other)
    pairs = walk.paired()
    found = [*walk.starts()]
    whole = ours.verdict.outcome is Outcome.ACCEPT, other.verdict.outcome is Outcome.ACCEPT
    for way in sorted([*pairs, *walk.left_out(pairs)], key=lambda way: way.order):
        arrival = walk.arrival(way)
        if (arrival.ours or whole[0]) and (arrival.other or whole[1]):
            found.append(arrival)
    return found


class _Way(NamedTuple):
    """An edge of ours and the other's, by their places in the walks; `None` for no such one."""

    order: tuple[int, int, int]
    ours: int | None
    other: int | None


@dataclass(slots=True)
class _Abreast:
    """Both trees, and which visits are the same.

    A visit comes after the edge that leads to it and before those from it, so one pass over
    the edges is enough.
    """

    ours: Analysis
    other: Analysis
    twin: dict[int, int] = field(default_factory=dict)

    def starts(self) -> Iterator[Arrival]:
        """The states that functions start with."""
        roots = {v.index for v in _roots(self.ours)}
        for a, b in self.twin.items():
            if a in roots:
                visit = self.ours.visits[a]
                yield Arrival(-1, visit.pc, visit.state, self.other.visits[b].state)

    def paired(self) -> list[_Way]:
        """Each edge of ours from a visit that is the other's, too, with that which is the same."""
        begin = {visit.pc: visit.index for visit in _roots(self.other)}
        self.twin = {v.index: begin[v.pc] for v in _roots(self.ours) if v.pc in begin}
        theirs: defaultdict[tuple[int, str, int], deque[int]] = defaultdict(deque)
        for j, edge in enumerate(self.other.edges):
            theirs[edge.src, edge.kind, edge.pc].append(j)
        ways: list[_Way] = []
        for i, edge in enumerate(self.ours.edges):
            if edge.src not in self.twin:
                continue
            same = theirs[self.twin[edge.src], edge.kind, edge.pc]
            n = same.popleft() if same else None
            ways.append(_Way((i, 0, 0), i, n))
            if n is not None and not edge.pruned and not self.other.edges[n].pruned:
                self.twin[edge.dst] = self.other.edges[n].dst
        return ways

    def left_out(self, pairs: list[_Way]) -> Iterator[_Way]:
        """The other's edges from common visits that are none of ours."""
        known = {way.other: way.order[0] for way in pairs if way.other is not None}
        common, last = set(self.twin.values()), -1
        for n, edge in enumerate(self.other.edges):
            if n in known:
                last = known[n]
            elif edge.src in common:
                yield _Way((last, 1, n), None, n)

    def arrival(self, way: _Way) -> Arrival:
        a = None if way.ours is None else self.ours.edges[way.ours]
        b = None if way.other is None else self.other.edges[way.other]
        if a is not None:
            src, to = self.ours.visits[a.src].pc, a.pc
        else:
            assert b is not None
            src, to = self.other.visits[b.src].pc, b.pc
        states = (a.state if a else None, b.state if b else None)
        return Arrival(src, to, *states, (bool(a and a.pruned), bool(b and b.pruned)))


def _roots(analysis: Analysis) -> list[Visit]:
    """The visits to which none leads: where functions begin."""
    inner = {edge.dst for edge in analysis.edges if not edge.pruned}
    return [visit for visit in analysis.visits if visit.index not in inner]


def compare_arrival(analysis: Analysis, arrival: Arrival, found: States) -> list[Pair]:
    """Count every place of both states in ``found``; gives the pairs that differ."""
    if arrival.ours is None or arrival.other is None:
        return []
    maps = (*analysis.program.maps, *(m.inner for m in analysis.program.maps if m.inner))
    after = arrival.pc >= 0
    pc = arrival.pc if after else arrival.to
    different: list[Pair] = []
    for place, relation, ours, other in _places(arrival.ours, arrival.other, maps):
        found.pairs[relation] += 1
        if relation is not Relation.EQUAL:
            different.append(Pair(pc, after, place, relation, ours, other, cause=""))
    return different


Place = tuple[str, Relation, str, str]
"""The name of a register or slot, how it differs, and both texts, empty where it does not."""


def _places(ours: State, other: State, maps: Sequence[MapDef]) -> Iterator[Place]:
    """Every register and slot that one of the states has."""
    names = _Names()
    depth = len(ours.frames) - 1
    for f, (mine, theirs) in enumerate(zip(ours.frames, other.frames, strict=False)):
        where = "" if f == depth else f"frame{f}: "
        for n, (x, y) in enumerate(zip(mine.regs, theirs.regs, strict=True)):
            if x.type is y.type is RegType.NOT_INIT:
                continue
            relation = names.checked(Relation.EQUAL if x == y else relate(x, y), x, y)
            same = relation is Relation.EQUAL
            texts = ("", "") if same else (format_reg(x, maps, f), format_reg(y, maps, f))
            yield f"{where}R{n}", relation, *texts
        for n in sorted({*mine.stack, *theirs.stack}):
            s, t = mine.stack.get(n, EMPTY_SLOT), theirs.stack.get(n, EMPTY_SLOT)
            relation = Relation.EQUAL if s == t else relate_slots(s, t)
            if s.spill is not None and t.spill is not None:
                relation = names.checked(relation, s.spill, t.spill)
            same = relation is Relation.EQUAL
            texts = ("", "") if same else (format_slot(s, maps, f), format_slot(t, maps, f))
            yield f"{where}fp-{SLOT_SIZE * (n + 1)}", relation, *texts
    if len(ours.refs) != len(other.refs):
        yield "refs", Relation.OTHER, str(len(ours.refs)), str(len(other.refs))


@dataclass(slots=True)
class _Names:
    """The ids in one pair of states: those of one are to be new names of the other's."""

    there: dict[int, int] = field(default_factory=dict)
    back: dict[int, int] = field(default_factory=dict)

    def checked(self, relation: Relation, x: Reg, y: Reg) -> Relation:
        """The relation, with regard to names where the registers are equal but for them."""
        if relation is not Relation.EQUAL:
            return relation
        same = same_names(x, y, self.there) and same_names(y, x, self.back)
        return relation if same else Relation.NAMES
