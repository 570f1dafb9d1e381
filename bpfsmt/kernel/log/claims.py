"""The claims as they are put together: visits, edges between them, arms that are dead."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from bpfsmt.domain.analysis import DeadArm, Edge, Visit
from bpfsmt.domain.order import Place
from bpfsmt.domain.reg import Reg
from bpfsmt.domain.state import EMPTY_SLOT, SLOT_SIZE, Slot, State
from bpfsmt.isa.instruction import Instruction
from bpfsmt.program.program import Program


@dataclass(slots=True)
class Here:
    """Where the walk stands: behind visit ``src``, in ``state``, about to take an arm.

    ``kind`` and ``pc`` are known if a line said them, else they follow from the next line;
    ``printed`` says whether a line showed what the last instruction did.
    """

    state: State
    src: int = -1
    kind: str = ""
    pc: int = -1
    printed: bool = False


class Claims:
    """What was read so far.

    ``parent`` has for each visit the one before it, -1 for the first; ``out`` the numbers of
    the edges that leave a visit, ``at`` the visits of a place with its call chain.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.visits: list[Visit] = []
        self.edges: list[Edge] = []
        self.dead: list[DeadArm] = []
        self.parent: list[int] = []
        self.out: dict[int, list[int]] = defaultdict(list)
        self.at: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
        self._into: dict[int, int] = {}
        self._twin: dict[int, int] = {}
        """The visit of the whole state, for one that has a part of it at the same place."""

    def insn(self, visit: int) -> Instruction:
        """The instruction of a visit."""
        return self.program[self.visits[visit].pc]

    def visit(self, here: Here, pc: int, kind: str) -> Visit:
        """A new visit, with the edge that leads to it."""
        visit = Visit(len(self.visits), pc, here.state)
        self.visits.append(visit)
        self.parent.append(here.src)
        self.at[pc, here.state.callsites].append(visit.index)
        if kind == "again":
            self._twin[visit.index] = here.src
        elif here.src >= 0:
            self._into[visit.index] = len(self.edges)
            self.lead(Edge(here.src, visit.index, pc, here.state, kind))
        return visit

    def lead(self, edge: Edge) -> None:
        """A new edge; where a state was split, it is one of those of the whole state, too."""
        for src in sorted({edge.src, self._twin.get(edge.src, edge.src)}, reverse=True):
            self.out[src].append(len(self.edges))
            self.edges.append(replace(edge, src=src))

    def same_way(self, src: int, kind: str, other: str) -> None:
        """Both arms of a jump lead to the next instruction: what one does, the other does."""
        for n in list(self.out[src]):
            if self.edges[n].kind == other:
                self.lead(replace(self.edges[n], kind=kind))

    def correct(self, visit: int, place: Place, old: Reg | Slot, new: Reg | Slot) -> None:
        """Claim something else of a place, from the last jump or call before ``visit`` on."""
        while visit >= 0 and not self.insn(visit).is_jmp:
            before = self.visits[visit]
            if get(before.state, place) != old:
                return
            state = put(before.state, place, new)
            self.visits[visit] = replace(before, state=state)
            if visit in self._into:
                number = self._into[visit]
                self.edges[number] = replace(self.edges[number], state=state)
            visit = self.parent[visit]


def get(state: State, place: Place) -> Reg | Slot:
    """What a state says of a place."""
    frame, name = place
    if name[0] == "R":
        return state.frames[frame].regs[int(name[1:])]
    return state.frames[frame].stack.get(int(name[3:]) // SLOT_SIZE - 1, EMPTY_SLOT)


def put(state: State, place: Place, what: Reg | Slot) -> State:
    """The state with something else at a place."""
    number, name = place
    if isinstance(what, Slot):
        return state.with_slot(number, int(name[3:]) // SLOT_SIZE - 1, what)
    frame, n = state.frames[number], int(name[1:])
    regs = (*frame.regs[:n], what, *frame.regs[n + 1 :])
    frames = (*state.frames[:number], frame._replace(regs=regs), *state.frames[number + 1 :])
    return state._replace(frames=frames)
