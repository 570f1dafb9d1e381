"""Whether an explored state stands for a new one (``states_equal``, Linux 6.12).

What has never mattered in the explored state may differ.  Ids are names: those of one
state are mapped to those of the other, one to one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import SimpleNamespace

from bpfsmt.domain import Reg, RegType, Slot, State
from bpfsmt.domain.reg import ADDED, NOT_INIT
from bpfsmt.domain.state import EMPTY_SLOT, INVALID, MISC, SLOT_SIZE, SPILL, Frame
from bpfsmt.rules import RuleSet

_ANY = Reg(RegType.SCALAR_VALUE)
_EMPTY_KINDS = EMPTY_SLOT.kinds
_ANYTHING = (INVALID, MISC)
_MEMORY = frozenset(
    {
        RegType.PTR_TO_MAP_KEY,
        RegType.PTR_TO_MAP_VALUE,
        RegType.PTR_TO_MAP_VALUE_OR_NULL,
        RegType.PTR_TO_MEM,
        RegType.PTR_TO_MEM_OR_NULL,
        RegType.RINGBUF_MEM,
        RegType.RINGBUF_MEM_OR_NULL,
        RegType.RDONLY_MEM,
        RegType.RDONLY_MEM_OR_NULL,
        RegType.PTR_TO_TP_BUFFER,
    }
)
_PACKET = frozenset({RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META})


class Exact(Enum):
    """How closely two states must agree."""

    NO = "what matters is within"
    RANGES = "everything is within, whether it matters or not"
    YES = "everything is the same"


class Ids:
    """The names of the explored state and what they are called in the new one, in pairs."""

    def __init__(self, ints: SimpleNamespace, fresh: int, *, numbers: bool) -> None:
        self._ints = ints
        self._numbers = numbers
        self._pairs: list[tuple[int, int]] = []
        self._fresh = fresh

    def same(self, old: int, new: int) -> bool:
        """Kernel ``check_ids``: whether ``new`` may stand for ``old``, as all before do."""
        ints = self._ints
        if not ints.id_pair_ok(old, new):
            return False
        pair = (old, new)
        if not old or pair in self._pairs:
            return True
        if not all(ints.id_pairs_agree(*known, *pair) for known in self._pairs):
            return False
        self._pairs.append(pair)
        return True

    def same_number(self, old: int, new: int) -> bool:
        """Kernel ``check_scalar_ids``: a number that is linked to none may stand for one."""
        if not old or not self._numbers:
            return True
        if not new:
            self._fresh += 1
            new = self._fresh
        names = zip(self._ints.link_names(old), self._ints.link_names(new), strict=True)
        return all(self.same(a, b) for a, b in names)


Precise = Mapping[int, Sequence[int]]
"""By frame, which registers and which stack slots have values that have mattered, as masks."""

_NOTHING = (0, 0)


def states_equal(
    rules: RuleSet,
    old: State,
    new: State,
    precise: Precise,
    exact: Exact,
    fresh: int,
    live: Sequence[int],
) -> bool:
    """``old`` stands for ``new``; ``fresh`` is a number beyond all ids.

    Only registers in the masks ``live``, one for each frame, are compared.
    """
    ints = rules.ints
    if len(old.frames) != len(new.frames) or bool(old.lock) != bool(new.lock):
        return False
    ids = Ids(ints, fresh, numbers=rules.policy.links_tracked)
    if old.lock and not ids.same(old.lock, new.lock):
        return False
    for number, (a, b, mask) in enumerate(zip(old.frames, new.frames, live, strict=True)):
        if a.callsite != b.callsite:
            return False
        matter, slots_matter = precise.get(number, _NOTHING)
        if not _regs_safe(ints, a, b, ids, exact, matter, mask):
            return False
        if not _stack_safe(ints, a, b, ids, exact, slots_matter):
            return False
    if len(old.refs) != len(new.refs):
        return False
    return all(ids.same(a, b) for a, b in zip(old.refs, new.refs, strict=True))


def _regs_safe(
    ints: SimpleNamespace, old: Frame, new: Frame, ids: Ids, exact: Exact, matter: int, live: int
) -> bool:
    regs = new.regs
    for n, x in enumerate(old.regs):
        y = regs[n]
        if x is y and (x is NOT_INIT or not (x[3] or x[7])):
            continue  # the very same, and without a name
        if not live >> n & 1 or (x is NOT_INIT and exact is Exact.NO):
            continue
        if not reg_safe(ints, x, y, ids, exact, bool(matter >> n & 1)):
            return False
    return True


def _exactly(ints: SimpleNamespace, old: Reg, new: Reg, ids: Ids) -> bool:
    """Kernel ``regs_exact``."""
    return (
        old.type is new.type
        and ints.pointer_equal(old.scalar, new.scalar, old.off, new.off)
        and old[4:7] == new[4:7]
        and old.mem == new.mem
        and ids.same(old.id, new.id)
        and ids.same(old.ref, new.ref)
    )


def reg_safe(
    ints: SimpleNamespace, old: Reg, new: Reg, ids: Ids, exact: Exact, matters: bool
) -> bool:
    """Kernel ``regsafe``; ``matters`` says whether the number has mattered."""
    if exact is Exact.YES:
        return _exactly(ints, old, new, ids)
    type_ = old.type
    if type_ is RegType.NOT_INIT and (exact is Exact.NO or new.type is RegType.NOT_INIT):
        return True
    if type_ is not new.type:
        return False
    if type_ is RegType.SCALAR_VALUE:
        if exact is Exact.NO and not matters:
            return True
        return _number_safe(ints, old, new, ids)
    a, b, offs = old.scalar, new.scalar, (old.off, new.off)
    if type_ in _MEMORY:
        same = old.map == new.map and old.mem == new.mem
        return (
            same
            and ints.pointer_subsumes(a, b, *offs)
            and ids.same(old.id, new.id)
            and ids.same(old.ref, new.ref)
        )
    if type_ in _PACKET:
        further = ints.packet_subsumes(a, b, *offs, old.range, new.range)
        return further and ids.same(old.id, new.id)
    return _exactly(ints, old, new, ids)


def _number_safe(ints: SimpleNamespace, old: Reg, new: Reg, ids: Ids) -> bool:
    link = (old.id, bool(old.id & ADDED), old.off), (new.id, bool(new.id & ADDED), new.off)
    if not ints.link_subsumes(*link[0], *link[1]):
        return False
    if old.id and (old.id ^ new.id) & ADDED:  # a 32-bit link and one of 64 bits
        return False
    return ids.same_number(old.id, new.id) and _within(ints, old, new)


def _within(ints: SimpleNamespace, old: Reg, new: Reg) -> bool:
    a, b = old.scalar, new.scalar
    if a is b:
        return True
    within: bool = ints.scalar_subsumes(a, b)
    return within


def _whole_number(slot: Slot) -> Reg | None:
    """The number that a load of the whole slot gives; `None` if it gives none."""
    kinds = slot.kinds
    if slot.spill is not None and kinds[0] == SPILL:
        return slot.spill if slot.spill.type is RegType.SCALAR_VALUE else None
    return _ANY if all(k in _ANYTHING for k in kinds) else None


def _stack_safe(
    ints: SimpleNamespace, old: Frame, new: Frame, ids: Ids, exact: Exact, matter: int
) -> bool:
    """Kernel ``stacksafe`` for a privileged program, which may read unwritten stack."""
    if old.stack is new.stack and not old.stack:
        return True
    for n in sorted(old.stack):
        a, b = old.stack[n], new.stack.get(n, EMPTY_SLOT)
        if a is b and (a.spill is None or not (a.spill.id or a.spill.ref)):
            continue
        if exact is not Exact.NO:
            if a.kinds != b.kinds:
                return False
        elif all(k in _ANYTHING for k in a.kinds):
            continue
        x, y = _whole_number(a), _whole_number(b)
        matters = bool(matter >> n & 1)
        if x is not None and y is not None and a.kinds != _EMPTY_KINDS:
            if not reg_safe(ints, x, y, ids, exact, matters):
                return False
            continue
        for j in range(SLOT_SIZE):
            kind, other = a.kinds[j], b.kinds[j]
            if kind in _ANYTHING:
                continue
            if kind != other:
                return False
        if a.kinds[-1] == SPILL:
            assert a.spill is not None
            assert b.spill is not None
            if not reg_safe(ints, a.spill, b.spill, ids, exact, matters):
                return False
    return True


__all__ = ["Exact", "Ids", "reg_safe", "states_equal"]
