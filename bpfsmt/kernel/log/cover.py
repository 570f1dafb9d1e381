"""Which earlier visit the kernel let stand for a state: the log only says that one does.

The kernel compares a state with earlier ones at the same place (``states_equal``), but not
numbers that nothing was concluded from (not marked *precise*), nor what is never read
again.  So an earlier state may do although it does not contain the new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from bpfsmt.domain.analysis import Visit
from bpfsmt.domain.reg import ADD_CONST, Reg, RegType
from bpfsmt.domain.scalar import Scalar
from bpfsmt.domain.state import EMPTY_SLOT, INVALID, MISC, SLOT_SIZE, SPILL, ZERO, Slot, State

Place = tuple[int, str]
"""A register or stack slot: the frame's number and "R3" or "fp-16"."""

_STRONGER = {INVALID: INVALID + MISC + ZERO + SPILL, MISC: MISC + ZERO + SPILL, ZERO: ZERO}
_PACKET = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)

_NUMBER, _OTHER, _NEVER = 1, 100, 10_000
"""What it costs that a number, anything else, a precise number is not contained."""


def best_cover(
    earlier: Sequence[Visit],
    state: State,
    live: int,
    precise: Mapping[int, Collection[Place]],
) -> Visit:
    """The visit that most likely stands for ``state``: of those that come closest the latest.

    ``live`` is the mask of the registers that may be read again, ``precise`` says what was
    marked precise in earlier visits.
    """
    best, least = earlier[-1], -1
    for visit in reversed(earlier):
        cost = 0
        for place, number in missing(visit.state, state):
            frame, name = place
            register = frame == len(state.frames) - 1 and name[0] == "R"
            if register and not live >> int(name[1:]) & 1:
                continue
            if not number:
                cost += _OTHER
            else:
                cost += _NEVER if place in precise.get(visit.index, ()) else _NUMBER
        if least < 0 or cost < least:
            best, least = visit, cost
        if cost == 0:
            break
    return best


def missing(old: State, new: State) -> Iterator[tuple[Place, bool]]:
    """The places of which ``old`` claims something that ``new`` does not say.

    With each comes whether it is about numbers in both.
    """
    ids: dict[int, int] = {}
    for f, (a, b) in enumerate(zip(old.frames, new.frames, strict=True)):
        for n, (x, y) in enumerate(zip(a.regs, b.regs, strict=True)):
            if (x is not y or x.id) and not _covers(x, y, ids):
                yield (f, f"R{n}"), _numbers(x, y)
        for n, slot in a.stack.items():
            other = b.stack.get(n, EMPTY_SLOT)
            if not _slot_covers(slot, other, ids):
                both = INVALID not in slot.kinds + other.kinds
                numbers = _numbers(slot.spill, other.spill)
                yield (f, f"fp-{SLOT_SIZE * (n + 1)}"), both and numbers


def _numbers(x: Reg | None, y: Reg | None) -> bool:
    return all(reg is None or reg.type is RegType.SCALAR_VALUE for reg in (x, y))


def _covers(old: Reg, new: Reg, ids: dict[int, int]) -> bool:
    """γ(new) ⊆ γ(old), with ids that mean in ``new`` what they mean in ``old``."""
    if old.type is RegType.NOT_INIT:
        return True
    if old.type is not new.type or old.map != new.map or old.frame != new.frame:
        return False
    if old.id:
        name = ids.setdefault(old.id & ~ADD_CONST, new.id & ~ADD_CONST)
        if name != new.id & ~ADD_CONST or (not name and old.off != new.off):
            return False
    if old.off != new.off and (old.is_pointer or old.id & ADD_CONST):
        return False
    if old.type in _PACKET and not _range_covers(old.range, new.range):
        return False
    return scalar_covers(old.scalar, new.scalar)


def _range_covers(old: int, new: int) -> bool:
    """So many bytes are in the packet; or a pointer is at the packet's end or beyond it."""
    return new <= old if old < 0 else new >= old


def scalar_covers(old: Scalar, new: Scalar) -> bool:
    """Every bound and every known bit of ``old`` holds in ``new``."""
    a, b = old.var_off, new.var_off
    return (
        not b.mask & ~a.mask
        and b.value & ~a.mask == a.value
        and old.umin <= new.umin <= new.umax <= old.umax
        and old.smin <= new.smin <= new.smax <= old.smax
        and old.u32min <= new.u32min <= new.u32max <= old.u32max
        and old.s32min <= new.s32min <= new.s32max <= old.s32max
    )


def _slot_covers(old: Slot, new: Slot, ids: dict[int, int]) -> bool:
    if old.spill is None:
        return all(
            y in _STRONGER[x]
            for x, y in zip(old.kinds, new.kinds, strict=True)
        )  # fmt: skip
    return (
        new.spill is not None
        and old.kinds.count(SPILL) == new.kinds.count(SPILL)
        and _covers(old.spill, new.spill, ids)
    )
