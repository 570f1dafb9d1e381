"""The order of states: whether everything that one says holds in another.

Component by component, so it is sufficient for γ(new) ⊆ γ(old), not necessary.
"""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.domain.reg import ADDED, Reg, RegType
from bpfsmt.domain.scalar import Scalar
from bpfsmt.domain.state import (
    EMPTY_SLOT,
    INVALID,
    MISC,
    SLOT_SIZE,
    SPILL,
    ZERO,
    Slot,
    State,
)

Place = tuple[int, str]
"""A register or stack slot: the frame's number and "R3" or "fp-16"."""

_WRITTEN = MISC + ZERO + SPILL
_STRONGER = {INVALID: INVALID + _WRITTEN, MISC: _WRITTEN, ZERO: ZERO, SPILL: _WRITTEN}
"""What each kind of byte stands for, where it is not known what was spilled."""
_PACKET = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)


def missing(old: State, new: State) -> Iterator[tuple[Place, bool]]:
    """The places of which ``old`` claims something that ``new`` does not say.

    With each comes whether it is about numbers in both.  The states are of one call chain.
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
        # Without an id in ``new`` nothing is said of others; alone that does no harm.
        name = new.id & ~ADDED or -len(ids) - 1
        if ids.setdefault(old.id & ~ADDED, name) != name:
            return False
    if old.off != new.off and (old.is_pointer or old.id & ADDED):
        return False
    if old.id & ADDED and old.id & ADDED != new.id & ADDED:
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
        return all(y in _STRONGER[x] for x, y in zip(old.kinds, new.kinds, strict=True))
    return (
        new.spill is not None
        and old.kinds.count(SPILL) == new.kinds.count(SPILL)
        and _covers(old.spill, new.spill, ids)
    )
