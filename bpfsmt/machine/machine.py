"""The concrete machine: registers, frames, context; runs one program on one input."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bpfsmt.errors import BpfsmtError, UnsupportedError
from bpfsmt.machine.code import CALLER_SAVED, U64, Code
from bpfsmt.machine.env import Environment, TailCall
from bpfsmt.machine.memory import Fault, Memory, Region
from bpfsmt.machine.packet import Packet
from bpfsmt.machine.trace import FrameView, Step, Trace
from bpfsmt.program.maptypes import RDONLY_PROG
from bpfsmt.program.program import Program
from bpfsmt.semantics.context import LAYOUTS

STACK_SIZE = 512
MAX_FRAMES = 8
MAX_TAIL_CALLS = 33

FINISHED = -1
"""The pc after the main function's exit."""

JUNK = tuple((0xBAD0_BAD0_BAD0_BAD0 + 0x0101_0101_0101_0101 * n) & U64 for n in range(11))
"""What registers hold that nobody wrote."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one run starts from.

    ``ctx`` gives the scalar fields of the context by name, 0 where it says nothing;
    ``data_meta`` is the metadata in front of the packet.
    """

    packet: bytes = b""
    ctx: Mapping[str, int] = field(default_factory=dict)
    data_meta: bytes = b""


@dataclass(slots=True)
class Result:
    """How a run ended.

    ``r0`` is the program's answer (64 bits, unsigned) if ``outcome`` is "exit"; ``why`` says
    what is not modelled if it is "unsupported"; ``packet`` is what the packet is then.
    """

    outcome: Literal["exit", "fault", "budget", "unsupported"]
    steps: int
    packet: bytes
    r0: int | None = None
    fault: Fault | None = None
    why: str = ""
    trace: Trace | None = None


class _Frame:
    """One function's registers and stack; ``after`` is where its caller goes on."""

    __slots__ = ("after", "callsite", "regs", "stack", "view", "written")

    def __init__(self, regs: list[int], stack: Region, written: int, callsite: int, after: int):
        self.regs = regs
        self.stack = stack
        self.written = written
        self.callsite = callsite
        self.after = after
        self.view: FrameView | None = None


