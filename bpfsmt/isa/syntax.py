"""The words and signs of the assembly language, shared by assembler and disassembler.

It is the language of the kernel's verifier log and of llvm-objdump.
"""

from __future__ import annotations

from bpfsmt.isa.opcodes import AluOp, AtomicOp, JmpOp, Size

ALU_SIGNS: dict[AluOp, str] = {
    AluOp.ADD: "+=",
    AluOp.SUB: "-=",
    AluOp.MUL: "*=",
    AluOp.DIV: "/=",
    AluOp.OR: "|=",
    AluOp.AND: "&=",
    AluOp.LSH: "<<=",
    AluOp.RSH: ">>=",
    AluOp.MOD: "%=",
    AluOp.XOR: "^=",
    AluOp.MOV: "=",
    AluOp.ARSH: "s>>=",
}
"""Every arithmetic operation with two operands, in its plain form."""

SIGNED_ALU_SIGNS: dict[AluOp, str] = {AluOp.DIV: "s/=", AluOp.MOD: "s%="}
"""The forms that ``offset`` 1 makes signed."""

JMP_SIGNS: dict[JmpOp, str] = {
    JmpOp.JEQ: "==",
    JmpOp.JGT: ">",
    JmpOp.JGE: ">=",
    JmpOp.JSET: "&",
    JmpOp.JNE: "!=",
    JmpOp.JSGT: "s>",
    JmpOp.JSGE: "s>=",
    JmpOp.JLT: "<",
    JmpOp.JLE: "<=",
    JmpOp.JSLT: "s<",
    JmpOp.JSLE: "s<=",
}
"""Every conditional jump."""

SIZE_NAMES: dict[Size, str] = {Size.B: "u8", Size.H: "u16", Size.W: "u32", Size.DW: "u64"}
SIGNED_SIZE_NAMES: dict[Size, str] = {Size.B: "s8", Size.H: "s16", Size.W: "s32"}

ATOMIC_SIGNS: dict[AtomicOp, str] = {
    AtomicOp.ADD: "+=",
    AtomicOp.OR: "|=",
    AtomicOp.AND: "&=",
    AtomicOp.XOR: "^=",
}
ATOMIC_NAMES: dict[AtomicOp, str] = {
    AtomicOp.ADD: "add",
    AtomicOp.OR: "or",
    AtomicOp.AND: "and",
    AtomicOp.XOR: "xor",
}

UNKNOWN_HELPER = "unknown"
"""What the kernel's log calls a helper number that it has no name for."""

KERNEL_KFUNC = "kernel-function"
"""What the kernel's log calls a kfunc that it has no name for."""
