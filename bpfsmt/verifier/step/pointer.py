"""Pointer arithmetic (paper, Table 3, last column; kernel ``adjust_ptr_min_max_vals``)."""

from __future__ import annotations

from bpfsmt.bits import S64_MIN
from bpfsmt.domain import Reg, RegType
from bpfsmt.isa import AluOp
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.verifier.env import Env
from bpfsmt.verifier.reasons import Rejection

PACKET_TYPES = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)
_FIXED = (
    RegType.CONST_PTR_TO_MAP,
    RegType.PTR_TO_MAP_VALUE_OR_NULL,
    RegType.PTR_TO_PACKET_END,
)


def pointer_plus(env: Env, dst: int, op: AluOp, pointer: Reg, number: Reg) -> Reg:
    """The pointer ``pointer ± number``, to be written to register ``dst``."""
    _check_type(env, dst, op, pointer)
    _check_sane(env, dst, number, pointer.type)
    _check_sane(env, dst, pointer, pointer.type)
    add = op is AluOp.ADD
    if number.is_const:
        step = number.scalar.smin
        result = pointer._replace(off=pointer.off + (step if add else -step))
    else:
        rule = env.ints.alu64_add if add else env.ints.alu64_sub
        result = pointer._replace(scalar=rule(pointer.scalar, number.scalar))
        if pointer.type in PACKET_TYPES:
            result = result._replace(id=env.fresh_id(), range=0)
    _check_sane(env, dst, result, pointer.type)
    return result


def _check_type(env: Env, dst: int, op: AluOp, pointer: Reg) -> None:
    name = pointer.type.value
    if pointer.type in _FIXED:
        hint = {
            RegType.PTR_TO_MAP_VALUE_OR_NULL: "compare it with NULL first",
            RegType.CONST_PTR_TO_MAP: "a map is only passed to helpers",
            RegType.PTR_TO_PACKET_END: "the packet's end is only compared with",
        }[pointer.type]
        raise prohibited(dst, f"arithmetic on {name}", f"{env.show(pointer)}: {hint}")
    if op is AluOp.SUB and pointer.type is RegType.PTR_TO_STACK:
        raise Rejection(
            "pointer-arithmetic",
            f"R{dst} subtraction from stack pointer prohibited",
            f"R{dst} is {env.show(pointer)}: add a negative number instead of subtracting.",
            reg=dst,
        )


def prohibited(dst: int, what: str, why: str) -> Rejection:
    """The rejection of an operation on a pointer; ``why`` names its state and what to do."""
    message = f"R{dst} pointer {what} prohibited"
    return Rejection("pointer-arithmetic", message, f"R{dst} is {why}.", reg=dst)


def _check_sane(env: Env, dst: int, reg: Reg, type_: RegType) -> None:
    """Kernel ``check_reg_sane_offset``: nothing is followed beyond ±2**29."""
    low, name = reg.scalar.smin, type_.value
    if not -MAX_VAR_OFF < reg.off < MAX_VAR_OFF:
        message = f"{name} pointer offset {reg.off} is not allowed"
    elif reg.is_const and not -MAX_VAR_OFF < low < MAX_VAR_OFF:
        message = f"math between {name} pointer and {low} is not allowed"
    elif low == S64_MIN:
        message = (
            f"math between {name} pointer and register with unbounded min value is not allowed"
        )
    elif not -MAX_VAR_OFF < low < MAX_VAR_OFF:
        message = f"value {low} makes {name} pointer be out of bounds"
    else:
        return
    raise Rejection(
        "pointer-bounds",
        message,
        f"R{dst} would be moved by {env.show(reg)}, which may be far outside any object; "
        f"bound the number below and above by compares first.",
        reg=dst,
    )