class Machine:
    """One run.  `bpfsmt.machine.run` makes it; helpers see it through `Environment.call`."""

    def __init__(self, code: Code, inputs: Inputs, env: Environment, seed: int = 0) -> None:
        self.env = env
        self.memory = Memory()
        self.packet = Packet(self.memory, inputs.packet, inputs.data_meta)
        self._junk = random.Random(seed)
        self._tail_calls = 0
        self.steps = 0
        self.pc = 0
        self.layout = LAYOUTS.get(code.program.type)
        size = self.layout.size if self.layout is not None else 1
        self.ctx = self.memory.add("ctx", bytearray(size), name="context")
        self._set_context({"len": len(inputs.packet)} if self._has_length else {})
        self._set_context(inputs.ctx)
        self._use(code)
        self.frames: list[_Frame] = []
        self.regs: list[int] = []
        self._push(FINISHED, FINISHED, {1: self.ctx.base})

    @property
    def _has_length(self) -> bool:
        """The context says how long the packet is (``__sk_buff``)."""
        return self.layout is not None and any(f.name == "len" for f in self.layout.fields)

    def _set_context(self, values: Mapping[str, int]) -> None:
        fields = self.layout.fields if self.layout is not None else ()
        scalars = {f.name: f for f in fields if f.kind == "scalar"}
        for name, value in values.items():
            if name not in scalars:
                raise BpfsmtError(f"the context has no scalar field {name}")
            f = scalars[name]
            number = value & ((1 << 8 * f.size) - 1)
            self.ctx.data[f.offset : f.offset + f.size] = number.to_bytes(f.size, "little")

    def _use(self, code: Code) -> None:
        self.code = code
        self.program = code.program
        self._handles: dict[int, Region] = {}

    # Frames ------------------------------------------------------------------------

    def _push(self, callsite: int, after: int, given: Mapping[int, int]) -> None:
        name = f"stack of frame {len(self.frames)}"
        stack = self.memory.add(
            "stack", bytearray(self._junk.randbytes(STACK_SIZE)), name=name, index=len(self.frames)
        )
        given = {**given, 10: stack.end}
        self.regs = [given.get(n, JUNK[n]) for n in range(11)]
        written = sum(1 << n for n in given)
        self.frames.append(_Frame(self.regs, stack, written, callsite, after))

    def enter(self, callsite: int, to: int, after: int) -> int:
        """A call of a bpf function: R1..R5 go over, the rest of its registers is junk."""
        if len(self.frames) == MAX_FRAMES:
            raise Fault("call", why=f"more than {MAX_FRAMES} frames")
        readable = self.frames[-1].written
        self._push(callsite, after, {n: self.regs[n] for n in range(1, 6)})
        self.frames[-1].written &= readable | 1 << 10
        return to

    def leave(self) -> int:
        """An exit: back to the caller with R0, or the end of the run."""
        if len(self.frames) == 1:
            return FINISHED
        frame = self.frames.pop()
        self.memory.drop(frame.stack)
        caller = self.frames[-1]
        self.regs = caller.regs
        self.regs[0] = frame.regs[0]
        caller.written = caller.written & ~(CALLER_SAVED | 1) | (frame.written & 1)
        self.clobber(self.regs)
        return frame.after

    def clobber(self, regs: list[int]) -> None:
        """What a call leaves in R1..R5."""
        regs[1:6] = JUNK[1:6]

    # Memory ------------------------------------------------------------------------

    def load(self, pc: int, address: int, size: int) -> int:
        """What the program's load gives (unsigned); raises `Fault`."""
        region, at = self.memory.find(address, size)
        if region.kind == "ctx":
            return self._load_context(address, at, size)
        value = int.from_bytes(region.data[at : at + size], "little")
        if region.kind == "map_value":
            return self.env.load(self, pc, region, size, value)
        return value

    def store(self, address: int, size: int, value: int) -> None:
        """The program's store of the low ``size`` bytes of ``value``; raises `Fault`."""
        region, at = self.memory.find(address, size, write=True)
        if region.kind == "ctx":
            self._context_field(address, at, size, write=True)
        data = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        region.data[at : at + size] = data

    def _context_field(self, address: int, at: int, size: int, *, write: bool) -> str:
        if self.layout is None:
            raise UnsupportedError(f"the context of {self.program.type.value} is not modelled")
        f = self.layout.access(at, size, write=write)
        if f is None:
            what = "write" if write else "read"
            why = f"{self.layout.struct} has no such field"
            raise Fault(what, address, size, f"context{at:+d}", why)
        return f.kind

    def _load_context(self, address: int, at: int, size: int) -> int:
        kind = self._context_field(address, at, size, write=False)
        if kind == "pkt":
            return self.packet.data
        if kind == "pkt_end":
            return self.packet.data_end
        if kind == "pkt_meta":
            return self.packet.data_meta
        if kind != "scalar":
            raise UnsupportedError(f"context fields of kind {kind} are not modelled")
        return int.from_bytes(self.ctx.data[at : at + size], "little")

    # Maps --------------------------------------------------------------------------

    def map_region(self, number: int) -> Region:
        """The map itself, which a program can only hand to helpers."""
        region = self._handles.get(number)
        if region is None:
            name = f"map {self.program.maps[number].name}"
            region = self.memory.add("map", bytearray(), name=name, index=number)
            self._handles[number] = region
        return region

    def map_number(self, address: int) -> int:
        """The number of the map that a helper was handed; raises `Fault` if it is none."""
        region = self.memory.region_at(address)
        if region is None or region.kind != "map" or region.base != address:
            raise Fault("helper call", why=f"{address:#x} is no map")
        return region.index

    def value_region(self, number: int, key: bytes, value: bytearray) -> Region:
        """Where the program sees a value of map ``number``."""
        definition = self.program.maps[number]
        writable = not (definition.frozen or definition.flags & RDONLY_PROG)
        return self.memory.value(
            value, map_name=definition.name, index=number, key=key, writable=writable
        )

    def direct_value(self, number: int) -> Region:
        """The value of an array with one entry, whose address is a constant."""
        key = bytes(4)
        value = self.env.state_of(self.program.maps[number]).lookup(key)
        if value is None:
            raise UnsupportedError(f"map {self.program.maps[number].name} has no value 0")
        return self.value_region(number, key, value)

    # Running -----------------------------------------------------------------------

    def run(self, budget: int, trace: Trace | None) -> Result:
        """Run to the end, to a fault, or for ``budget`` instructions."""
        pc = 0
        try:
            while pc != FINISHED:
                try:
                    pc = self._go(pc, budget, trace)
                    if pc != FINISHED:
                        return self._result("budget", trace)
                except TailCall as call:
                    self._switch(call.program)
                    pc = 0
                    trace = None if trace is None else Trace(trace.memory, trace.ctx)
        except Fault as fault:
            return self._result("fault", trace, fault=fault)
        except UnsupportedError as error:
            return self._result("unsupported", trace, why=str(error))
        return self._result("exit", trace, r0=self.regs[0])

    def _go(self, pc: int, budget: int, trace: Trace | None) -> int:
        ops, steps = self.code.ops, self.steps
        try:
            while pc >= 0 and steps < budget:
                if trace is not None:
                    self._record(pc, trace)
                steps += 1
                pc = ops[pc](self, self.regs)
        except Fault as fault:
            if fault.pc < 0:
                fault.pc = pc
            raise
        finally:
            self.steps = steps
        return pc

    def _record(self, pc: int, trace: Trace) -> None:
        """Note the state, and what the instruction at ``pc`` is going to write."""
        if pc >= len(self.program):
            return
        packet = self.packet
        views = tuple(_view(frame) for frame in self.frames)
        trace.steps.append(Step(pc, views, packet.data_meta, packet.data, packet.data_end))
        frame = self.frames[-1]
        frame.written = frame.written & ~self.code.clobbers[pc] | self.code.writes[pc]

    def _switch(self, program: Program) -> None:
        """Go over to another program in the current frame: it gets R1 and the stack."""
        self._use(Code(program))
        frame = self.frames[-1]
        frame.regs[:10] = JUNK[:10]
        frame.regs[1] = self.ctx.base
        frame.written = 1 << 1 | 1 << 10

    def count_tail_call(self) -> bool:
        """One more tail call; False if that is one too many."""
        self._tail_calls += 1
        return self._tail_calls <= MAX_TAIL_CALLS

    def _result(
        self,
        outcome: Literal["exit", "fault", "budget", "unsupported"],
        trace: Trace | None,
        *,
        r0: int | None = None,
        fault: Fault | None = None,
        why: str = "",
    ) -> Result:
        return Result(outcome, self.steps, self.packet.content, r0, fault, why, trace)


