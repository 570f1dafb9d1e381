"""The stack: bytes that were written, zeros, and whole registers spilled to a slot."""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.domain import Reg, RegType, Slot, State
from bpfsmt.domain.state import EMPTY_SLOT, INVALID, MISC, SLOT_SIZE, SPILL, STACK_SIZE, ZERO
from bpfsmt.verifier.env import Env
from bpfsmt.verifier.reasons import Rejection


class StackRange(NamedTuple):
    """``size`` bytes at fp + ``start`` of frame ``frame``, reached through register ``reg``."""

    reg: int
    frame: int
    start: int
    size: int


def stack_range(env: Env, number: int, reg: Reg, off: int, size: int, *, write: bool) -> StackRange:
    """The bytes that an access through a stack pointer touches; rejects what is outside."""
    if not reg.is_const:
        var = reg.scalar.var_off
        raise Rejection(
            "stack-variable-offset",
            f"variable stack access var_off=({var.value:#x}; {var.mask:#x}) off={off} size={size}",
            f"R{number} is {env.show(reg)}: the stack is only accessed at offsets that are known.",
            reg=number,
        )
    start = reg.off + off + reg.scalar.smin
    if start < -STACK_SIZE or start + size > 0 or start >= 0:
        raise Rejection(
            "stack-bounds",
            f"invalid {'write to' if write else 'read from'} stack R{number} "
            f"off={start} size={size}",
            f"R{number} is {env.show(reg)}: the access touches bytes {start} to {start + size} "
            f"from the frame pointer, but the stack is bytes -{STACK_SIZE} to 0.",
            reg=number,
        )
    return StackRange(number, reg.frame, start, size)


def write_stack(env: Env, state: State, where: StackRange, value: Reg) -> State:
    """The state after a store of ``value`` (within one slot: stores are aligned)."""
    frame = where.frame
    escapes = value.type is RegType.PTR_TO_STACK and frame != len(state.frames) - 1
    if escapes:
        raise Rejection(
            "stack-pointer-escape",
            "cannot spill pointers to stack into stack frame of the caller",
            f"{env.show(value)} points into a function's stack, and would be kept in its caller's.",
            reg=where.reg,
        )
    env.note_stack(state, frame, where.start)
    number = (-where.start - 1) // SLOT_SIZE
    is_zero = value.type is RegType.SCALAR_VALUE and value.is_const and value.const_value == 0
    if where.size == SLOT_SIZE and not is_zero:
        return state.with_slot(frame, number, Slot(SPILL * SLOT_SIZE, value))
    old = state.frames[frame].stack.get(number, EMPTY_SLOT)
    kinds = MISC * SLOT_SIZE if old.spill is not None else old.kinds
    first = -(where.start + where.size) % SLOT_SIZE
    fill = (ZERO if is_zero else MISC) * where.size
    return state.with_slot(frame, number, Slot(kinds[:first] + fill + kinds[first + where.size :]))


def read_stack(env: Env, state: State, where: StackRange, *, signed: bool) -> Reg:
    """What a load gives (within one slot: loads are aligned)."""
    env.note_stack(state, where.frame, where.start)
    slot = state.frames[where.frame].stack.get((-where.start - 1) // SLOT_SIZE, EMPTY_SLOT)
    if slot.spill is not None:
        if where.size == SLOT_SIZE:
            return slot.spill
        if slot.spill.is_pointer:
            raise Rejection(
                "stack-pointer-part",
                "invalid size of register fill",
                f"{env.show(slot.spill)} was saved at fp{where.start}; "
                f"only all of its 8 bytes can be read back.",
                reg=where.reg,
            )
        return env.loaded(where.size, signed=signed)
    first = -(where.start + where.size) % SLOT_SIZE
    kinds = slot.kinds[first : first + where.size]
    if INVALID in kinds:
        raise _unwritten(where, where.size - 1 - kinds.rindex(INVALID))
    if kinds == ZERO * where.size:
        return Reg(RegType.SCALAR_VALUE, env.zero)
    return env.loaded(where.size, signed=signed)


def _unwritten(where: StackRange, index: int) -> Rejection:
    return Rejection(
        "stack-uninitialized",
        f"invalid read from stack off {where.start}+{index} size {where.size}",
        f"R{where.reg} leads to the stack's {where.size} bytes at fp{where.start}, but the byte at "
        f"fp{where.start + index} was not written on this path.",
        reg=where.reg,
    )


def smear(env: Env, state: State, where: StackRange, *, must_be_written: bool) -> State:
    """The state after code out of sight used these bytes: any of them may be anything.

    With ``must_be_written`` the bytes are read first, so they must be initialised.
    """
    if where.size == 0:
        return state
    env.note_stack(state, where.frame, where.start)
    stack = state.frames[where.frame].stack
    changed: dict[int, list[str]] = {}
    for index in range(where.size):
        distance = -(where.start + index) - 1
        number, j = divmod(distance, SLOT_SIZE)
        if number not in changed:
            slot = stack.get(number, EMPTY_SLOT)
            changed[number] = list(slot.kinds if slot.spill is None else MISC * SLOT_SIZE)
        if must_be_written and changed[number][j] == INVALID:
            raise _unwritten(where, index)
        changed[number][j] = MISC
    for number, kinds in changed.items():
        state = state.with_slot(where.frame, number, Slot("".join(kinds)))
    return state
