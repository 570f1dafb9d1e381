"""The numbers of RFC 9669: classes, operations, widths, modes, pseudo source values."""

from __future__ import annotations

from enum import IntEnum


class Class(IntEnum):
    """Instruction classes (RFC 9669, section 3.1), the low three bits of the opcode."""

    LD = 0x00
    LDX = 0x01
    ST = 0x02
    STX = 0x03
    ALU = 0x04
    JMP = 0x05
    JMP32 = 0x06
    ALU64 = 0x07


class AluOp(IntEnum):
    """Arithmetic operations (RFC 9669, section 4.1), the high four bits of the opcode."""

    ADD = 0x00
    SUB = 0x10
    MUL = 0x20
    DIV = 0x30
    OR = 0x40
    AND = 0x50
    LSH = 0x60
    RSH = 0x70
    NEG = 0x80
    MOD = 0x90
    XOR = 0xA0
    MOV = 0xB0
    ARSH = 0xC0
    END = 0xD0


class JmpOp(IntEnum):
    """Jump operations (RFC 9669, section 4.3), the high four bits of the opcode."""

    JA = 0x00
    JEQ = 0x10
    JGT = 0x20
    JGE = 0x30
    JSET = 0x40
    JNE = 0x50
    JSGT = 0x60
    JSGE = 0x70
    CALL = 0x80
    EXIT = 0x90
    JLT = 0xA0
    JLE = 0xB0
    JSLT = 0xC0
    JSLE = 0xD0
    JCOND = 0xE0
    """Linux only: ``may_goto``, a jump that the kernel takes when its budget is spent."""


class Size(IntEnum):
    """Access widths of loads and stores (RFC 9669, section 5)."""

    W = 0x00
    H = 0x08
    B = 0x10
    DW = 0x18

    @property
    def bytes(self) -> int:
        """The width in bytes: 4, 2, 1 or 8."""
        return _BYTES[self]


_BYTES = {Size.W: 4, Size.H: 2, Size.B: 1, Size.DW: 8}


class Mode(IntEnum):
    """Addressing modes of loads and stores (RFC 9669, section 5)."""

    IMM = 0x00
    ABS = 0x20
    IND = 0x40
    MEM = 0x60
    MEMSX = 0x80
    ATOMIC = 0xC0


class AtomicOp(IntEnum):
    """Atomic operations (RFC 9669, section 5.3), in the ``imm`` field without FETCH."""

    ADD = 0x00
    OR = 0x40
    AND = 0x50
    XOR = 0xA0
    XCHG = 0xE0
    CMPXCHG = 0xF0


FETCH = 0x01
"""Modifier in the ``imm`` field of an atomic: the old value comes back in a register."""


class LdImm64Src(IntEnum):
    """What the ``src`` field of ``ld_imm64`` says (RFC 9669, section 5.4)."""

    IMM = 0
    MAP_BY_FD = 1
    MAP_VALUE = 2
    VARIABLE = 3
    CODE = 4
    MAP_BY_IDX = 5
    MAP_VALUE_BY_IDX = 6


class CallSrc(IntEnum):
    """What the ``src`` field of ``call`` says (RFC 9669, section 4.3.1)."""

    HELPER = 0
    LOCAL = 1
    KFUNC = 2
