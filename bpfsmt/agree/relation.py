"""How what we know of a register or stack slot stands to what a kernel knows.

Component by component, as in `bpfsmt.domain.order`: two that are not ordered so may still be
ordered as sets.  Ids are names: what counts is whether there is one, and what shares it.
"""

from __future__ import annotations

from enum import Enum

from bpfsmt.domain.order import scalar_covers
from bpfsmt.domain.reg import ADDED, NOT_INIT, Reg, RegType
from bpfsmt.domain.scalar import Scalar, const
from bpfsmt.domain.state import INVALID, MISC, SPILL, ZERO, Slot


class Relation(Enum):
    """What is known by us, next to what is known by the kernel."""

    EQUAL = "equal"
    NAMES = "equal but for ids"
    TIGHTER = "ours tighter"
    WIDER = "ours wider"
    DISJOINT = "disjoint"
    OTHER = "neither contains the other"


_PACKET = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)
_STRONGER = {INVALID: INVALID + MISC + ZERO + SPILL, MISC: MISC + ZERO + SPILL, ZERO: ZERO}


def relate(ours: Reg, kernel: Reg) -> Relation:
    """Compare two registers; ids and references are left out (see `same_names`).

    >>> from bpfsmt.domain.scalar import UNKNOWN, const
    >>> number = RegType.SCALAR_VALUE
    >>> relate(Reg(number, const(3)), Reg(number, UNKNOWN)).value
    'ours tighter'
    """
    if plain(ours) == plain(kernel):
        return Relation.EQUAL
    if ours.type is RegType.NOT_INIT:
        return Relation.WIDER
    if kernel.type is RegType.NOT_INIT:
        return Relation.TIGHTER
    if not _comparable(ours, kernel):
        return Relation.DISJOINT
    if disjoint(ours.scalar, kernel.scalar) and ours.off == kernel.off:
        return Relation.DISJOINT
    return _ordered(_covers(kernel, ours), _covers(ours, kernel))


def relate_slots(ours: Slot, kernel: Slot) -> Relation:
    """Compare two stack slots, byte kinds and what is spilled there."""
    ours, kernel = told(ours), told(kernel)
    if ours.spill is not None and kernel.spill is not None:
        if ours.kinds == kernel.kinds:
            return relate(ours.spill, kernel.spill)
        return Relation.OTHER
    if ours.spill is None and kernel.spill is None and ours.kinds == kernel.kinds:
        return Relation.EQUAL
    return _ordered(_stronger(ours, kernel), _stronger(kernel, ours))


def told(slot: Slot) -> Slot:
    """The slot as a log tells of it: bytes of a register that is lost are bytes of anything."""
    lost = slot.spill is not None and slot.spill.type is RegType.NOT_INIT
    if lost or SPILL not in slot.kinds:
        return Slot(slot.kinds.replace(SPILL, MISC))
    return slot


def plain(reg: Reg) -> Reg:
    """The register without the names in it, a known number with all ranges that it implies."""
    if reg.type is RegType.NOT_INIT:
        return NOT_INIT
    off = reg.off if reg.is_pointer else 0
    known = const(reg.const_value) if reg.is_const else reg.scalar
    # ranges that do not have the number in them say something else
    scalar = known if known is reg.scalar or scalar_covers(reg.scalar, known) else reg.scalar
    return reg._replace(scalar=scalar, id=0, ref=0, off=off)


def same_names(ours: Reg, kernel: Reg, names: dict[int, int]) -> bool:
    """Whether the ids of two registers are names of the same thing.

    ``names`` has the ids that were met in one state, the kernel's to ours.  Of a constant
    no id is printed.
    """
    if not kernel.is_pointer and kernel.is_const:
        return True
    a, b = ours.id & ~ADDED, kernel.id & ~ADDED
    if not a or not b:
        return a == b
    return names.setdefault(b, a) == a and ours.off == kernel.off


def disjoint(a: Scalar, b: Scalar) -> bool:
    """No number is in both, by one of the components."""
    known = ~(a.var_off.mask | b.var_off.mask)
    return bool(
        (a.var_off.value ^ b.var_off.value) & known
        or max(a.umin, b.umin) > min(a.umax, b.umax)
        or max(a.smin, b.smin) > min(a.smax, b.smax)
        or max(a.u32min, b.u32min) > min(a.u32max, b.u32max)
        or max(a.s32min, b.s32min) > min(a.s32max, b.s32max)
    )


def _comparable(a: Reg, b: Reg) -> bool:
    """Pointers of one type into the same thing, or numbers."""
    return a.type is b.type and (a.map, a.frame, a.mem) == (b.map, b.frame, b.mem)


def _covers(wide: Reg, narrow: Reg) -> bool:
    if wide.is_pointer and wide.off != narrow.off:
        return False
    if wide.type in _PACKET and not _range_covers(wide.range, narrow.range):
        return False
    return scalar_covers(wide.scalar, narrow.scalar)


def _range_covers(wide: int, narrow: int) -> bool:
    return narrow <= wide if wide < 0 else narrow >= wide


def _stronger(a: Slot, b: Slot) -> bool:
    """Each byte of ``a`` says as much as that of ``b``."""
    if b.spill is not None:
        return False
    return all(x in _STRONGER.get(y, y) for x, y in zip(a.kinds, b.kinds, strict=True))


def _ordered(tighter: bool, wider: bool) -> Relation:
    if tighter and wider:
        return Relation.EQUAL
    if tighter:
        return Relation.TIGHTER
    return Relation.WIDER if wider else Relation.OTHER
