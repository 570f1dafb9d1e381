"""What stays the same during one walk, and the counters that only grow."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from bpfsmt.cfg import ControlFlow, live_registers
from bpfsmt.domain import UNKNOWN, Reg, RegType, Scalar, State, format_reg
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.scalar import const
from bpfsmt.domain.state import Frame
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet
from bpfsmt.semantics.context import layout_of
from bpfsmt.verifier.reasons import Rejection

FRAME_POINTER = 10
U64_MAX = (1 << 64) - 1


class Arm(NamedTuple):
    """One way on after an instruction; ``state`` is `None` if it can never be taken."""

    kind: str
    pc: int
    state: State | None


class Env:
    """The program, the rules by name, and what the walk counts."""

    def __init__(self, cfg: ControlFlow, rules: RuleSet) -> None:
        self.program: Program = cfg.program
        self.cfg = cfg
        self.maps = cfg.program.maps
        self.rules = rules
        self.ints = rules.ints
        self.policy = rules.policy
        self.layout = layout_of(cfg.program.type)
        self.live = live_registers(cfg)
        self.stack_depth: dict[int, int] = {}
        """Deepest stack byte used, by the entry of the function whose frame it is."""
        self._ids = 0
        # A rule set without subregister ranges leaves them at their widest.
        subreg = self.ints.from_umax(0).u32max == 0
        self.const: Callable[[int], Scalar] = lru_cache(4096)(lambda x: const(x, subreg=subreg))
        self._sized: dict[int, Scalar] = {
            n: self.ints.from_umax((1 << 8 * n) - 1) for n in (1, 2, 4)
        } | {8: UNKNOWN}
        self.zero = self.const(0)

    def fresh_id(self) -> int:
        """An id that no register has yet."""
        self._ids += 1
        return self._ids

    def sized(self, size: int) -> Scalar:
        """The unknown number of ``size`` bytes, zero-extended."""
        return self._sized[size]

    def loaded(self, size: int, *, signed: bool) -> Reg:
        """What a load of ``size`` unknown bytes gives."""
        if signed:
            return Reg(RegType.SCALAR_VALUE, self.ints.movsx64(UNKNOWN, 8 * size))
        return Reg(RegType.SCALAR_VALUE, self._sized[size])

    def pointer(self, type_: RegType) -> Reg:
        """A pointer of that type to the beginning of its region."""
        return Reg(type_, self.zero)

    def frame(self, number: int, callsite: int = -1) -> Frame:
        """A frame whose registers are unwritten but for the frame pointer."""
        fp = Reg(RegType.PTR_TO_STACK, self.zero, frame=number)
        return Frame((*[NOT_INIT] * FRAME_POINTER, fp), {}, callsite)

    def start(self) -> State:
        """The state at pc 0: R1 points to the context, R10 to the end of the stack."""
        return State((self.frame(0),)).with_reg(1, self.pointer(RegType.PTR_TO_CTX))

    def show(self, reg: Reg) -> str:
        """A register's state in log syntax."""
        return format_reg(reg, self.maps)

    def note_stack(self, state: State, frame: int, address: int) -> None:
        """Remember that the byte at fp + ``address`` of that frame is used."""
        callsite = state.frames[frame].callsite
        entry = 0 if callsite < 0 else callsite + 1 + self.program[callsite].imm
        if -address > self.stack_depth.get(entry, 0):
            self.stack_depth[entry] = -address


def read_reg(state: State, number: int) -> Reg:
    """The register's state; rejects one that was not written."""
    reg = state.frames[-1].regs[number]
    if reg.type is RegType.NOT_INIT:
        raise Rejection(
            "uninitialized-register",
            f"R{number} !read_ok",
            f"R{number} is read, but no value was written to it on this path"
            + (" (a call destroys R1 to R5)." if 1 <= number <= 5 else "."),
            reg=number,
        )
    return reg


def write_reg(state: State, number: int, reg: Reg) -> State:
    """The state with a register written; rejects writing the frame pointer."""
    if number == FRAME_POINTER:
        raise Rejection(
            "frame-pointer-write",
            "frame pointer is read only",
            "R10 is the frame pointer and cannot be written; copy it to another register first.",
            reg=number,
        )
    frames = state.frames
    frame = frames[-1]
    regs = (*frame.regs[:number], reg, *frame.regs[number + 1 :])
    return State((*frames[:-1], Frame(regs, frame.stack, frame.callsite)))


def map_regs(state: State, change: Callable[[Reg], Reg]) -> State:
    """The state with ``change`` made to every register of every frame, spilled ones too."""
    frames = []
    for frame in state.frames:
        regs = tuple(map(change, frame.regs))
        spilled = {
            i: slot._replace(spill=change(slot.spill))
            for i, slot in frame.stack.items()
            if slot.spill is not None
        }
        frames.append(Frame(regs, {**frame.stack, **spilled}, frame.callsite))
    return State(tuple(frames))
