"""Arithmetic instructions: numbers through the rules, pointers through `pointer_plus`."""

from __future__ import annotations

from bpfsmt.domain import UNKNOWN, Reg, RegType, State
from bpfsmt.isa import AluOp, Class, Instruction
from bpfsmt.verifier.env import Env, read_reg, write_reg
from bpfsmt.verifier.reasons import Rejection
from bpfsmt.verifier.step.pointer import pointer_plus, prohibited

_RULES = {
    (op, signed): ("s" if signed else "") + op.name.lower()
    for op in AluOp
    for signed in (False, True)
}
_SHIFTS = (AluOp.LSH, AluOp.RSH, AluOp.ARSH)
_DIVISIONS = (AluOp.DIV, AluOp.MOD)


def alu(env: Env, state: State, insn: Instruction) -> State:
    """The state after an instruction of class ALU or ALU64."""
    op = insn.alu_op
    wide = insn.cls is Class.ALU64
    if op is AluOp.MOV:
        return write_reg(state, insn.dst, _move(env, state, insn, wide))
    dst = read_reg(state, insn.dst)
    if op is AluOp.END:
        number = UNKNOWN if dst.is_pointer else dst.scalar
        return _write_scalar(env, state, insn, "byte_swap", number, insn.imm)
    if op is AluOp.NEG:
        number = UNKNOWN if dst.is_pointer else dst.scalar
        return _write_scalar(env, state, insn, f"alu{64 if wide else 32}_neg", number)
    src = _operand(env, state, insn, op, wide)
    if dst.is_pointer or src.is_pointer:
        return write_reg(state, insn.dst, _with_pointer(env, insn, op, wide, dst, src))
    name = f"alu{64 if wide else 32}_{_RULES[op, insn.offset == 1]}"
    return _write_scalar(env, state, insn, name, dst.scalar, src.scalar)


def _write_scalar(env: Env, state: State, insn: Instruction, rule: str, *operands: object) -> State:
    result = getattr(env.ints, rule)(*operands)
    return write_reg(state, insn.dst, Reg(RegType.SCALAR_VALUE, result))


def _move(env: Env, state: State, insn: Instruction, wide: bool) -> Reg:
    """A copy keeps everything; the low half of a pointer is just a number."""
    if not insn.uses_reg:
        rule = env.ints.mov64_imm if wide else env.ints.mov32_imm
        return Reg(RegType.SCALAR_VALUE, rule(insn.imm))
    src = read_reg(state, insn.src)
    if wide and not insn.offset:
        return src
    if insn.offset:
        if src.is_pointer:
            raise Rejection(
                "pointer-arithmetic",
                f"R{insn.src} sign-extension part of pointer",
                f"R{insn.src} is {env.show(src)}: a part of a pointer cannot be sign-extended.",
                reg=insn.src,
            )
        rule = env.ints.movsx64 if wide else env.ints.movsx32
        return Reg(RegType.SCALAR_VALUE, rule(src.scalar, insn.offset))
    return Reg(RegType.SCALAR_VALUE, env.ints.zext32(UNKNOWN if src.is_pointer else src.scalar))


def _operand(env: Env, state: State, insn: Instruction, op: AluOp, wide: bool) -> Reg:
    """The second operand; rejects what is wrong with an immediate."""
    if insn.uses_reg:
        return read_reg(state, insn.src)
    if op in _DIVISIONS and insn.imm == 0:
        raise Rejection(
            "division-by-zero",
            "div by zero",
            f"R{insn.dst} is divided by the constant 0.",
            reg=insn.dst,
        )
    if op in _SHIFTS and not 0 <= insn.imm < (64 if wide else 32):
        raise Rejection(
            "invalid-shift",
            f"invalid shift {insn.imm}",
            f"R{insn.dst} is shifted by {insn.imm}, but has only {64 if wide else 32} bits here.",
            reg=insn.dst,
        )
    return Reg(RegType.SCALAR_VALUE, env.const(insn.imm if wide else insn.imm & 0xFFFFFFFF))


def _with_pointer(env: Env, insn: Instruction, op: AluOp, wide: bool, dst: Reg, src: Reg) -> Reg:
    """An operation of which at least one operand is a pointer."""
    n, sign = insn.dst, op.name.lower()
    if dst.is_pointer and src.is_pointer:
        if op is AluOp.SUB:
            return Reg(RegType.SCALAR_VALUE)
        why = f"{env.show(dst)} and R{insn.src} {env.show(src)}: pointers can only be subtracted"
        raise prohibited(n, f"{sign} pointer", why)
    pointer, number = (dst, src) if dst.is_pointer else (src, dst)
    at = n if dst.is_pointer else insn.src
    if not wide:
        raise Rejection(
            "pointer-arithmetic",
            f"R{at} 32-bit pointer arithmetic prohibited",
            f"R{at} is {env.show(pointer)}: pointers are 64 bits wide, use a 64-bit operation.",
            reg=at,
        )
    if op not in (AluOp.ADD, AluOp.SUB):
        why = f"{env.show(pointer)}: only addition and subtraction are defined on pointers"
        raise prohibited(at, f"arithmetic with {sign} operator", why)
    if op is AluOp.SUB and not dst.is_pointer:
        raise Rejection(
            "pointer-arithmetic",
            f"R{n} tried to subtract pointer from scalar",
            f"R{insn.src} is {env.show(src)}: a pointer cannot be subtracted from a number.",
            reg=n,
        )
    return pointer_plus(env, n, op, pointer, number)
