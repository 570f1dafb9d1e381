"""Instructions as closures: a program is decoded once, then each step is one call.

Arithmetic is not written here but taken from `bpfsmt.semantics.alu`.  The closures are
what `Interpreter` runs; `bpfsmt.machine.translate` makes whole programs into Python.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import FETCH, AtomicOp, CallSrc, Class, JmpOp, LdImm64Src, Mode
from bpfsmt.machine.context import shape_of
from bpfsmt.machine.memory import CHUNK_BITS, FUNCTIONS, Fault
from bpfsmt.program.program import Program
from bpfsmt.semantics.alu import (
    alu_meaning,
    atomic_meaning,
    cmpxchg_meaning,
    immediate,
    jmp_meaning,
    load_sext,
)
from bpfsmt.semantics.loops import leaves, one_less

if TYPE_CHECKING:
    from bpfsmt.machine.env import Environment
    from bpfsmt.machine.interpreter import Interpreter
    from bpfsmt.machine.translate.module import Module

U64 = 0xFFFFFFFFFFFFFFFF

Op: TypeAlias = Callable[["Interpreter", list[int]], int]
"""One instruction: acts on the machine and the current registers, and returns the next pc."""

CALLER_SAVED = 0b111110
"""R1..R5 as bits: a call leaves nothing in them."""

_SLOT = 8
_KEPT = 256


def function_address(entry: int) -> int:
    """The address of the function at a slot, which helpers can call back."""
    return (FUNCTIONS << CHUNK_BITS) + _SLOT * entry


def _entries(program: Program) -> dict[int, int]:
    """The slots of functions that are called or handed to helpers, by address."""
    found = set()
    for pc, insn in program.instructions():
        if insn.calls_local or (insn.is_ld_imm64 and insn.src == LdImm64Src.CODE):
            entry = pc + 1 + insn.imm
            if 0 <= entry < len(program) and program.slots[entry] is not None:
                found.add(entry)
    return {function_address(entry): entry for entry in sorted(found)}


class Code:
    """A program made ready to run: ``ops[pc]``, and which registers each one writes.

    ``writes[pc]`` has bit n set for Rn; ``clobbers[pc]`` those that become unreadable.
    Behind the program's own slots come landings, one for each jump that goes nowhere.
    ``entries`` are the slots of functions by address, ``shape`` is that of the context,
    ``interpreted`` counts the instructions that were run one by one, and ``modules`` are
    translations made meanwhile, by class of environment.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.shape = shape_of(program.type)
        self.entries = _entries(program)
        self.interpreted = 0
        self.modules: dict[type[Environment], Module] = {}
        self.ops: list[Op] = [_nowhere(-1, pc) for pc in range(len(program))]
        self.writes = [0] * len(program)
        self.clobbers = [0] * len(program)
        for pc, insn in program.instructions():
            self.ops[pc] = self._op(pc, insn)
            self.writes[pc] = _writes(insn)
            if insn.helper is not None or _is_packet_load(insn):
                self.clobbers[pc] = CALLER_SAVED

    def target(self, pc: int, to: int) -> int:
        """Where a step from ``pc`` to ``to`` ends up: ``to``, or a landing that faults."""
        if 0 <= to < len(self.program) and self.program.slots[to] is not None:
            return to
        self.ops.append(_nowhere(pc, to))
        return len(self.ops) - 1

    def _op(self, pc: int, insn: Instruction) -> Op:
        cls = insn.cls
        if insn.is_alu:
            return _alu(insn, self.target(pc, pc + 1))
        if insn.is_jmp:
            return self._jmp(pc, insn)
        after = self.target(pc, pc + insn.slots)
        if insn.is_ld_imm64:
            return _ld_imm64(pc, insn, after)
        if cls is Class.LDX:
            return _ldx(pc, insn, after)
        if cls is Class.LD:
            return _packet_load(insn, after)
        if insn.mode is Mode.ATOMIC:
            return _atomic(pc, insn, after)
        return _store(insn, after)

    def _jmp(self, pc: int, insn: Instruction) -> Op:
        op = insn.jmp_op
        if op is JmpOp.EXIT:
            return lambda m, r: m.leave()
        if op is JmpOp.JA:
            distance = insn.imm if insn.cls is Class.JMP32 else insn.offset
            to = self.target(pc, pc + 1 + distance)
            return lambda m, r: to
        after = self.target(pc, pc + 1)
        if op is JmpOp.CALL:
            if insn.src == CallSrc.LOCAL:
                return _call(pc, self.target(pc, pc + 1 + insn.imm), after)
            if insn.src == CallSrc.HELPER:
                return _helper(pc, insn.imm, after)
            return _unsupported(f"kernel function {insn.imm}")
        if op is JmpOp.JCOND:
            return _may_goto(self.target(pc, pc + 1 + insn.offset), after)
        return _branch(insn, self.target(pc, pc + 1 + insn.offset), after)


