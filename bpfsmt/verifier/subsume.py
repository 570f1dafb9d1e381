"""State inclusion: when an explored state stands for a new one, which need not be walked.

``old ⊇ new`` by the rules `range_within` and `tnum_in`, slot by slot (kernel
``states_equal``).  Whatever an old state says must hold in the new one; an old register or
stack byte that was never written says nothing.
"""

from __future__ import annotations

from types import SimpleNamespace

from bpfsmt.domain import Reg, RegType, Slot, State
from bpfsmt.domain.state import EMPTY_SLOT, INVALID, MISC, SPILL, ZERO, Frame
from bpfsmt.verifier.step.pointer import PACKET_TYPES


def includes(ints: SimpleNamespace, old: State, new: State) -> bool:
    """γ(new) ⊆ γ(old), for states at the same pc.

    Copies that share an id in ``old`` must share one in ``new``: ``ids`` maps the old
    names to the new ones (kernel ``check_ids``).
    """
    if len(old.frames) != len(new.frames):
        return False
    ids: dict[int, int] = {}
    for a, b in zip(old.frames, new.frames, strict=True):
        if a.callsite != b.callsite or not _regs_include(ints, a.regs, b.regs, ids):
            return False
        if (a.stack is not b.stack or ids) and not _stack_includes(ints, a, b, ids):
            return False
    return True


def _regs_include(
    ints: SimpleNamespace, old: tuple[Reg, ...], new: tuple[Reg, ...], ids: dict[int, int]
) -> bool:
    # Two passes, for most comparisons end at a type; the second one looks closer.
    for a, b in zip(old, new, strict=True):
        if a is not b and a.type is not b.type and a.type is not RegType.NOT_INIT:
            return False
    for a, b in zip(old, new, strict=True):
        if (a is not b or a.id) and not _reg_includes(ints, a, b, ids):
            return False
    return True


def _reg_includes(ints: SimpleNamespace, old: Reg, new: Reg, ids: dict[int, int]) -> bool:
    if old.type is RegType.NOT_INIT:
        return True
    if old.type is not new.type or old.off != new.off or old.map != new.map:
        return False
    if old.id and ids.setdefault(old.id, new.id) != new.id:
        return False
    if old.type in PACKET_TYPES and old.range > new.range:
        return False
    if old.frame != new.frame:
        return False
    a, b = old.scalar, new.scalar
    if a is b:
        return True
    within: bool = ints.range_within(a, b) and ints.tnum_in(a.var_off, b.var_off)
    return within


_STRONGER = {INVALID: INVALID + MISC + ZERO + SPILL, MISC: MISC + ZERO + SPILL, ZERO: ZERO}
"""For each kind of old byte the kinds of new byte that it stands for."""


def _stack_includes(ints: SimpleNamespace, old: Frame, new: Frame, ids: dict[int, int]) -> bool:
    for number, slot in old.stack.items():
        other = new.stack.get(number, EMPTY_SLOT)
        if (slot is not other or slot.spill is not None) and not _slot_includes(
            ints, slot, other, ids
        ):
            return False
    return True


def _slot_includes(ints: SimpleNamespace, old: Slot, new: Slot, ids: dict[int, int]) -> bool:
    if old.spill is not None:
        if new.spill is None and INVALID not in new.kinds:
            return _reg_includes(ints, old.spill, _ANY_NUMBER, ids)
        return new.spill is not None and _reg_includes(ints, old.spill, new.spill, ids)
    if new.spill is not None and new.spill.is_pointer:
        # A load of part of a saved pointer is refused, one of anonymous bytes is not.
        return old == EMPTY_SLOT
    return all(b in _STRONGER[a] for a, b in zip(old.kinds, new.kinds, strict=True))


_ANY_NUMBER = Reg(RegType.SCALAR_VALUE)
