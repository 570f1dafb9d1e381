"""The instructions of RFC 9669, each with the operands that it is tried on.

Sections 4 (arithmetic and jumps) and 5 (loads, stores, atomics).  R7 is the destination, R8
the source, R0 a third operand; the word below R10 holds what R7 does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bpfsmt.conformance.values import EDGES, IMMEDIATES
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import (
    FETCH,
    AluOp,
    AtomicOp,
    CallSrc,
    Class,
    JmpOp,
    LdImm64Src,
    Mode,
    Size,
)

Operands: TypeAlias = "tuple[int, int, int]"
"""What R7, R8 and R0 hold before: unsigned 64-bit words."""

_DST, _SRC, _FRAME = 7, 8, 10
_X = 0x08
_SLOT = -8

_BINARY = (
    AluOp.ADD, AluOp.SUB, AluOp.MUL, AluOp.DIV, AluOp.OR, AluOp.AND, AluOp.LSH, AluOp.RSH,
    AluOp.MOD, AluOp.XOR, AluOp.MOV, AluOp.ARSH,
)  # fmt: skip
_SIGNED = (AluOp.DIV, AluOp.MOD)
_CONDITIONS = (
    JmpOp.JEQ, JmpOp.JGT, JmpOp.JGE, JmpOp.JSET, JmpOp.JNE, JmpOp.JSGT, JmpOp.JSGE, JmpOp.JLT,
    JmpOp.JLE, JmpOp.JSLT, JmpOp.JSLE,
)  # fmt: skip
_FETCHING = (AtomicOp.ADD, AtomicOp.OR, AtomicOp.AND, AtomicOp.XOR)

_MARK = Instruction(Class.ALU64 | AluOp.MOV, 0, imm=-1)
"""What a jump jumps over."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Instructions to try, by slot (mostly one), and the operands to try them on.

    ``calls`` says that a function is wanted behind the program.
    """

    slots: tuple[Instruction | None, ...]
    operands: tuple[Operands, ...]
    calls: bool = False


_ONE = tuple((a, 0x0123456789ABCDEF, 0) for a in EDGES)
_TWO = tuple((a, b, 0) for a, b in itertools.product(EDGES, EDGES))


def trials() -> Iterator[Trial]:
    """All of them, in the RFC's order."""
    yield from (Trial((insn,), _TWO) for insn in _arithmetic_of_registers())
    yield from (Trial((insn,), _ONE) for insn in _arithmetic_of_immediates())
    yield from (Trial((insn,), _ONE) for insn in _unary())
    yield from _jumps()
    yield from _calls()
    yield from (Trial((insn,), _ONE) for insn in _loads_and_stores())
    yield from (Trial((insn,), _TWO) for insn in _atomics())
    yield from (Trial((insn,), _swaps()) for insn in _compare_and_exchange())
    yield from (Trial((_constant(value), None), _ONE[:1]) for value in EDGES)


def _arithmetic_of_registers() -> Iterator[Instruction]:
    for cls, op in itertools.product((Class.ALU, Class.ALU64), _BINARY):
        for offset in _offsets(cls, op):
            yield Instruction(cls | op | _X, _DST, _SRC, offset)
        yield Instruction(cls | op | _X, _DST, _DST)


def _offsets(cls: Class, op: AluOp) -> tuple[int, ...]:
    """0 for the plain operation, 1 for its signed form, widths for sign extensions."""
    if op is AluOp.MOV:
        return (0, 8, 16) if cls is Class.ALU else (0, 8, 16, 32)
    return (0, 1) if op in _SIGNED else (0,)


def _arithmetic_of_immediates() -> Iterator[Instruction]:
    for cls, op, imm in itertools.product((Class.ALU, Class.ALU64), _BINARY, IMMEDIATES):
        for offset in (0, 1) if op in _SIGNED else (0,):
            yield Instruction(cls | op, _DST, 0, offset, imm)


