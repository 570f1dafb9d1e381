"""What checks are made of: compares that jump to an exit, and stores of zeros."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.domain import RegType, State
from bpfsmt.explain.insert import Added
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, Class, JmpOp, Mode, Size
from bpfsmt.program.program import Program

SIZES = {1: Size.B, 2: Size.H, 4: Size.W, 8: Size.DW}
MOST_EXITS = 3
"""So many exits are tried before one is added."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Where a check may jump: a pc, or with ``added`` behind the function that ends there."""

    pc: int
    added: bool = False

    def tail(self) -> tuple[Added, ...]:
        """What has to be put there first."""
        if not self.added:
            return ()
        return (Added(self.pc, mov_imm(0, 0), tail=True), Added(self.pc, exit_(), tail=True))


def exits(program: Program, pc: int, start: int, end: int, state: State) -> Iterator[Exit]:
    """Exits of the function that return a number, the nearest behind ``pc`` first."""
    found: list[int] = []
    for at, insn in program.instructions():
        if not start <= at < end or at == pc:
            continue
        following = at + insn.slots
        after = program.slots[following] if following < end else None
        sets_r0 = insn.is_alu and insn.alu_op is AluOp.MOV and not insn.uses_reg and not insn.dst
        plain = _is_exit(insn) and state.regs[0].type is RegType.SCALAR_VALUE
        if (sets_r0 and after is not None and _is_exit(after)) or plain:
            found.append(at)
    found.sort(key=lambda at: (at < pc, abs(at - pc)))
    yield from (Exit(at) for at in found[:MOST_EXITS])
    yield Exit(end, added=True)


def function_of(program: Program, pc: int) -> tuple[int, int]:
    """Where the function that holds ``pc`` starts and ends."""
    starts = sorted({0, *program.functions})
    start = max(s for s in starts if s <= pc)
    return start, min((s for s in starts if s > pc), default=len(program))


class Bound:
    """``if reg > number goto way`` before ``pc``."""

    def __init__(self, pc: int, reg: int, way: Exit) -> None:
        self.pc, self.reg, self.way = pc, reg, way

    def alone(self, number: int) -> tuple[Added, ...]:
        """Just this compare."""
        return (*self.way.tail(), jump(self.pc, JmpOp.JGT, self.reg, number, self.way))

    def not_zero(self, number: int) -> tuple[Added, ...]:
        """And one with 0."""
        return (*self.alone(number), jump(self.pc, JmpOp.JEQ, self.reg, 0, self.way))


class ByCopy:
    """``scratch = reg; scratch += n; if scratch > end goto way``."""

    def __init__(
        self, first: tuple[Added, ...], pc: int, scratch: int, reg: int, end: int, way: Exit
    ) -> None:
        self.first, self.pc, self.scratch = first, pc, scratch
        self.reg, self.end, self.way = reg, end, way

    def __call__(self, number: int) -> tuple[Added, ...]:
        """The instructions, for so many bytes."""
        return (
            *self.first,
            Added(self.pc, Instruction(Class.ALU64 | AluOp.MOV | 0x08, self.scratch, self.reg)),
            Added(self.pc, add_imm(self.scratch, number)),
            compare(self.pc, JmpOp.JGT, self.scratch, self.end, self.way),
        )


class InPlace:
    """``reg += n; if reg > end goto way; reg -= n``, where no register is free."""

    def __init__(self, first: tuple[Added, ...], pc: int, reg: int, end: int, way: Exit) -> None:
        self.first, self.pc, self.reg, self.end, self.way = first, pc, reg, end, way

    def __call__(self, number: int) -> tuple[Added, ...]:
        """The instructions, for so many bytes."""
        return (
            *self.first,
            Added(self.pc, add_imm(self.reg, number)),
            compare(self.pc, JmpOp.JGT, self.reg, self.end, self.way),
            Added(self.pc, add_imm(self.reg, -number)),
        )


def _is_exit(insn: Instruction) -> bool:
    return insn.is_jmp and insn.jmp_op is JmpOp.EXIT


def jump(pc: int, op: JmpOp, reg: int, number: int, way: Exit) -> Added:
    """``if reg op number goto way``, before ``pc``."""
    insn = Instruction(Class.JMP | op, reg, imm=number)
    return Added(pc, insn, way.pc, to_tail=way.added)


def compare(pc: int, op: JmpOp, reg: int, other: int, way: Exit) -> Added:
    """``if reg op other goto way``, before ``pc``."""
    return Added(pc, Instruction(Class.JMP | op | 0x08, reg, other), way.pc, to_tail=way.added)


def mov_imm(reg: int, number: int) -> Instruction:
    """``reg = number``."""
    return Instruction(Class.ALU64 | AluOp.MOV, reg, imm=number)


def add_imm(reg: int, number: int) -> Instruction:
    """``reg += number``."""
    return Instruction(Class.ALU64 | AluOp.ADD, reg, imm=number)


def store_zero(offset: int, size: int) -> Instruction:
    """``*(size *)(r10 + offset) = 0``."""
    return Instruction(Class.ST | Mode.MEM | SIZES[size], 10, 0, offset)


def exit_() -> Instruction:
    """``exit``."""
    return Instruction(Class.JMP | JmpOp.EXIT)
