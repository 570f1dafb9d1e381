"""Checks that could make a rejected access pass, by what is missing.  None of them is believed:
each is put into the program and verified by `bpfsmt.explain.repair`.

A check jumps to an exit of the same function: one that is there already, or ``r0 = 0; exit``
put behind the function, which costs two instructions more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bpfsmt.cfg import build_cfg, live_registers, registers
from bpfsmt.domain import Reg, RegType, State
from bpfsmt.explain.access import Access
from bpfsmt.explain.checks import (
    SIZES,
    Bound,
    ByCopy,
    Exit,
    InPlace,
    compare,
    exits,
    function_of,
    jump,
    mov_imm,
    store_zero,
)
from bpfsmt.explain.insert import Added
from bpfsmt.explain.missing import Missing, unwritten_bytes
from bpfsmt.explain.trail import Mattered
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, Class, JmpOp, Mode
from bpfsmt.program.program import Program
from bpfsmt.rules.access import MAX_PACKET_OFF, MAX_VAR_OFF
from bpfsmt.semantics.context import layout_of

FURTHER = 1024
"""A length to be in the packet may be so much greater than the access needs, for later ones."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Instructions to add, for a number that the check compares with.

    ``make`` gives them for a number from ``low`` to ``high``.  With ``widest`` the number is a
    bound and the greatest that passes is wanted, as it turns away the fewest runs; else the
    smallest, which is tried first.  ``bounded`` is the pc and the register that it bounds.
    """

    make: Callable[[int], tuple[Added, ...]]
    low: int = 0
    high: int = 0
    widest: bool = False
    bounded: tuple[int, int] = (-1, -1)

    @property
    def cost(self) -> int:
        """How many instructions it adds."""
        return len(self.make(self.high))


def candidates(
    program: Program,
    state: State,
    access: Access,
    missing: Sequence[Missing],
    slice_: Sequence[Mattered],
) -> list[Candidate]:
    """All that are worth a try, those with the fewest instructions first.

    ``state`` is the one before the access, see `bpfsmt.explain.trail.remembered`.
    """
    maker = _Maker(program, state, access, slice_)
    found = sorted(maker.all(missing), key=lambda one: (one.cost, one.high))
    return [one for one in found if one.low <= one.high]


def most_added(access: Access, program: Program) -> int:
    """No number beyond this can be added to the pointer if the access is to lie inside."""
    claim, limit = access.claim, MAX_VAR_OFF - 1
    if claim.type is RegType.PTR_TO_MAP_VALUE:
        limit = program.maps[claim.map].value_size - max(access.size, 0)
    elif claim.type is RegType.PTR_TO_STACK:
        limit = -max(access.size, 0)
    return max(0, min(limit - access.fixed, MAX_VAR_OFF - 1))


class _Maker:
    def __init__(
        self, program: Program, state: State, access: Access, slice_: Sequence[Mattered]
    ) -> None:
        self.program, self.access, self.slice = program, access, slice_
        self.pc, self.state = access.pc, state
        self.live = live_registers(build_cfg(program, strict=False))
        self.start, self.end = function_of(program, self.pc)
        self.exits = list(exits(program, self.pc, self.start, self.end, self.state))

    def all(self, missing: Sequence[Missing]) -> Iterator[Candidate]:
        components = {m.component for m in missing}
        if "range" in components:
            yield from self.packet(())
        if "type" in components:
            yield from self.null()
            yield from self.initial()
        if "bytes" in components:
            yield from self.written()
        if "var_off" in components:
            yield from self.aligned()
        if components & {"smin", "smax", "umin", "umax", "var_off"}:
            yield from self.bounds(missing)

    # A compare of a register with a number

    def check(self, pc: int, op: JmpOp, reg: int, number: int) -> Iterator[tuple[Added, ...]]:
        """``if reg op number goto`` one of the exits, before ``pc``."""
        for way in self.exits:
            yield (*way.tail(), jump(pc, op, reg, number, way))

    def null(self) -> Iterator[Candidate]:
        if self.access.claim.type.nonnull is not None:
            for check in self.check(self.pc, JmpOp.JEQ, self.access.reg, 0):
                yield _fixed(check)

    def aligned(self) -> Iterator[Candidate]:
        low = self.access.size - 1
        for pc, reg, _ in self.added_numbers():
            if low > 0:
                for check in self.check(pc, JmpOp.JSET, reg, low):
                    yield _fixed(check, low)

    def bounds(self, missing: Sequence[Missing]) -> Iterator[Candidate]:
        """Bound a number from above, unsigned, which bounds it from below too."""
        if not self.access.claim.is_pointer:
            yield from self.bound(self.pc, self.access.reg, 0, MAX_VAR_OFF - 1)
            yield from self.size_bound()
            return
        most = most_added(self.access, self.program)
        packet = self.access.claim.type is RegType.PTR_TO_PACKET
        low = 1 if self.access.claim.type is RegType.PTR_TO_STACK else 0
        for pc, reg, _ in self.added_numbers():
            if packet:
                most = min(most, MAX_PACKET_OFF)
                for way in self.exits:
                    bound = Bound(pc, reg, way)
                    for one in self.packet(way.tail()):
                        yield _both(bound, one, most)
            yield from self.bound(pc, reg, low, most)

    def bound(self, pc: int, reg: int, low: int, high: int) -> Iterator[Candidate]:
        for way in self.exits:
            bound = Bound(pc, reg, way)
            yield Candidate(bound.alone, low, high, True, (pc, reg))

    def size_bound(self) -> Iterator[Candidate]:
        """A size that must not be 0 needs a second compare."""
        for way in self.exits:
            bound = Bound(self.pc, self.access.reg, way)
            yield Candidate(bound.not_zero, 1, MAX_VAR_OFF - 1, True, (self.pc, self.access.reg))

    def added_numbers(self) -> Iterator[tuple[int, int, State]]:
        """Where a number was added to the pointer: the pc and the number's register."""
        for one in reversed(self.slice):
            insn, state = self.program[one.pc], one.step.before.state
            if insn.is_alu and insn.uses_reg and insn.alu_op is AluOp.ADD:
                for reg, other in ((insn.src, insn.dst), (insn.dst, insn.src)):
                    if not state.regs[reg].is_pointer and state.regs[other].is_pointer:
                        yield one.pc, reg, state

    # A compare of a packet pointer with the packet's end

    def packet(self, before: tuple[Added, ...]) -> Iterator[Candidate]:
        """Compares with the end; ``before`` (the exit's tail) is there already."""
        a = self.access
        if a.size < 0:
            return
        need = a.off + a.size
        for way in self.exits:
            tail = () if before else way.tail()
            for load, end, taken in self.ends():
                yield from self.compares(need, (*tail, *load), end, taken, way)

    def compares(
        self, need: int, first: tuple[Added, ...], end: int, taken: set[int], way: Exit
    ) -> Iterator[Candidate]:
        mine, pc = self.access.claim, self.pc
        for n, reg in enumerate(self.state.regs):
            same = reg.type is mine.type and reg.id == mine.id and reg.scalar == mine.scalar
            if same and n not in taken:
                reaches = reg.off - mine.off
                if reaches >= need:
                    yield _fixed((*first, compare(pc, JmpOp.JGT, n, end, way)))
                if reaches + 1 >= need:
                    yield _fixed((*first, compare(pc, JmpOp.JGE, n, end, way)))
        need = max(need, 1)
        high = min(MAX_PACKET_OFF, need + FURTHER)
        for scratch in self.scratch(taken | {end, self.access.reg}):
            make = ByCopy(first, pc, scratch, self.access.reg, end, way)
            yield Candidate(make, need, high)
            break
        else:
            yield Candidate(InPlace(first, pc, self.access.reg, end, way), need, high)

    def ends(self) -> Iterator[tuple[tuple[Added, ...], int, set[int]]]:
        """Registers that hold the end, else a load of it from the context."""
        held = [n for n, reg in enumerate(self.state.regs) if self.is_end(reg)]
        for n in held:
            yield (), n, set()
        kind = "pkt_end" if self.access.claim.type is RegType.PTR_TO_PACKET else "pkt"
        field = next((f for f in layout_of(self.program.type).fields if f.kind == kind), None)
        ctx = [n for n, reg in enumerate(self.state.regs) if reg.type is RegType.PTR_TO_CTX]
        if held or field is None or not ctx:
            return
        for scratch in self.scratch({self.access.reg}):
            load = Instruction(
                Class.LDX | Mode.MEM | SIZES[field.size], scratch, ctx[0], field.offset
            )  # fmt: skip
            yield (Added(self.pc, load),), scratch, {scratch}
            return

    def is_end(self, reg: Reg) -> bool:
        if self.access.claim.type is RegType.PTR_TO_PACKET:
            return reg.type is RegType.PTR_TO_PACKET_END
        plain = reg.is_const and not reg.const_value and not reg.off and not reg.id
        return reg.type is RegType.PTR_TO_PACKET and plain

    def scratch(self, taken: set[int]) -> Iterator[int]:
        """Registers whose value nobody needs here; R0 may be what an exit returns."""
        live = {0, *registers(self.live.get(self.pc, (1 << 11) - 1))}
        yield from (n for n in range(10) if n not in live and n not in taken)

    # Values that were never written

    def initial(self) -> Iterator[Candidate]:
        """A value for a register that has none: at the function's start, or just before."""
        if self.access.claim.type is not RegType.NOT_INIT:
            return
        yield _fixed((Added(self.start, mov_imm(self.access.reg, 0)),))
        if not self._written_anywhere(self.access.reg):
            yield _fixed((Added(self.pc, mov_imm(self.access.reg, 0)),))

    def _written_anywhere(self, reg: int) -> bool:
        """Some instruction of the function gives the register a value."""
        return any(
            self.start <= pc < self.end and insn.dst == reg and (insn.is_alu or insn.cls
            in (Class.LDX, Class.LD)) for pc, insn in self.program.instructions()
        )  # fmt: skip

    def written(self) -> Iterator[Candidate]:
        """Zeros for the stack bytes that were never written, in the widest stores that fit."""
        holes = unwritten_bytes(self.state, self.access)
        if not holes or self.access.claim.frame != len(self.state.frames) - 1:
            return
        start, end = holes[0], holes[-1] + 1
        for low, high in ((start, end), (start & -8, -(-end // 8) * 8)):
            stores = [Added(self.start, store_zero(at, size)) for at, size in _cover(low, high)]
            yield _fixed(tuple(stores))


def _both(bound: Bound, packet: Candidate, most: int) -> Candidate:
    """A bound of what is added to a packet pointer, and the compare with the end after it."""

    def make(number: int) -> tuple[Added, ...]:
        return (*bound.alone(number), *packet.make(packet.low))

    return Candidate(make, 0, most, True, (bound.pc, bound.reg))


def _fixed(what: tuple[Added, ...], number: int = 0) -> Candidate:
    return Candidate(lambda _: what, number, number)


def _cover(low: int, high: int) -> list[tuple[int, int]]:
    """Aligned pieces (start, size) that make up low..high."""
    pieces = []
    while low < high:
        size = next(s for s in (8, 4, 2, 1) if low % s == 0 and low + s <= high)
        pieces.append((low, size))
        low += size
    return pieces
