"""The way that the walk came to the instruction at fault, and what of it mattered.

Visits form a tree: each was reached by one edge that is not pruned.  Going it backwards from
the last visit, the slice keeps the instructions that wrote, moved or compared the value at
fault, through registers, spills, and calls of local functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bpfsmt.cfg import reads, registers, writes
from bpfsmt.cfg.defuse import ALL_REGISTERS, ARGUMENTS
from bpfsmt.domain import Reg, RegType, State
from bpfsmt.domain.analysis import Analysis, Edge, Visit
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.state import SLOT_SIZE
from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp, Mode
from bpfsmt.program.program import Program

PACKET = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)
_ENDS = (*PACKET, RegType.PTR_TO_PACKET_END)


class Loc(NamedTuple):
    """A register of a frame, or (``slot``) one of its stack slots."""

    frame: int
    number: int
    slot: bool = False

    def in_state(self, state: State) -> Reg:
        """What is claimed of it."""
        if self.frame >= len(state.frames):
            return NOT_INIT
        frame = state.frames[self.frame]
        if not self.slot:
            return frame.regs[self.number]
        held = frame.stack.get(self.number)
        return NOT_INIT if held is None or held.spill is None else held.spill

    def __str__(self) -> str:
        return f"fp-{SLOT_SIZE * (self.number + 1)}" if self.slot else f"R{self.number}"


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of the way: the visit before it, the edge, and the visit after it."""

    before: Visit
    edge: Edge
    after: Visit


@dataclass(frozen=True, slots=True)
class Mattered:
    """The ``index``-th step of the way wrote or compared the value, which then is at ``loc``."""

    index: int
    step: Step
    loc: Loc
    writes: bool

    @property
    def pc(self) -> int:
        """The instruction."""
        return self.step.before.pc


def way_to(analysis: Analysis, visit: Visit) -> list[Step]:
    """All steps from the start to that visit."""
    into = {edge.dst: edge for edge in analysis.edges if not edge.pruned}
    steps: list[Step] = []
    while (edge := into.get(visit.index)) is not None:
        source = analysis.visits[edge.src]
        steps.append(Step(source, edge, visit))
        visit = source
    return steps[::-1]


@dataclass(frozen=True, slots=True)
class Slice:
    """The steps of the way that made a value what it is, in its order.

    ``passed`` are the other branches on the way: they compare something else, but a run that
    takes them may be one in which the value is bounded too.
    """

    steps: tuple[Mattered, ...] = ()
    passed: tuple[Mattered, ...] = ()


def slice_back(program: Program, way: Sequence[Step], wanted: Sequence[Loc]) -> Slice:
    """The slice of the values that are at ``wanted`` in the end."""
    follow = _Backwards(program, set(wanted))
    for index in range(len(way) - 1, -1, -1):
        follow.step(index, way[index])
    return Slice(tuple(follow.found[::-1]), tuple(follow.passed[::-1]))


def remembered(program: Program, way: Sequence[Step], visit: Visit) -> State:
    """The state at the end of the way, with what a walk forgot because nothing reads it.

    A check that is added does read it, so then the walk will not forget it.  What is said of
    such a register is what was last claimed of it, which need not hold any more.
    """
    state = way[0].before.state if way else visit.state
    for step in way:
        after, kept = step.after.state, 0
        if step.edge.kind == "call":
            kept = ARGUMENTS
        elif len(after.frames) == len(state.frames):
            kept = ALL_REGISTERS & ~_writes(program[step.before.pc])
        if kept:
            for n, reg in enumerate(after.regs):
                if reg.type is RegType.NOT_INIT and kept >> n & 1:
                    after = after.with_reg(n, state.regs[n])
        state = after
    return state


class _Backwards:
    """Where the values are, one step earlier at a time."""

    def __init__(self, program: Program, wanted: set[Loc]) -> None:
        self.program, self.wanted = program, wanted
        self.found: list[Mattered] = []
        self.passed: list[Mattered] = []

    def step(self, index: int, step: Step) -> None:
        insn = self.program[step.before.pc]
        frame = len(step.before.state.frames) - 1
        if step.edge.kind == "call":
            for n in range(1, 6):
                self.move(Loc(frame + 1, n), Loc(frame, n))
        elif step.edge.kind == "return":
            self.move(Loc(frame - 1, 0), Loc(frame, 0))
        elif insn.is_jmp and insn.jmp_op is not JmpOp.CALL:
            self.compare(index, step, insn, frame)
        elif insn.cls in (Class.ST, Class.STX):
            self.store(index, step, insn, frame)
        else:
            self.write(index, step, insn, frame)

    def move(self, at: Loc, source: Loc) -> None:
        if at in self.wanted:
            self.wanted.discard(at)
            self.wanted.add(source)

    def note(self, index: int, step: Step, loc: Loc, *, writes: bool) -> None:
        self.found.append(Mattered(index, step, loc, writes))

    def compare(self, index: int, step: Step, insn: Instruction, frame: int) -> None:
        state = step.before.state
        operands = [Loc(frame, n) for n in registers(_reads(insn))]
        mattering = [loc for loc in operands if loc in self.wanted]
        if not mattering and all(loc.in_state(state).type in _ENDS for loc in operands):
            # a compare of another copy with the end tells of all packet pointers of its id
            ids = {loc.in_state(state).id for loc in operands if loc.in_state(state).type in PACKET}
            mattering = [
                loc
                for loc in sorted(self.wanted)
                if loc.in_state(state).type in PACKET and loc.in_state(state).id in ids
            ]
        if mattering:
            self.note(index, step, mattering[0], writes=False)
        elif operands:
            self.passed += [Mattered(index, step, loc, False) for loc in sorted(self.wanted)]

    def store(self, index: int, step: Step, insn: Instruction, frame: int) -> None:
        slot = _slot(step.before.state, insn.dst, insn.offset)
        if slot is not None and slot in self.wanted:
            self.note(index, step, slot, writes=True)
            if insn.size.bytes == SLOT_SIZE:
                self.wanted.discard(slot)
            if insn.cls is Class.STX:
                self.wanted.add(Loc(frame, insn.src))
        elif insn.mode is Mode.ATOMIC:
            self.write(index, step, insn, frame)

    def write(self, index: int, step: Step, insn: Instruction, frame: int) -> None:
        written = {Loc(frame, n) for n in registers(_writes(insn))}
        hit = sorted(written & self.wanted)
        if not hit:
            return
        self.note(index, step, hit[0], writes=True)
        self.wanted -= written
        if insn.is_alu:
            self.wanted |= {Loc(frame, n) for n in registers(_reads(insn))}
        elif insn.cls is Class.LDX:
            slot = _slot(step.before.state, insn.src, insn.offset)
            if slot is not None:
                self.wanted.add(slot)


def _slot(state: State, register: int, offset: int) -> Loc | None:
    """The stack slot that an access through the register touches, if it is known."""
    base = state.regs[register]
    if base.type is not RegType.PTR_TO_STACK or not base.is_const:
        return None
    at = base.off + base.scalar.smin + offset
    return Loc(base.frame, (-at - 1) // SLOT_SIZE, True) if -512 <= at < 0 else None


def _reads(insn: Instruction) -> int:
    try:
        return reads(insn)
    except UnsupportedError:
        return 0


def _writes(insn: Instruction) -> int:
    try:
        return writes(insn)
    except UnsupportedError:
        return 0