def _unary() -> Iterator[Instruction]:
    for cls in (Class.ALU, Class.ALU64):
        yield Instruction(cls | AluOp.NEG, _DST)
    for width in (16, 32, 64):
        yield Instruction(Class.ALU | AluOp.END, _DST, imm=width)  # to little endian
        yield Instruction(Class.ALU | AluOp.END | _X, _DST, imm=width)  # to big endian
        yield Instruction(Class.ALU64 | AluOp.END, _DST, imm=width)  # in any case


def _jumps() -> Iterator[Trial]:
    for cls, op in itertools.product((Class.JMP, Class.JMP32), _CONDITIONS):
        yield _over(Instruction(cls | op | _X, _DST, _SRC, 1), _TWO)
        yield _over(Instruction(cls | op | _X, _DST, _DST, 1), _ONE)
        for imm in IMMEDIATES:
            yield _over(Instruction(cls | op, _DST, 0, 1, imm), _ONE)
    # An unconditional jump has a way around it, or nothing would lead to what it jumps over.
    around = Instruction(Class.JMP | JmpOp.JEQ, _DST, offset=1)
    for jump in (
        Instruction(Class.JMP | JmpOp.JA, offset=1),
        Instruction(Class.JMP32 | JmpOp.JA, imm=1),
    ):
        yield Trial((around, jump, _MARK), _ONE)


def _over(jump: Instruction, operands: tuple[Operands, ...]) -> Trial:
    return Trial((jump, _MARK), operands)


def _calls() -> Iterator[Trial]:
    """A local call with two arguments, and one of a helper that always answers the same."""
    arguments = tuple(
        Instruction(Class.ALU64 | AluOp.MOV | _X, dst, src) for dst, src in ((1, _DST), (2, _SRC))
    )
    behind = 7  # the slots between the call and the function
    call = Instruction(Class.JMP | JmpOp.CALL, 0, CallSrc.LOCAL, imm=behind)
    yield Trial((*arguments, call), _TWO, calls=True)
    get_smp_processor_id = 8
    yield Trial((Instruction(Class.JMP | JmpOp.CALL, imm=get_smp_processor_id),), _ONE[:1])


def _places(size: Size) -> Iterable[int]:
    """The aligned offsets of an access within the word below R10."""
    return range(_SLOT, 0, size.bytes)


def _loads_and_stores() -> Iterator[Instruction]:
    for size in Size:
        for at in _places(size):
            yield Instruction(Class.LDX | Mode.MEM | size, _SRC, _FRAME, at)
            if size is not Size.DW:
                yield Instruction(Class.LDX | Mode.MEMSX | size, _SRC, _FRAME, at)
            yield Instruction(Class.STX | Mode.MEM | size, _FRAME, _SRC, at)
            for imm in IMMEDIATES:
                yield Instruction(Class.ST | Mode.MEM | size, _FRAME, 0, at, imm)


def _atomics() -> Iterator[Instruction]:
    for size in (Size.W, Size.DW):
        for at in _places(size):
            for op, fetch in itertools.product(_FETCHING, (0, FETCH)):
                yield _atomic(size, at, op | fetch)
            yield _atomic(size, at, AtomicOp.XCHG | FETCH)


def _compare_and_exchange() -> Iterator[Instruction]:
    for size in (Size.W, Size.DW):
        for at in _places(size):
            yield _atomic(size, at, AtomicOp.CMPXCHG | FETCH)


def _atomic(size: Size, at: int, op: int) -> Instruction:
    return Instruction(Class.STX | Mode.ATOMIC | size, _FRAME, _SRC, at, op)


def _swaps() -> tuple[Operands, ...]:
    """Words in memory, new ones, and expected ones: equal, equal in one half, others."""
    low = 0xFFFFFFFF
    expected = [
        (old, expects)
        for old in EDGES
        for expects in (old, old ^ 1, old ^ 1 << 32, old & low, old >> 32, 0)
    ]
    return tuple((old, new, r0) for (old, r0), new in itertools.product(expected, EDGES[::5]))


def _constant(value: int) -> Instruction:
    low, high = (_signed(half) for half in (value & 0xFFFFFFFF, value >> 32))
    return Instruction(0x18, _DST, LdImm64Src.IMM, imm=low, next_imm=high)


def _signed(half: int) -> int:
    return (half ^ 1 << 31) - (1 << 31)
