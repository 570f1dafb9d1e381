"""Conditional jumps: which arms are possible, and what each one tells."""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.isa import Class, Instruction, JmpOp
from bpfsmt.verifier.env import Arm, Env, map_regs, read_reg, write_reg
from bpfsmt.verifier.step.packet import learn_less


class Condition(NamedTuple):
    """A condition as the rules name it, its operands in order or exchanged."""

    name: str
    swapped: bool = False


HOLDS = {
    JmpOp.JEQ: Condition("eq"),
    JmpOp.JNE: Condition("ne"),
    JmpOp.JLT: Condition("ult"),
    JmpOp.JLE: Condition("ule"),
    JmpOp.JGT: Condition("ult", swapped=True),
    JmpOp.JGE: Condition("ule", swapped=True),
    JmpOp.JSLT: Condition("slt"),
    JmpOp.JSLE: Condition("sle"),
    JmpOp.JSGT: Condition("slt", swapped=True),
    JmpOp.JSGE: Condition("sle", swapped=True),
    JmpOp.JSET: Condition("set"),
}
"""What a jump's condition is where it is taken."""

_OPPOSITE = {"eq": "ne", "ne": "eq", "set": "nset", "ult": "ule", "ule": "ult"}
_OPPOSITE |= {"slt": "sle", "sle": "slt"}


def _negation(c: Condition) -> Condition:
    """What holds where ``c`` does not: not a < b is b <= a."""
    return Condition(_OPPOSITE[c.name], c.swapped ^ (c.name[1:] in ("lt", "le")))


FAILS = {op: _negation(c) for op, c in HOLDS.items()}
"""What holds where it is not taken."""


def branch(env: Env, state: State, pc: int, insn: Instruction) -> tuple[Arm, Arm]:
    """Both arms of a conditional jump, the one that falls through first."""
    a = read_reg(state, insn.dst)
    wide = insn.cls is Class.JMP
    if insn.uses_reg:
        b = read_reg(state, insn.src)
    else:
        imm = insn.imm if wide else insn.imm & 0xFFFFFFFF
        b = Reg(RegType.SCALAR_VALUE, env.const(imm))
    op = insn.jmp_op
    taken: State | None = state
    fallen: State | None = state
    if not a.is_pointer and not b.is_pointer:
        decided = _decide(env, op, a, b, wide)
        taken = None if decided == 0 else _refine(env, state, insn, HOLDS[op], a, b, wide)
        fallen = None if decided == 1 else _refine(env, state, insn, FAILS[op], a, b, wide)
    elif wide:
        taken = _learn(env, state, insn, HOLDS[op], a, b)
        fallen = _learn(env, state, insn, FAILS[op], a, b)
    return Arm("not-taken", pc + 1, fallen), Arm("taken", pc + 1 + insn.offset, taken)


def _decide(env: Env, op: JmpOp, a: Reg, b: Reg, wide: bool) -> int:
    """1 if the jump is always taken, 0 if never, -1 if it depends."""
    name, swapped = HOLDS[op]
    left, right = (b.scalar, a.scalar) if swapped else (a.scalar, b.scalar)
    asked = "eq" if name == "ne" else name
    answer: int = getattr(env.ints, f"taken{64 if wide else 32}_{asked}")(left, right)
    return 1 - answer if name == "ne" and answer >= 0 else answer


def _refine(
    env: Env, state: State, insn: Instruction, c: Condition, a: Reg, b: Reg, wide: bool
) -> State | None:
    """The state where the condition holds of two numbers; `None` if it cannot."""
    rule = getattr(env.ints, f"refine{64 if wide else 32}_{c.name}")
    if c.swapped:
        right, left = rule(b.scalar, a.scalar)
    else:
        left, right = rule(a.scalar, b.scalar)
    if env.ints.scalar_empty(left) or env.ints.scalar_empty(right):
        return None
    if left != a.scalar:
        state = write_reg(state, insn.dst, a._replace(scalar=left))
    if insn.uses_reg and right != b.scalar:
        state = write_reg(state, insn.src, b._replace(scalar=right))
    return state


def _learn(env: Env, state: State, insn: Instruction, c: Condition, a: Reg, b: Reg) -> State:
    """The state where the condition holds of operands of which one is a pointer."""
    if c.name in ("ult", "ule"):
        low, high = (b, a) if c.swapped else (a, b)
        return learn_less(env, state, low, high, strict=c.name == "ult")
    null_check = a.type is RegType.PTR_TO_MAP_VALUE_OR_NULL and not insn.uses_reg and insn.imm == 0
    if null_check and c.name in ("eq", "ne"):
        return _resolve_null(env, state, a.id, is_null=c.name == "eq")
    return state


def _resolve_null(env: Env, state: State, id_: int, *, is_null: bool) -> State:
    """Every copy of one lookup's result is NULL, or none is (kernel ``mark_map_regs``)."""

    def resolve(reg: Reg) -> Reg:
        if reg.type is not RegType.PTR_TO_MAP_VALUE_OR_NULL or reg.id != id_:
            return reg
        if is_null:
            return Reg(RegType.SCALAR_VALUE, env.zero)
        return reg._replace(type=RegType.PTR_TO_MAP_VALUE, id=0)

    return map_regs(state, resolve)