def _view(frame: _Frame) -> FrameView:
    """A snapshot; a stack that did not change is shared with the one before."""
    old = frame.view
    stack: bytes | bytearray = frame.stack.data
    if old is not None and old.stack == stack:
        stack = old.stack
    new = FrameView(frame.callsite, tuple(frame.regs), frame.written, bytes(stack), frame.stack.end)
    frame.view = new
    return new


def run(
    program: Program | Code,
    inputs: Inputs,
    env: Environment | None = None,
    *,
    budget: int = 1_000_000,
    trace: bool = False,
    seed: int = 0,
) -> Result:
    """Run a program on one input.

    ``budget`` is how many instructions may run.  ``seed`` chooses what the stack holds
    before it is written.  A `Code` may be given in place of a `Program`, to decode once for
    many runs.  With ``trace``, the result holds every step of this program (not of those
    that it tail-calls).  Raises `BpfsmtError` for inputs that do not fit the program.

    >>> from bpfsmt.program import load_asm
    >>> program = load_asm("r0 = *(u32 *)(r1 + 12)\\nr0 += 1\\nexit", "example")
    >>> run(program, Inputs(b"packet", {"ingress_ifindex": 41})).r0
    42
    """
    code = program if isinstance(program, Code) else Code(program)
    machine = Machine(code, inputs, env if env is not None else Environment(), seed)
    recorded = Trace(machine.memory, machine.ctx.base) if trace else None
    result = machine.run(budget, recorded)
    result.trace = recorded
    return result
