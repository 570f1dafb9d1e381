"""Arithmetic: numbers through the rules, pointers through `pointer_plus` (``check_alu_op``)."""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType
from bpfsmt.domain.reg import ADD_CONST
from bpfsmt.isa import AluOp, Class, Instruction
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.step.pointer import pointer_plus
from bpfsmt.verifier.linux.walk import Walk

_SHIFTS = (AluOp.LSH, AluOp.RSH, AluOp.ARSH)
_DIVISIONS = (AluOp.DIV, AluOp.MOD)
_S32_MAX = (1 << 31) - 1
_NAMES = {
    (op, wide, signed): f"alu{64 if wide else 32}_{'s' if signed else ''}{op.name.lower()}"
    for op in AluOp
    for wide in (False, True)
    for signed in (False, True)
}


def alu(w: Walk, insn: Instruction) -> None:
    """An instruction of class ALU or ALU64."""
    op, wide = insn.alu_op, insn.cls is Class.ALU64
    if op is AluOp.MOV:
        w.write(insn.dst, _move(w, insn, wide))
        return
    dst = w.read(insn.dst)
    if op is AluOp.END:
        swapped = ANY if dst.is_pointer else _rule(w, "byte_swap", dst.scalar, insn.imm)
        w.write(insn.dst, swapped)
        return
    if op is AluOp.NEG:
        negated = ANY if dst.is_pointer else _rule(w, _NAMES[op, wide, False], dst.scalar)
        w.write(insn.dst, negated)
        return
    w.write(insn.dst, _binary(w, insn, op, wide, dst))


def _rule(w: Walk, name: str, *operands: object) -> Reg:
    return Reg(RegType.SCALAR_VALUE, getattr(w.env.ints, name)(*operands))


def shared(w: Walk, number: int, reg: Reg) -> Reg:
    """The number with an id that copies of it may share (``assign_scalar_id_before_mov``)."""
    if reg.type is not RegType.SCALAR_VALUE or reg.is_const:
        return reg
    named = reg
    if reg.id & ADD_CONST:
        named = reg._replace(id=0, off=0)
    if not named.id:
        named = named._replace(id=w.fresh_id())
    if named is not reg and number >= 0:
        w.write(number, named)
    return named


def _move(w: Walk, insn: Instruction, wide: bool) -> Reg:
    if not insn.uses_reg:
        return w.env.number(insn.imm if wide else insn.imm & 0xFFFFFFFF)
    src = w.read(insn.src)
    if wide and not insn.offset:
        return shared(w, insn.src, src)
    if src.is_pointer:
        if wide:
            return ANY
        return Reg(RegType.SCALAR_VALUE, w.env.ints.zext32(ANY.scalar))
    bits = insn.offset - 1 if insn.offset else 32
    kept = src.scalar.umax < 1 << bits
    if kept:
        src = shared(w, insn.src, src)
    link = {"id": src.id, "off": src.off} if kept else {}
    if insn.offset:
        rule = w.env.ints.movsx64 if wide else w.env.ints.movsx32
        return Reg(RegType.SCALAR_VALUE, rule(src.scalar, insn.offset), **link)
    return Reg(RegType.SCALAR_VALUE, w.env.ints.zext32(src.scalar), **link)


def _binary(w: Walk, insn: Instruction, op: AluOp, wide: bool, dst: Reg) -> Reg:
    n = insn.dst
    if insn.uses_reg:
        src = w.read(insn.src)
    else:
        _check_immediate(w, insn, op, wide)
        src = w.env.number(insn.imm)
    if src.is_pointer and dst.is_pointer:
        if op is AluOp.SUB:
            return ANY
        w.reject(
            "pointer-arithmetic",
            f"R{n} pointer {_sign(op)} pointer prohibited",
            f"R{n} is {w.env.show(dst)} and R{insn.src} {w.env.show(src)}: pointers can only be "
            f"subtracted.",
            n,
        )
    if src.is_pointer:
        w.precise(n)
        return pointer_plus(w, insn, op, wide, src, dst)
    if dst.is_pointer:
        if insn.uses_reg:
            w.precise(insn.src)
        return pointer_plus(w, insn, op, wide, dst, src)
    result = _rule(w, _NAMES[op, wide, insn.offset == 1], dst.scalar, src.scalar)
    if op is AluOp.ADD and wide and dst.id and src.is_const:
        if not dst.id & ADD_CONST and src.const_value <= _S32_MAX:
            return result._replace(id=dst.id | ADD_CONST, off=src.const_value)
    return result


def _sign(op: AluOp) -> str:
    signs = {AluOp.ADD: "+=", AluOp.SUB: "-=", AluOp.MUL: "*=", AluOp.DIV: "/=", AluOp.OR: "|=",
             AluOp.AND: "&=", AluOp.LSH: "<<=", AluOp.RSH: ">>=", AluOp.MOD: "%=",
             AluOp.XOR: "^=", AluOp.ARSH: "s>>="}  # fmt: skip
    return signs.get(op, op.name)


def _check_immediate(w: Walk, insn: Instruction, op: AluOp, wide: bool) -> None:
    if op in _DIVISIONS and insn.imm == 0:
        w.reject("division-by-zero", "div by zero", f"R{insn.dst} is divided by 0.", insn.dst)
    bits = 64 if wide else 32
    if op in _SHIFTS and not 0 <= insn.imm < bits:
        w.reject(
            "invalid-shift",
            f"invalid shift {insn.imm}",
            f"R{insn.dst} is shifted by {insn.imm}, but has only {bits} bits here.",
            insn.dst,
        )
