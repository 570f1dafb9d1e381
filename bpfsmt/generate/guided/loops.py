"""Bounded loops: a counter up or down to a bound that is known, or only bounded."""

from __future__ import annotations

from collections.abc import Callable

from bpfsmt.generate.guided.branches import Body, bounded, condition, over
from bpfsmt.generate.guided.drawing import Drawing
from bpfsmt.generate.guided.meeting import decided, nothing, unknown
from bpfsmt.generate.insns import MAY_GOTO, alu, compare, const
from bpfsmt.isa import AluOp, JmpOp

_SAVED = (6, 7, 8, 9)


def counted(d: Drawing, body: Body) -> None:
    """A counter goes from 0 up to a few, or down; something is done each time."""
    rounds = d.number(2, 6)
    up = not d.often(1, 3)
    step = d.one((1, 2, 3))
    first, last = (0, rounds * step) if up else (rounds * step, 0)
    counter = _counter(d)
    if counter is None or not d.put(const(counter, first)):
        return
    wide = d.wide_jump()
    op = d.one((JmpOp.JLT, JmpOp.JNE, JmpOp.JSLT) if up else (JmpOp.JGT, JmpOp.JNE, JmpOp.JSGT))
    back = compare(op, counter, None, last, wide=wide)
    _around(d, counter, step if up else -step, body, lambda top: d.jump(back, top))


def up_to_unknown(d: Drawing, body: Body) -> None:
    """A counter goes up to a number that is not known but small."""
    out = d.draft.label()
    counter = _counter(d)
    if counter is not None:
        d.kept.add(counter)
        bound = bounded(d, d.one((3, 7)), out)
        d.kept.discard(counter)
        if bound is not None and d.put(const(counter, 0)):
            mine = {bound} - d.kept
            d.kept |= mine
            back = compare(d.one((JmpOp.JLT, JmpOp.JSLT)), counter, bound)
            _around(d, counter, 1, body, lambda top: d.jump(back, top))
            d.kept -= mine
    d.draft.place(out)


def rounds(d: Drawing) -> None:
    """A loop that the kernel ends: in some rounds a number changes, in others it decides."""
    free = [n for n in _SAVED if n not in d.kept]
    if len(free) < 2 or d.looping or d.depth:
        return
    number, split = free[:2]
    if not d.put(const(number, d.one((0, 7, 1)))):
        return
    out, top = d.draft.label(), d.draft.at
    if not d.draft.jump(MAY_GOTO, out):
        return
    d.kept.add(number)
    d.looping = True
    unknown(d, split)
    insn = condition(d, split) if split in d.numbers() else None

    def changed(d: Drawing) -> None:
        d.put(const(number, d.one((8, 255, 4096))))  # nothing that goes on and on

    def used(d: Drawing) -> None:
        decided(d, number, nothing)

    if insn is not None:
        over(d, insn, *d.one(((changed, used), (used, changed))))
    d.looping = False
    d.kept.discard(number)
    if d.draft.here and not d.draft.refused:
        d.draft.close(top)
    d.draft.place(out)


def _counter(d: Drawing) -> int | None:
    """A register to count in; none inside another loop, for walks get long there."""
    free = [n for n in _SAVED if n not in d.kept]
    return d.one(free) if free and not d.looping else None


def _around(d: Drawing, counter: int, step: int, body: Body, back: Callable[[int], bool]) -> None:
    """The body, a step of the counter, and a jump back if all rounds are accepted."""
    top = d.draft.at
    d.kept.add(counter)
    d.looping = True
    body(d)
    d.looping = False
    d.kept.discard(counter)
    if not d.done and d.put(alu(AluOp.ADD, counter, None, step)):
        back(top)
