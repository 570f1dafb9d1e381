"""Instructions by what they do, with the fields that nothing needs left at 0."""

from __future__ import annotations

from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, Class, JmpOp, LdImm64Src, Mode, Size

SIZES = {1: Size.B, 2: Size.H, 4: Size.W, 8: Size.DW}
"""Access widths by their bytes."""

_X = 0x08


def alu(op: AluOp, dst: int, src: int | None, imm: int = 0, *, wide: bool = True) -> Instruction:
    """``dst op= src`` or, with ``src`` None, ``dst op= imm``."""
    cls = Class.ALU64 if wide else Class.ALU
    return Instruction(cls | op | (0 if src is None else _X), dst, src or 0, 0, imm)


def mov(dst: int, src: int) -> Instruction:
    """``dst = src``, 64 bits."""
    return alu(AluOp.MOV, dst, src)


def const(dst: int, value: int) -> Instruction:
    """``dst = value``, in one slot if it is a signed number of 32 bits."""
    if -(1 << 31) <= value < 1 << 31:
        return alu(AluOp.MOV, dst, None, value)
    low, high = value & 0xFFFFFFFF, (value >> 32) & 0xFFFFFFFF
    halves = [h - (1 << 32) if h >> 31 else h for h in (low, high)]
    return Instruction(0x18, dst, LdImm64Src.IMM, imm=halves[0], next_imm=halves[1])


def load(dst: int, base: int, off: int, size: int, *, signed: bool = False) -> Instruction:
    """``dst = *(size *)(base + off)``."""
    mode = Mode.MEMSX if signed else Mode.MEM
    return Instruction(Class.LDX | mode | SIZES[size], dst, base, off)


def store(base: int, off: int, src: int, size: int) -> Instruction:
    """``*(size *)(base + off) = src``."""
    return Instruction(Class.STX | Mode.MEM | SIZES[size], base, src, off)


def store_imm(base: int, off: int, imm: int, size: int) -> Instruction:
    """``*(size *)(base + off) = imm``."""
    return Instruction(Class.ST | Mode.MEM | SIZES[size], base, 0, off, imm)


def compare(
    op: JmpOp, dst: int, src: int | None, imm: int = 0, *, wide: bool = True
) -> Instruction:
    """``if dst op src goto`` somewhere."""
    cls = Class.JMP if wide else Class.JMP32
    return Instruction(cls | op | (0 if src is None else _X), dst, src or 0, 0, imm)


def call(helper: int) -> Instruction:
    """Call a helper by number."""
    return Instruction(Class.JMP | JmpOp.CALL, imm=helper)


def map_of(dst: int, index: int) -> Instruction:
    """``dst`` = the map ``Program.maps[index]``."""
    return Instruction(0x18, dst, LdImm64Src.MAP_BY_FD, imm=index)


def value_of(dst: int, index: int, off: int) -> Instruction:
    """``dst`` = an address in the only value of an array."""
    return Instruction(0x18, dst, LdImm64Src.MAP_VALUE, imm=index, next_imm=off)


GOTO = Instruction(Class.JMP | JmpOp.JA)
GOTO_FAR = Instruction(Class.JMP32 | JmpOp.JA)
"""The same with a distance of 32 bits."""

MAY_GOTO = Instruction(Class.JMP | JmpOp.JCOND)
"""A jump that the kernel takes when a loop has had all its rounds."""

EXIT = Instruction(Class.JMP | JmpOp.EXIT)
