"""What a verifier should not admit, tried: it is put only where its rules do."""

from __future__ import annotations

from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.maps import lookup
from bpfsmt.generate.guided.values import EDGES
from bpfsmt.generate.insns import alu, compare, const, load, mov, store
from bpfsmt.isa import AluOp, JmpOp

_SIZES = (8, 4, 2, 1)


def moved_anyhow(d: Drawing) -> None:
    """A pointer of any kind is moved by any number, far too, and used there or compared."""
    pointers = d.which(lambda reg: reg.is_pointer)
    copy = d.a_target()
    source = d.one([FRAME, *pointers])
    if not d.draft.put(mov(copy, source)):
        return
    spare = d.a_target(copy)
    value = d.one((1, 8, 1 << 32, -(1 << 32), 1 << 29, *EDGES))
    if d.draft.put(const(spare, value - (1 << 64) if value >> 63 else value)):
        d.draft.put(alu(d.one((AluOp.ADD, AluOp.SUB)), copy, spare))
    if source != FRAME and d.often(1, 2):
        label = d.draft.label()
        d.draft.jump(compare(d.one((JmpOp.JEQ, JmpOp.JNE)), source, None, 0), label)
        d.draft.place(label)
    _used(d, copy)


def moved_before_the_check(d: Drawing) -> None:
    """What may be NULL is moved, and then compared with NULL."""
    if not d.kept.isdisjoint(range(6)):
        return
    if not lookup(d, d.one((0, 1))):
        return
    copy = d.a_target(0)
    if d.draft.put(mov(copy, 0)) and d.draft.put(alu(AluOp.ADD, copy, None, d.one((8, 1, -8)))):
        label = d.draft.label()
        d.draft.jump(compare(d.one((JmpOp.JEQ, JmpOp.JNE)), d.one((0, copy)), None, 0), label)
        d.draft.place(label)
        _used(d, copy)


def misplaced(d: Drawing) -> None:
    """Something is saved on the stack anywhere, whether aligned or not, and read back."""
    pointers = d.which(lambda reg: reg.is_pointer)
    register = d.one(pointers) if pointers and d.often(1, 2) else d.a_number()
    if register is None:
        return
    size, at = d.one(_SIZES), -d.number(4, 40)
    if d.draft.put(store(FRAME, at, register, size)):
        place = d.one((at, at // 8 * 8))
        d.draft.put(load(d.a_target(), FRAME, place, d.one((8, size))))


def _used(d: Drawing, pointer: int) -> None:
    size, off = d.one(_SIZES), d.one((-8, 0, -16, 1, -4))
    number = d.a_number(pointer)
    if number is not None and d.often(1, 2):
        d.draft.put(store(pointer, off, number, size))
    else:
        d.draft.put(load(d.a_target(pointer), pointer, off, size))