_codes: OrderedDict[int, Code] = OrderedDict()


def code_of(program: Program) -> Code:
    """The code of a program, decoded once as long as the program is in use now and then."""
    code = _codes.get(id(program))
    if code is None or code.program is not program:
        code = _codes[id(program)] = Code(program)
        if len(_codes) > _KEPT:
            _codes.popitem(last=False)
    else:
        _codes.move_to_end(id(program))
    return code


def _is_packet_load(insn: Instruction) -> bool:
    return insn.cls is Class.LD and not insn.is_ld_imm64


def _writes(insn: Instruction) -> int:
    if insn.is_alu or insn.is_ld_imm64 or insn.cls is Class.LDX:
        return 1 << insn.dst
    if insn.helper is not None or _is_packet_load(insn):
        return 1
    if insn.cls is Class.STX and insn.mode is Mode.ATOMIC and insn.imm & FETCH:
        return 1 if insn.imm == AtomicOp.CMPXCHG | FETCH else 1 << insn.src
    return 0


def _nowhere(pc: int, to: int) -> Op:
    def op(m: Interpreter, r: list[int]) -> int:
        fault = Fault("goes nowhere", why=f"no instruction starts at slot {to}")
        fault.pc = pc
        raise fault

    return op


def _unsupported(what: str) -> Op:
    def op(m: Interpreter, r: list[int]) -> int:
        raise UnsupportedError(f"{what} is not modelled")

    return op


def _alu(insn: Instruction, after: int) -> Op:
    rule = alu_meaning(insn)
    meaning: Callable[[int, int], int] = rule.alone.ints[rule.name]
    dst, src, constant = insn.dst, insn.src, immediate(insn)

    def with_register(m: Interpreter, r: list[int]) -> int:
        r[dst] = meaning(r[dst], r[src])
        return after

    def with_constant(m: Interpreter, r: list[int]) -> int:
        r[dst] = meaning(r[dst], constant)
        return after

    return with_register if insn.uses_reg else with_constant


def _branch(insn: Instruction, to: int, after: int) -> Op:
    rule = jmp_meaning(insn)
    taken: Callable[[int, int], bool] = rule.alone.ints[rule.name]
    dst, src, constant = insn.dst, insn.src, immediate(insn)
    if insn.uses_reg:
        return lambda m, r: to if taken(r[dst], r[src]) else after
    return lambda m, r: to if taken(r[dst], constant) else after


def _may_goto(to: int, after: int) -> Op:
    spent: Callable[[int], bool] = leaves.alone.ints[leaves.name]
    lessened: Callable[[int], int] = one_less.alone.ints[one_less.name]

    def op(m: Interpreter, r: list[int]) -> int:
        frame = m.frames[-1]
        if spent(frame.rounds):
            return to
        frame.rounds = lessened(frame.rounds)
        return after

    return op


