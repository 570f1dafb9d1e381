"""Kinds of instructions: operation, width and kind of operand, in words; and all there are."""

from __future__ import annotations

from functools import cache

from bpfsmt.conformance.instructions import trials
from bpfsmt.isa import (
    FETCH,
    AluOp,
    AtomicOp,
    CallSrc,
    Class,
    Instruction,
    JmpOp,
    LdImm64Src,
    Mode,
)


def kind_of(insn: Instruction) -> str:
    """What an instruction is, but for its registers, offsets and most immediates.

    >>> from bpfsmt.isa import assemble
    >>> [kind_of(i) for i in assemble("r1 = (s8)r2\\nw3 s/= 7\\nif r1 > r2 goto +0").slots if i]
    ['mov 64 s8', 'sdiv 32 imm', 'jgt 64 reg']
    """
    operand = "reg" if insn.uses_reg else "imm"
    match insn.cls:
        case Class.ALU | Class.ALU64:
            return _alu(insn, "64" if insn.cls is Class.ALU64 else "32", operand)
        case Class.JMP | Class.JMP32:
            return _jump(insn, "64" if insn.cls is Class.JMP else "32", operand)
        case Class.LD:
            return _constant(insn)
    bits = insn.size.bytes * 8
    if insn.mode is Mode.ATOMIC:
        fetch = " fetch" if insn.imm & FETCH else ""
        return f"atomic {AtomicOp(insn.imm & ~FETCH).name.lower()}{fetch} {bits}"
    name = {Class.LDX: "load", Class.STX: "store", Class.ST: "store imm"}[insn.cls]
    return f"{name} {'s' if insn.mode is Mode.MEMSX else ''}{bits}"


def _alu(insn: Instruction, width: str, operand: str) -> str:
    name = insn.alu_op.name.lower()
    if insn.alu_op is AluOp.END:
        swap = "bswap" if width == "64" else "be" if insn.uses_reg else "le"
        return f"{swap} {insn.imm}"
    if insn.alu_op is AluOp.NEG:
        return f"neg {width}"
    if insn.alu_op is AluOp.MOV and insn.offset:
        return f"mov {width} s{insn.offset}"
    return f"{'s' if insn.offset else ''}{name} {width} {operand}"


def _jump(insn: Instruction, width: str, operand: str) -> str:
    match insn.jmp_op:
        case JmpOp.CALL:
            return f"call {CallSrc(insn.src).name.lower()}"
        case JmpOp.EXIT:
            return "exit"
        case JmpOp.JA:
            return "goto" if width == "64" else "gotol"
    return f"{insn.jmp_op.name.lower()} {width} {operand}"


def _constant(insn: Instruction) -> str:
    if not insn.is_ld_imm64:
        return f"load packet {insn.mode.name.lower()} {insn.size.bytes * 8}"
    return f"ld_imm64 {LdImm64Src(insn.src).name.lower()}"


@cache
def every_kind() -> tuple[str, ...]:
    """All kinds of instructions of RFC 9669, without calls of kfuncs and legacy packet loads."""
    tried = (kind_of(i) for trial in trials() for i in trial.slots if i is not None)
    sources = (LdImm64Src.IMM, LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_VALUE)
    others = (kind_of(Instruction(0x18, 0, source)) for source in sources)
    return tuple(dict.fromkeys((*tried, *others, "exit")))
