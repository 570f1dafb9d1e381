"""Arithmetic: numbers through the rules, pointers through `pointer_plus` (``check_alu_op``)."""

from __future__ import annotations

from collections.abc import Callable

from bpfsmt.domain import Reg, RegType
from bpfsmt.domain.reg import ADD_CONST, ADD_CONST32, ADDED
from bpfsmt.isa import AluOp, Class, Instruction
from bpfsmt.isa.syntax import ALU_SIGNS
from bpfsmt.verifier.linux.env import ANY, Env, number
from bpfsmt.verifier.linux.step.pointer import pointer_plus
from bpfsmt.verifier.linux.walk import Effect, Walk

_NUMBER = RegType.SCALAR_VALUE
_SHIFTS = (AluOp.LSH, AluOp.RSH, AluOp.ARSH)
_DIVISIONS = (AluOp.DIV, AluOp.MOD)
_CHECKED = frozenset((*_SHIFTS, *_DIVISIONS))
_NAMES = {
    (op, wide, signed): f"alu{64 if wide else 32}_{'s' if signed else ''}{op.name.lower()}"
    for op in AluOp
    for wide in (False, True)
    for signed in (False, True)
}


def alu(env: Env, insn: Instruction) -> Effect:
    """What an instruction of class ALU or ALU64 does."""
    op, wide, n = insn.alu_op, insn.cls is Class.ALU64, insn.dst
    if op is AluOp.MOV:
        return _move(env, insn, wide)
    if op is AluOp.END:
        return lambda w: w.write(n, _of_number(env, w.read(n), lambda dst: _end(w, insn, dst)))
    if op is AluOp.NEG:
        rule = getattr(env.ints, _NAMES[op, wide, False])
        return lambda w: w.write(n, _of_number(env, w.read(n), lambda x: number(rule(x.scalar))))
    return _binary(env, insn, op, wide)


def _of_number(env: Env, dst: Reg, change: Callable[[Reg], Reg]) -> Reg:
    """A number changed; of a pointer nothing is known then."""
    return ANY if dst.is_pointer else env.checked(change(dst))


def _rule(w: Walk, name: str, *operands: object) -> Reg:
    return number(getattr(w.env.ints, name)(*operands))


def _end(w: Walk, insn: Instruction, dst: Reg) -> Reg:
    """A byte swap, or a conversion that leaves the order (little endian)."""
    keeps = insn.cls is not Class.ALU64 and not insn.uses_reg
    ordered = _rule(w, "keep_bytes" if keeps else "swap_bytes", dst.scalar, insn.imm)
    links = w.env.ints.links_keep if keeps else w.env.ints.links_swap
    if dst.id and links(dst.scalar, insn.imm):
        return ordered._replace(id=dst.id, off=dst.off)
    return ordered


def shared(w: Walk, source: int, reg: Reg) -> Reg:
    """The number with an id that copies of it may share (``assign_scalar_id_before_mov``)."""
    if reg.type is not _NUMBER or not w.env.ints.links_mov(reg.scalar):
        return reg
    named = reg
    if reg.id & ADDED:
        named = reg._replace(id=0, off=0)
    if not named.id:
        named = named._replace(id=w.fresh_id())
    if named is not reg and source >= 0:
        w.write(source, named)
    return named


def _move(env: Env, insn: Instruction, wide: bool) -> Effect:
    n, m = insn.dst, insn.src
    if not insn.uses_reg:
        value = number(getattr(env.ints, "mov64_imm" if wide else "mov32_imm")(insn.imm))
        return lambda w: w.write(n, value)
    if wide and not insn.offset:
        return lambda w: w.write(n, env.checked(shared(w, m, w.read(m))))
    return lambda w: w.write(n, env.checked(_extended(w, insn, wide)))


def _extended(w: Walk, insn: Instruction, wide: bool) -> Reg:
    """The low bits of a register as a whole: zero-extended, or by ``offset`` sign-extended."""
    ints = w.env.ints
    src = w.read(insn.src)
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


def _binary(env: Env, insn: Instruction, op: AluOp, wide: bool) -> Effect:
    n, m = insn.dst, insn.src
    rule = getattr(env.ints, _NAMES[op, wide, insn.offset == 1])
    checked = env.ints.checked
    immediate = None if insn.uses_reg else env.number(insn.imm)
    splits, links = op in (AluOp.AND, AluOp.OR), op in (AluOp.ADD, AluOp.SUB)

    def binary(w: Walk) -> None:
        dst = w.read(n)
        if immediate is None:
            src = w.read(m)
        else:
            src = immediate
            if op in _CHECKED:
                _check_immediate(w, insn, op, wide)
        if dst.type is not _NUMBER or src.type is not _NUMBER:
            w.write(n, env.checked(_with_pointer(w, insn, op, wide, dst, src)))
            return
        if splits and src.is_const:
            dst = _split(w, n, dst)
        result = number(checked(rule(dst.scalar, src.scalar)))
        w.write(n, _linked(w, result, op, wide, dst, src) if links and dst.id else result)

    return binary


def _with_pointer(w: Walk, insn: Instruction, op: AluOp, wide: bool, dst: Reg, src: Reg) -> Reg:
    """What comes of two operands of which one at least is a pointer."""
    n = insn.dst
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
    if insn.uses_reg:
        w.precise(insn.src)
    return pointer_plus(w, insn, op, wide, dst, src)


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
