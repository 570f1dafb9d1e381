"""The stack: spilled registers, zeros, bytes of anything (``check_stack_read``, ``_write``).

A privileged program may read what it never wrote; it gets a number.
"""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.domain import Reg, RegType, Slot, State
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.state import EMPTY_SLOT, INVALID, MISC, SLOT_SIZE, SPILL, STACK_SIZE, ZERO
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.step.alu import shared
from bpfsmt.verifier.linux.walk import Walk

_UNREADABLE = (INVALID, MISC)


class Place(NamedTuple):
    """``size`` bytes of a frame's stack that begin somewhere in fp + ``low``..``high``."""

    frame: int
    low: int
    high: int
    size: int

    @property
    def fixed(self) -> bool:
        """It is known which bytes."""
        return self.low == self.high

    def slots(self) -> range:
        """The numbers of the slots that may be touched."""
        return range((-self.high - self.size) // SLOT_SIZE, (-self.low - 1) // SLOT_SIZE + 1)


def place(w: Walk, n: int, reg: Reg, off: int, size: int, what: str) -> Place:
    """Where an access goes; rejects what may be outside (``check_stack_access_within_bounds``).

    ``what`` is "read from", "write to" or "indirect access to".
    """
    start, ints = reg.off + off, w.env.ints
    var = reg.scalar
    low, high = start + var.smin, start + var.smax
    if size:
        inside = ints.stack_access_ok(var, start, size, -STACK_SIZE)
    else:
        inside = low >= -STACK_SIZE and high <= 0
    if inside:
        low, high = ints.stack_reach(var, start)
    else:
        unbounded = var.smax >= MAX_VAR_OFF or var.smin <= -MAX_VAR_OFF
        if unbounded and not reg.is_const:
            message = f"invalid unbounded variable-offset {what} stack R{n}"
            w.reject("stack-bounds", message, f"{message}: {w.env.show(reg)}.", n)
        if reg.is_const:
            message = f"invalid {what} stack R{n} off={low} size={size}"
        else:
            t = var.var_off
            message = (
                f"invalid variable-offset {what} stack R{n} var_off=({t.value:#x}; {t.mask:#x}) "
                f"off={start} size={size}"
            )
        reason = f"R{n} is {w.env.show(reg)}: the stack is the {STACK_SIZE} bytes below R10."
        w.reject("stack-bounds", message, reason, n)
    w.note_depth(reg.frame, low)
    return Place(reg.frame, low, high, size)


def _slot(state: State, frame: int, number: int) -> Slot:
    return state.frames[frame].stack.get(number, EMPTY_SLOT)


def _is_spill(slot: Slot) -> bool:
    return slot.kinds[-1] == SPILL


def _scrubbed(kinds: str) -> str:
    """A slot's bytes once the register in it is overwritten in part."""
    return "".join(INVALID if k == INVALID else MISC for k in kinds)


def _is_zero(reg: Reg | None) -> bool:
    return (
        reg is not None
        and reg.type is RegType.SCALAR_VALUE
        and reg.is_const
        and reg.const_value == 0
    )


def _is_tracked(w: Walk, value: Reg) -> bool:
    """Whether a stored number is remembered."""
    number = value.type is RegType.SCALAR_VALUE
    return number and w.env.ints.spill_tracked(value.scalar)


def store_fixed(w: Walk, at: Place, value: Reg | None, source: int) -> None:
    """Store ``value`` (`None`: anything), which register ``source`` holds (-1: none)."""
    state = w.path.state
    number, size = (-at.low - 1) // SLOT_SIZE, at.size
    slot = _slot(state, at.frame, number)
    aligned = at.low % SLOT_SIZE == 0
    if value is not None and aligned and _is_tracked(w, value):
        if not w.env.ints.links_spill(value.scalar, size):
            value = value._replace(id=0, off=0)
        elif source >= 0 and w.env.policy.spills_linked:
            value = shared(w, source, value)
        _spill(w, at, number, slot, value)
    elif value is not None and value.is_pointer:
        if size != SLOT_SIZE:
            w.reject("stack-pointer-part", "invalid size of register spill",
                     "Only all 8 bytes of a pointer can be saved.", source)  # fmt: skip
        if at.frame != len(state.frames) - 1 and value.type is RegType.PTR_TO_STACK:
            w.reject(
                "stack-pointer-escape",
                "cannot spill pointers to stack into stack frame of the caller",
                f"{w.env.show(value)} would outlive the function whose stack it points to.",
                source,
            )
        _spill(w, at, number, slot, value)
    else:
        _write_bytes(w, at, value, source)


def _spill(w: Walk, at: Place, number: int, slot: Slot, value: Reg) -> None:
    """Kernel ``save_register_state``."""
    kept = (ZERO, INVALID) if w.env.policy.narrow_fills else (INVALID,)
    rest = "".join(k if k in kept else MISC for k in slot.kinds[: SLOT_SIZE - at.size])
    new = Slot(rest + SPILL * at.size, value)
    w.path.state = w.path.state.with_slot(at.frame, number, new)
    w.note_past(slot=(at.frame, number))


def _write_bytes(w: Walk, at: Place, value: Reg | None, source: int) -> None:
    zero = _is_zero(value)
    if zero and source >= 0:
        w.precise(source)
    kind = ZERO if zero else MISC
    state = w.path.state
    for number in at.slots():
        slot = _slot(state, at.frame, number)
        kinds = list(_scrubbed(slot.kinds) if _is_spill(slot) else slot.kinds)
        for i in range(at.size):
            distance = -(at.low + i) - 1
            if distance // SLOT_SIZE == number:
                kinds[distance % SLOT_SIZE] = kind
        state = state.with_slot(at.frame, number, Slot("".join(kinds)))
    w.path.state = state


def store_variable(w: Walk, at: Place, value: Reg | None, source: int) -> None:
    """Store at an offset that is not known (``check_stack_write_var_off``)."""
    zero, used = _is_zero(value), False
    scrub = w.env.policy.stores_scrub
    state = w.path.state
    for number in at.slots():
        slot = _slot(state, at.frame, number)
        kinds, spill = list(slot.kinds), slot.spill
        spilled_zero = _is_spill(slot) and _is_zero(spill)
        for j in reversed(range(SLOT_SIZE)):
            address = -number * SLOT_SIZE - 1 - j
            if not at.low <= address < at.high + at.size:
                continue
            if zero and kinds[j] == SPILL and spilled_zero:
                used = True
                continue
            if scrub and kinds[-1] == SPILL:
                kinds, spill = list(_scrubbed("".join(kinds))), None
            spill = None if spill is None else NOT_INIT
            if zero and kinds[j] == ZERO:
                used = True
            else:
                kinds[j] = MISC
        state = state.with_slot(at.frame, number, Slot("".join(kinds), spill))
    w.path.state = state
    if used and source >= 0:
        w.precise(source)


def read_fixed(w: Walk, at: Place, into: int, *, signed: bool) -> Reg:
    """What a load gives, before it is narrowed; ``into`` is the register loaded, -1 for none."""
    number, size = (-at.low - 1) // SLOT_SIZE, at.size
    slot = _slot(w.path.state, at.frame, number)
    if not _is_spill(slot):
        return _bytes(w, at)
    spill = slot.spill
    assert spill is not None
    length = len(slot.kinds) - len(slot.kinds.rstrip(SPILL))
    if size == SLOT_SIZE == length:
        w.note_past(slot=(at.frame, number))
        return spill
    if spill.type is not RegType.SCALAR_VALUE:
        w.reject(
            "stack-pointer-part",
            "invalid size of register fill",
            f"{w.env.show(spill)} was saved at fp{-(number + 1) * 8}; only all of its 8 bytes can "
            f"be read back.",
        )
    if into < 0:
        return ANY
    fills = size == length or (size < length and w.env.policy.narrow_fills)
    if fills and at.low % SLOT_SIZE == 0:
        w.note_past(slot=(at.frame, number))
        rule = w.env.ints.links_fill_sext if signed else w.env.ints.links_fill
        kept = rule(spill.scalar, size)
        return spill if kept else spill._replace(id=0, off=0)
    first = -(at.low + size) % SLOT_SIZE
    kinds = slot.kinds[first : first + size]
    if kinds == SPILL * size and _is_zero(spill):
        w.note_past(slot=(at.frame, number))
        return w.env.number(0)
    return w.env.number(0) if kinds == ZERO * size else ANY


def _bytes(w: Walk, at: Place) -> Reg:
    """A load of bytes: zero if all of them are (``mark_reg_stack_read``)."""
    for i in range(at.high - at.low + at.size):
        distance = -(at.low + i) - 1
        slot = _slot(w.path.state, at.frame, distance // SLOT_SIZE)
        if slot.kinds[distance % SLOT_SIZE] != ZERO:
            return ANY
    return w.env.number(0)


def read_variable(w: Walk, at: Place) -> Reg:
    """A load at an offset that is not known (``check_stack_read_var_off``)."""
    return _bytes(w, at)


def smear(w: Walk, at: Place) -> None:
    """The bytes are handed to a helper, which may write them.

    Kernel ``check_stack_range_initialized``, for an access that clobbers.
    """
    if at.size == 0:
        return
    state = w.path.state
    for number in at.slots():
        slot = _slot(state, at.frame, number)
        if _is_spill(slot):
            new = Slot(_scrubbed(slot.kinds))
        else:
            kinds = list(slot.kinds)
            for j in range(SLOT_SIZE):
                address = -number * SLOT_SIZE - 1 - j
                inside = at.low <= address < at.high + at.size
                if inside and kinds[j] in (ZERO, INVALID):
                    kinds[j] = MISC
            new = Slot("".join(kinds))
        if new != slot:
            state = state.with_slot(at.frame, number, new)
    w.path.state = state


def known_key(w: Walk, ptr: Reg, size: int) -> int:
    """The number in ``size`` stack bytes, -1 if it is not known (``get_constant_map_key``)."""
    if ptr.type is not RegType.PTR_TO_STACK or not ptr.is_const:
        return -1
    distance = -(ptr.off + ptr.scalar.smin) - 1
    number, first = distance // SLOT_SIZE, distance % SLOT_SIZE
    slot = _slot(w.path.state, ptr.frame, number)
    below = slot.kinds[: first + 1][::-1]
    if len(below) - len(below.lstrip(ZERO)) >= size:
        return 0
    spill = slot.spill
    spilled = _is_spill(slot) and spill is not None and spill.type is RegType.SCALAR_VALUE
    if not spilled or len(below) - len(below.lstrip(SPILL)) != size:
        return -1
    assert spill is not None
    if not spill.is_const:
        return -1
    w.precise_slot(ptr.frame, number)
    return spill.const_value
