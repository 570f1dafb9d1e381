"""States that the log leaves unprinted: behind the last instruction before "safe".

A state for which an earlier one stands is not printed, nor what the instruction before it
wrote, nor what a compare told of its operands.  The rules of that kernel say what it must
have been; it is used to find the earlier state, and claimed nowhere.
"""

from __future__ import annotations

from bpfsmt.domain.reg import Reg, RegType
from bpfsmt.domain.scalar import Scalar, const
from bpfsmt.domain.state import State
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, Class, JmpOp
from bpfsmt.kernel.log.rules import Rules

_HOLDS = {
    JmpOp.JEQ: ("eq", False), JmpOp.JNE: ("ne", False), JmpOp.JSET: ("set", False),
    JmpOp.JLT: ("ult", False), JmpOp.JLE: ("ule", False),
    JmpOp.JGT: ("ult", True), JmpOp.JGE: ("ule", True),
    JmpOp.JSLT: ("slt", False), JmpOp.JSLE: ("sle", False),
    JmpOp.JSGT: ("slt", True), JmpOp.JSGE: ("sle", True),
}  # fmt: skip
"""The condition of a jump as the rules name it, and whether its operands are exchanged."""

_OPPOSITE = {
    "eq": "ne", "ne": "eq", "set": "nset",
    "ult": "ule", "ule": "ult", "slt": "sle", "sle": "slt",
}  # fmt: skip


def computed(rules: Rules, insn: Instruction, before: State) -> Reg | None:
    """What arithmetic on two numbers gives; `None` if it is something else."""
    op, wide = insn.alu_op, insn.cls is Class.ALU64
    dst = before.regs[insn.dst]
    src = before.regs[insn.src] if insn.uses_reg else _immediate(insn)
    if op is AluOp.MOV:
        if not insn.uses_reg or (wide and not insn.offset):
            return None
        rule = f"movsx{64 if wide else 32}" if insn.offset else "zext32"
        operands: tuple[object, ...] = (src.scalar, insn.offset) if insn.offset else (src.scalar,)
        return _number(rules, rule, operands) if src.type is RegType.SCALAR_VALUE else None
    if dst.type is not RegType.SCALAR_VALUE or op is AluOp.END:
        return None
    if op is AluOp.NEG:
        return _number(rules, f"alu{64 if wide else 32}_neg", (dst.scalar,))
    if src.type is not RegType.SCALAR_VALUE:
        return None
    sign = "s" if insn.offset == 1 else ""
    rule = f"alu{64 if wide else 32}_{sign}{op.name.lower()}"
    return _number(rules, rule, (dst.scalar, src.scalar))


def _number(rules: Rules, rule: str, operands: tuple[object, ...]) -> Reg | None:
    function = getattr(rules, rule, None)
    return None if function is None else Reg(RegType.SCALAR_VALUE, function(*operands))


def _immediate(insn: Instruction) -> Reg:
    return Reg(RegType.SCALAR_VALUE, const(insn.imm))


def compared(
    rules: Rules, insn: Instruction, before: State, *, taken: bool
) -> tuple[Scalar, Scalar] | None:
    """What a compare of two numbers says of both on that arm; `None` for pointers."""
    a = before.regs[insn.dst]
    b = before.regs[insn.src] if insn.uses_reg else _immediate(insn)
    if a.type is not RegType.SCALAR_VALUE or b.type is not RegType.SCALAR_VALUE:
        return None
    name, swapped = _HOLDS[insn.jmp_op]
    if not taken:
        swapped ^= name[1:] in ("lt", "le")
        name = _OPPOSITE[name]
    rule = getattr(rules, f"refine{64 if insn.cls is Class.JMP else 32}_{name}")
    if swapped:
        right, left = rule(b.scalar, a.scalar)
    else:
        left, right = rule(a.scalar, b.scalar)
    return left, right
