"""The reference: one instruction after the other, each step recorded if that is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bpfsmt.machine.code import CALLER_SAVED, Code, code_of
from bpfsmt.machine.linked import Linked
from bpfsmt.machine.machine import JUNK, BudgetSpent, Machine
from bpfsmt.machine.memory import Fault, Region
from bpfsmt.machine.tailcall import TailCall
from bpfsmt.machine.trace import FrameView, Step, Trace
from bpfsmt.program.program import Program

FINISHED = -1
"""The pc after the exit of a function that no instruction called."""


class Frame:
    """One function's registers and stack; ``after`` is where its caller goes on.

    ``link`` is the program, and ``base`` the number of the frame in which it began.
    ``rounds`` is how often its ``may_goto`` still go on.
    """

    __slots__ = (
        "after", "base", "callsite", "link", "regs", "rounds", "stack", "view", "written",
    )  # fmt: skip

    def __init__(
        self,
        machine: Machine,
        regs: list[int],
        stack: Region,
        written: int,
        callsite: int,
        after: int,
    ) -> None:
        self.link, self.base = machine.link, machine.base
        self.regs = regs
        self.stack = stack
        self.written = written
        self.callsite = callsite
        self.after = after
        self.rounds = machine.env.rounds
        self.view: FrameView | None = None


class Interpreter:
    """Runs the closures of `Code` on the machine's state.

    ``trace`` gets the state before each instruction.
    """

    def __init__(self, machine: Machine, trace: Trace | None) -> None:
        self.machine = machine
        self.memory = machine.memory
        self.trace = self._own_trace = trace
        self.frames: list[Frame] = []
        self.regs: list[int] = []
        self.code: Code = machine.link.code
        machine.engine = self

    def run(self) -> int:
        """The main function's R0; raises `Fault`, `BudgetSpent`, `UnsupportedError`."""
        self._push(FINISHED, FINISHED, {1: self.machine.ctx.base})
        return self._go(0)

    def call(self, entry: int, args: tuple[int, ...]) -> int:
        """A callback, in a frame on top of the caller's: its R0."""
        outer, pc = self.regs, self.machine.pc
        link, base = self.machine.link, self.machine.base
        self._push(pc, FINISHED, dict(enumerate(args, start=1)))
        answer = self._go(entry)
        self.regs, self.machine.pc = outer, pc
        self._use(link, base)
        return answer

    def begin(self, callsites: Sequence[int]) -> list[Frame]:
        """The frames of a run that begins in the middle, after these calls, outermost first.

        Nothing is in them yet: registers, stacks and what is written are the caller's to fill.
        """
        self._push(FINISHED, FINISHED, {})
        for callsite in callsites:
            self._push(callsite, callsite + 1, {})
        return self.frames

    def go_on(self, pc: int) -> int:
        """Run from ``pc`` in the frames of `begin`; raises as `run` does."""
        return self._go(pc, until=0)

    def _go(self, pc: int, until: int = -1) -> int:
        """Run from ``pc`` until the present frame has left (or so few are there); its R0."""
        machine, left = self.machine, len(self.frames) - 1 if until < 0 else until
        while True:
            try:
                while pc >= 0:
                    if machine.steps >= machine.budget:
                        raise BudgetSpent
                    if self.trace is not None:
                        self._record(pc)
                    machine.steps += 1
                    pc = self.code.ops[pc](self, self.regs)
            except TailCall as call:
                self._switch(call.program)
                pc = 0
            except Fault as fault:
                if fault.pc < 0:
                    fault.pc = pc
                raise
            else:
                assert len(self.frames) == left
                return self.regs[0]

    # Frames ----------------------------------------------------------------------------

    def _push(self, callsite: int, after: int, given: Mapping[int, int]) -> None:
        stack = self.machine.push_stack()
        given = {**given, 10: stack.end}
        self.regs = [given.get(n, JUNK[n]) for n in range(11)]
        written = sum(1 << n for n in given)
        self.frames.append(
            Frame(self.machine, self.regs, stack, written, callsite, after)
        )  # fmt: skip

    def enter(self, callsite: int, to: int, after: int) -> int:
        """A call of a bpf function: R1..R5 go over, the rest of its registers is junk."""
        readable = self.frames[-1].written
        self._push(callsite, after, {n: self.regs[n] for n in range(1, 6)})
        self.frames[-1].written &= readable | 1 << 10
        return to

    def leave(self) -> int:
        """An exit: back to the caller with R0, or the end of this function's run."""
        frame = self.frames.pop()
        self.machine.pop_stack(frame.stack)
        if frame.after == FINISHED:
            return FINISHED
        caller = self.frames[-1]
        if caller.base != frame.base:
            # Back from a tail call, with the number that the other program gave.
            self._use(caller.link, caller.base)
            frame.written |= 1
            if caller.base == 0:
                self.trace = self._own_trace
        self.regs = caller.regs
        self.regs[0] = frame.regs[0]
        caller.written = caller.written & ~(CALLER_SAVED | 1) | (frame.written & 1)
        self.clobber(self.regs)
        return frame.after

    def clobber(self, regs: list[int]) -> None:
        """What a call leaves in R1..R5."""
        regs[1:6] = JUNK[1:6]

    def _use(self, link: Linked, base: int) -> None:
        self.machine.use(link, base)
        self.code = link.code

    def _switch(self, program: Program) -> None:
        """Go over to another program in the current frame: it gets R1 and the stack.

        What it does is not traced: claims are about one program, until it is back there.
        """
        machine = self.machine
        self._use(machine.env.link(code_of(program)), machine.depth - 1)
        frame = self.frames[-1]
        frame.link, frame.base = machine.link, machine.base
        frame.rounds = machine.env.rounds
        frame.regs[:10] = JUNK[:10]
        frame.regs[1] = self.machine.ctx.base
        frame.written = 1 << 1 | 1 << 10
        self.trace = None

    # Tracing ---------------------------------------------------------------------------

    def _record(self, pc: int) -> None:
        """Note the state, and what the instruction at ``pc`` is going to write."""
        assert self.trace is not None
        if pc >= len(self.code.program):
            return
        packet = self.machine.packet
        views = tuple(_view(frame) for frame in self.frames)
        self.trace.steps.append(Step(pc, views, packet.data_meta, packet.data, packet.data_end))
        frame = self.frames[-1]
        frame.written = frame.written & ~self.code.clobbers[pc] | self.code.writes[pc]


def _view(frame: Frame) -> FrameView:
    """A snapshot; a stack that did not change is shared with the one before."""
    old = frame.view
    stack: bytes | bytearray = frame.stack.data
    if old is not None and old.stack == stack:
        stack = old.stack
    new = FrameView(frame.callsite, tuple(frame.regs), frame.written, bytes(stack), frame.stack.end)
    frame.view = new
    return new