def _ld_imm64(pc: int, insn: Instruction, after: int) -> Op:
    dst, number, offset = insn.dst, insn.imm, insn.next_imm
    value = insn.imm64 if insn.src == LdImm64Src.IMM else function_address(pc + 1 + insn.imm)

    def constant(m: Interpreter, r: list[int]) -> int:
        r[dst] = value
        return after

    def map_itself(m: Interpreter, r: list[int]) -> int:
        r[dst] = m.machine.link.handle(number)
        return after

    def map_value(m: Interpreter, r: list[int]) -> int:
        r[dst] = (m.machine.direct_address(number) + offset) & U64
        return after

    if insn.src in (LdImm64Src.IMM, LdImm64Src.CODE):
        return constant
    if insn.src in (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_BY_IDX):
        return map_itself
    if insn.src in (LdImm64Src.MAP_VALUE, LdImm64Src.MAP_VALUE_BY_IDX):
        return map_value
    return _unsupported(f"a 64-bit immediate of kind {insn.src}")


def _ldx(pc: int, insn: Instruction, after: int) -> Op:
    dst, src, offset, size = insn.dst, insn.src, insn.offset, insn.size.bytes

    def plain(m: Interpreter, r: list[int]) -> int:
        r[dst] = m.machine.load(pc, (r[src] + offset) & U64, size)
        return after

    if insn.mode is Mode.MEM:
        return plain
    rule = load_sext(size)
    extend: Callable[[int, int], int] = rule.alone.ints[rule.name]

    def signed(m: Interpreter, r: list[int]) -> int:
        r[dst] = extend(0, m.machine.load(pc, (r[src] + offset) & U64, size))
        return after

    return signed


def _packet_load(insn: Instruction, after: int) -> Op:
    """From the packet in network order; where it ends before, the function ends with R0 = 0."""
    src, offset, size = insn.src, insn.imm, insn.size.bytes
    indirect = insn.mode is Mode.IND

    def op(m: Interpreter, r: list[int]) -> int:
        found = m.machine.packet_load(r[6], r[src] + offset if indirect else offset, size)
        m.clobber(r)
        r[0] = found or 0
        return m.leave() if found is None else after

    return op


def _store(insn: Instruction, after: int) -> Op:
    dst, src, offset, size = insn.dst, insn.src, insn.offset, insn.size.bytes
    constant = immediate(insn)

    def of_register(m: Interpreter, r: list[int]) -> int:
        m.memory.store((r[dst] + offset) & U64, size, r[src])
        return after

    def of_constant(m: Interpreter, r: list[int]) -> int:
        m.memory.store((r[dst] + offset) & U64, size, constant)
        return after

    return of_register if insn.cls is Class.STX else of_constant


def _atomic(pc: int, insn: Instruction, after: int) -> Op:
    """Atomics: memory changes by the width of the access; what is fetched is zero-extended."""
    dst, src, offset, size = insn.dst, insn.src, insn.offset, insn.size.bytes
    swap = cmpxchg_meaning(insn)
    exchange: Callable[[int, int, int], int] = swap.alone.ints[swap.name]

    def compare_exchange(m: Interpreter, r: list[int]) -> int:
        address = (r[dst] + offset) & U64
        old = m.machine.load(pc, address, size)
        m.memory.store(address, size, exchange(old, r[0], r[src]))
        r[0] = old
        return after

    if insn.imm == AtomicOp.CMPXCHG | FETCH:
        return compare_exchange
    rule = atomic_meaning(insn)
    meaning: Callable[[int, int], int] = rule.alone.ints[rule.name]
    fetch = bool(insn.imm & FETCH)

    def modify(m: Interpreter, r: list[int]) -> int:
        address = (r[dst] + offset) & U64
        old = m.machine.load(pc, address, size)
        m.memory.store(address, size, meaning(old, r[src]))
        if fetch:
            r[src] = old
        return after

    return modify


def _call(pc: int, to: int, after: int) -> Op:
    return lambda m, r: m.enter(pc, to, after)


def _helper(pc: int, number: int, after: int) -> Op:
    def op(m: Interpreter, r: list[int]) -> int:
        machine = m.machine
        machine.pc = pc
        result = machine.env.call(machine, number, (r[1], r[2], r[3], r[4], r[5]))
        m.clobber(r)
        r[0] = result & U64
        return after

    return op
