"""Arithmetic: numbers through the rules, pointers through `pointer_plus` (``check_alu_op``)."""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType
from bpfsmt.domain.reg import ADD_CONST, ADD_CONST32, ADDED
from bpfsmt.isa import AluOp, Class, Instruction
from bpfsmt.isa.syntax import ALU_SIGNS
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.step.pointer import pointer_plus
from bpfsmt.verifier.linux.walk import Walk

_SHIFTS = (AluOp.LSH, AluOp.RSH, AluOp.ARSH)
_DIVISIONS = (AluOp.DIV, AluOp.MOD)
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
        w.write(insn.dst, ANY if dst.is_pointer else _end(w, insn, dst))
        return
    if op is AluOp.NEG:
        negated = ANY if dst.is_pointer else _rule(w, _NAMES[op, wide, False], dst.scalar)
        w.write(insn.dst, negated)
        return
    w.write(insn.dst, _binary(w, insn, op, wide, dst))


def _rule(w: Walk, name: str, *operands: object) -> Reg:
    return Reg(RegType.SCALAR_VALUE, getattr(w.env.ints, name)(*operands))


def _end(w: Walk, insn: Instruction, dst: Reg) -> Reg:
    """A byte swap, or a conversion that leaves the order (little endian)."""
    if insn.cls is not Class.ALU64 and not insn.uses_reg:
        return _rule(w, "keep_bytes", dst.scalar, insn.imm)
    swapped = _rule(w, "swap_bytes", dst.scalar, insn.imm)
    if dst.id and w.env.ints.links_swap(dst.scalar, insn.imm):
        return swapped._replace(id=dst.id, off=dst.off)
    return swapped


def shared(w: Walk, number: int, reg: Reg) -> Reg:
    """The number with an id that copies of it may share (``assign_scalar_id_before_mov``)."""
    if reg.type is not RegType.SCALAR_VALUE or not w.env.ints.links_mov(reg.scalar):
        return reg
    named = reg
    if reg.id & ADDED:
        named = reg._replace(id=0, off=0)
    if not named.id:
        named = named._replace(id=w.fresh_id())
    if named is not reg and number >= 0:
        w.write(number, named)
    return named


def _move(w: Walk, insn: Instruction, wide: bool) -> Reg:
    ints = w.env.ints
    if not insn.uses_reg:
        return _rule(w, "mov64_imm" if wide else "mov32_imm", insn.imm)
    src = w.read(insn.src)
    if wide and not insn.offset:
        return shared(w, insn.src, src)
    if src.is_pointer:
        return ANY if wide else _rule(w, "zext32", ANY.scalar)
    bits = insn.offset
    kept = ints.links_movsx(src.scalar, bits) if bits else ints.links_mov32(src.scalar)
    if kept:
        src = shared(w, insn.src, src)
    if bits:
        scalar = (ints.movsx64 if wide else ints.movsx32)(src.scalar, bits)
    else:
        scalar = ints.zext32(src.scalar)
    link = {"id": src.id, "off": src.off} if kept else {}
    return Reg(RegType.SCALAR_VALUE, scalar, **link)


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
            f"R{n} pointer {ALU_SIGNS.get(op, op.name)} pointer prohibited",
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
    if op in (AluOp.AND, AluOp.OR) and src.is_const:
        dst = _split(w, n, dst)
    result = _rule(w, _NAMES[op, wide, insn.offset == 1], dst.scalar, src.scalar)
    if op in (AluOp.ADD, AluOp.SUB) and dst.id:
        return _linked(w, result, op, wide, dst, src)
    return result


def _split(w: Walk, n: int, dst: Reg) -> Reg:
    """A mask that is 0 or -1 is walked as each, one after the other (``maybe_fork_scalars``)."""
    split, zeros, ones = w.env.ints.fork_scalars(dst.scalar)
    if not split:
        return dst
    state, again = w.path.state, w.env.ints.fork_again()
    pc = w.path.pc if again else w.path.pc + 1
    arm = w.push(state.with_reg(n, dst._replace(scalar=zeros)), pc, "next")
    arm.again = again
    w.path.state = state.with_reg(n, dst._replace(scalar=ones))
    return w.path.state.frames[-1].regs[n]


def _linked(w: Walk, result: Reg, op: AluOp, wide: bool, dst: Reg, src: Reg) -> Reg:
    """The result with dst's link if it is a known distance away."""
    ints = w.env.ints
    add = op is AluOp.ADD
    if wide:
        kept = (ints.links_add if add else ints.links_sub)(src.scalar)
    else:
        kept = (ints.links_add32 if add else ints.links_sub32)(dst.scalar, src.scalar)
    if not kept or dst.id & ADDED:
        return result
    value = src.scalar.smin if wide else src.scalar.s32min
    flag = ADD_CONST if wide else ADD_CONST32
    return result._replace(id=dst.id | flag, off=value if add else -value)


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
