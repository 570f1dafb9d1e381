"""Pointer arithmetic (``adjust_ptr_min_max_vals``)."""

from __future__ import annotations

from bpfsmt.bits import S64_MIN
from bpfsmt.domain import Reg, RegType
from bpfsmt.isa import AluOp, Instruction
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.walk import Walk

PACKET_TYPES = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)
_FIXED = frozenset(
    {
        RegType.PTR_TO_PACKET_END,
        RegType.PTR_TO_SOCKET,
        RegType.PTR_TO_SOCK_COMMON,
        RegType.PTR_TO_TCP_SOCK,
        RegType.PTR_TO_XDP_SOCK,
    }
)
_BITWISE = (AluOp.AND, AluOp.OR, AluOp.XOR)


def pointer_plus(
    w: Walk, insn: Instruction, op: AluOp, wide: bool, pointer: Reg, number: Reg
) -> Reg:
    """The pointer ``pointer ± number``, to be written to the instruction's register."""
    n = insn.dst
    if not wide:
        if op is AluOp.SUB:
            return ANY
        _prohibited(w, n, f"R{n} 32-bit pointer arithmetic prohibited", pointer)
    _check_type(w, n, op, pointer, number)
    if w.env.ints.offset_tainted(number.scalar):
        return ANY
    if op is AluOp.SUB and pointer is not w.path.state.regs[n]:
        _prohibited(w, n, f"R{n} tried to subtract pointer from scalar", pointer)
    if op is AluOp.SUB and pointer.type is RegType.PTR_TO_STACK:
        _prohibited(w, n, f"R{n} subtraction from stack pointer prohibited", pointer)
    if op not in (AluOp.ADD, AluOp.SUB):
        what = "bitwise operator" if op in _BITWISE else "arithmetic with"
        tail = f"{op.name.lower()} on pointer" if op in _BITWISE else f"{op.name.lower()} operator"
        _prohibited(w, n, f"R{n} {what} {tail} prohibited", pointer)
    add = op is AluOp.ADD
    rule = w.env.ints.pointer_add if add else w.env.ints.pointer_sub
    ok, same, off, var = rule(pointer.scalar, pointer.off, number.scalar)
    result = pointer._replace(off=off, scalar=var)
    if not ok:
        for reg in (number, pointer, result):
            _check_sane(w, n, reg, pointer.type)
    if not same and pointer.type in PACKET_TYPES:
        kept = not add and w.env.ints.range_kept(number.scalar)
        result = result._replace(id=w.fresh_id(), range=pointer.range if kept else 0)
    return result


def _prohibited(w: Walk, n: int, message: str, pointer: Reg) -> None:
    hint = "only a bounded number can be added to it, or subtracted, in 64 bits"
    reason = f"{message}: the pointer is {w.env.show(pointer)}; {hint}."
    w.reject("pointer-arithmetic", message, reason, n)


def _check_type(w: Walk, n: int, op: AluOp, pointer: Reg, number: Reg) -> None:
    t = pointer.type
    if t.nonnull is not None and not w.env.ints.nullable_moves(number.scalar):
        message = f"R{n} pointer arithmetic on {t.value} prohibited, null-check it first"
        w.reject("pointer-arithmetic", message, f"{message}: it may be NULL.", n)
    if t is RegType.CONST_PTR_TO_MAP:
        nothing = op is AluOp.ADD and number.is_const and number.const_value == 0
        if not nothing:
            _prohibited(w, n, f"R{n} pointer arithmetic on {t.value} prohibited", pointer)
    elif t in _FIXED or (t is RegType.PTR_TO_FLOW_KEYS and not number.is_const):
        _prohibited(w, n, f"R{n} pointer arithmetic on {t.value} prohibited", pointer)


def _check_sane(w: Walk, n: int, reg: Reg, type_: RegType) -> None:
    """Which of the operands is beyond ±2**29 (``check_reg_sane_offset``), once one is."""
    low, name = reg.scalar.smin, type_.value
    if reg.is_const and not -MAX_VAR_OFF < low < MAX_VAR_OFF:
        message = f"math between {name} pointer and {low} is not allowed"
    elif reg.type is not RegType.SCALAR_VALUE and not -MAX_VAR_OFF < reg.off < MAX_VAR_OFF:
        message = f"{name} pointer offset {reg.off} is not allowed"
    elif low == S64_MIN:
        message = (
            f"math between {name} pointer and register with unbounded min value is not allowed"
        )
    elif not -MAX_VAR_OFF < low < MAX_VAR_OFF:
        message = f"value {low} makes {name} pointer be out of bounds"
    else:
        return
    w.reject(
        "pointer-bounds",
        message,
        f"R{n} would be moved by {w.env.show(reg)}, which may be far outside any object; "
        f"bound the number below and above by compares first.",
        n,
    )
