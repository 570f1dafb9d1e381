"""The packet: how many bytes are there is asked by a compare, then they are touched."""

from __future__ import annotations

from collections.abc import Sequence

from bpfsmt.generate.guided.branches import Body, bounded
from bpfsmt.generate.guided.calls import global_call, tail_call
from bpfsmt.generate.guided.drawing import Drawing
from bpfsmt.generate.guided.helpers import packet_changed
from bpfsmt.generate.guided.numbers import context
from bpfsmt.generate.insns import GOTO, alu, compare, load, mov, store, store_imm
from bpfsmt.isa import AluOp, Instruction, JmpOp
from bpfsmt.program.program import ProgramType
from bpfsmt.semantics.context import layout_of
from bpfsmt.verifier.step.region import PACKET_READERS

SIZES = (1, 2, 4, 8)
_SAVED = (6, 7, 8, 9)


def packet_access(d: Drawing) -> None:
    """Bytes at the packet's beginning, or behind a number of bytes that is not known."""
    low, high = _pointers(d, meta=d.draft.kind is ProgramType.XDP and d.often(1, 8))
    if low < 0:
        return
    out = d.draft.label()
    if d.often(1, 2):
        _moved(d, low, high, out)
    room = d.one((1, 2, 4, 8, 14, 34, 64))
    limit = d.a_target(low, high)
    d.put(mov(limit, low))
    if d.put(alu(AluOp.ADD, limit, None, room)):
        _checked(d, limit, high, out)
        for _ in range(d.number(1, 3)):
            if d.done:
                break
            _touch(d, low, limit, room)
        if d.often(1, 4) and not d.done:
            _asked_again(d, limit, high)
    d.draft.place(out)


def held(d: Drawing, body: Body) -> None:
    """A pointer whose bytes are there; something is done meanwhile, then they are touched.

    Where that may have changed the packet they should not be touched any more: it is tried.
    """
    free = [n for n in _SAVED if n not in d.kept]
    low, high = _pointers(d, meta=False, into=free)
    if low < 0 or d.looping:
        return
    out = d.draft.label()
    room, limit = d.one((40, 64, 14, 4)), d.a_target(low, high)
    d.put(mov(limit, low))
    if d.put(alu(AluOp.ADD, limit, None, room)):
        _checked(d, limit, high, out)
        d.kept.add(low)
        _meanwhile(d, body)
        d.kept.discard(low)
        if not d.done:
            d.draft.put(load(d.a_target(low), low, room - 1, 1))
    d.draft.place(out)


def _meanwhile(d: Drawing, body: Body) -> None:
    """Something that may have to do with the packet, or anything."""
    changes: dict[str, Body] = {
        "helpers": packet_changed,
        "globals": lambda d: global_call(d, body),
        "tail-calls": lambda d: tail_call(d, body),
        "packet": body,
    }
    d.one([change for feature, change in changes.items() if feature in d.features])(d)


def _pointers(d: Drawing, *, meta: bool, into: Sequence[int] = ()) -> tuple[int, int]:
    """Registers with the beginning and the end of the packet, or of what is in front of it."""
    fields = {f.name: f.offset for f in layout_of(d.draft.kind).fields}
    if d.draft.kind not in PACKET_READERS:
        return -1, -1
    low = d.one(into) if into else d.a_target()
    base = context(d, low)
    if base is None:
        return -1, -1
    high = d.a_target(low, base)
    first, second = ("data_meta", "data") if meta else ("data", "data_end")
    # R(base) may be R(low): it is overwritten last.
    ok = d.draft.put(load(high, base, fields[second], 4), load(low, base, fields[first], 4))
    return (low, high) if ok else (-1, -1)


def _moved(d: Drawing, low: int, high: int, out: int) -> None:
    """Add a number that is not known, but bounded, to the pointer."""
    kept = {low, high} - d.kept
    d.kept |= kept
    index = bounded(d, d.one((15, 255, 60, 0xFFFF, 1)), out)
    d.kept -= kept
    if index is not None:
        d.put(alu(AluOp.ADD, low, index))
        if d.often(1, 6):
            d.put(alu(AluOp.SUB, low, index))


def _checked(d: Drawing, limit: int, high: int, out: int) -> None:
    """Go on only if the limit is not behind the end, in one of the ways to say so."""
    away = (
        compare(JmpOp.JGT, limit, high), compare(JmpOp.JLT, high, limit),
        compare(JmpOp.JGE, limit, high), compare(JmpOp.JLE, high, limit),
    )  # fmt: skip
    stay = (
        compare(JmpOp.JLE, limit, high), compare(JmpOp.JGE, high, limit),
        compare(JmpOp.JLT, limit, high), compare(JmpOp.JGT, high, limit),
    )  # fmt: skip
    if d.often(2, 3):
        d.draft.jump(d.one(away), out)
        return
    inside = d.draft.label()
    d.draft.jump(d.one(stay), inside)
    d.draft.jump(GOTO, out)
    d.draft.place(inside)


def _asked_again(d: Drawing, limit: int, high: int) -> None:
    """The same pointers are compared once more, or subtracted."""
    if d.often(1, 3):
        d.put(alu(AluOp.SUB, limit, d.one((high, limit))))
        return
    op = d.one((JmpOp.JGT, JmpOp.JGE, JmpOp.JLT, JmpOp.JLE))
    away = d.draft.label()
    d.draft.jump(compare(op, limit, high), away)
    if not d.done:
        d.draft.jump(compare(d.one((JmpOp.JGT, JmpOp.JLT, JmpOp.JLE)), limit, high), away)
    d.draft.place(away)


def _touch(d: Drawing, low: int, limit: int, room: int) -> None:
    """One access inside the room, or at its very end."""
    size = d.one([s for s in SIZES if s <= room])
    furthest = room - size + (1 if d.daring and d.often(1, 4) else 0)
    at = furthest if d.often(1, 2) else d.number(0, furthest)
    pointer, off = (limit, at - room) if d.often(1, 4) else (low, at)
    if d.often(1, 2):
        d.put(load(d.a_target(low, limit), pointer, off, size))
    else:
        d.put(_stored(d, pointer, off, size))


def _stored(d: Drawing, pointer: int, off: int, size: int) -> Instruction:
    number = d.a_number()
    if number is None or d.often(1, 3):
        return store_imm(pointer, off, d.number(0, 255), size)
    return store(pointer, off, number, size)
