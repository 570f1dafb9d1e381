"""Ways that part, do not do the same, and meet again; then what is not the same decides.

A verifier may end a walk where ways meet if what differs does not matter.  Here it does: a
compare behind the meeting is decided by it, perhaps after it went through the stack, a function,
or another number that was compared with it first.
"""

from __future__ import annotations

from bpfsmt.domain import Scalar
from bpfsmt.generate.guided.branches import Body, condition, over
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.maps import atomic
from bpfsmt.generate.guided.numbers import context, field
from bpfsmt.generate.guided.values import immediate
from bpfsmt.generate.insns import GOTO, alu, compare, const, load, mov, store
from bpfsmt.isa import AluOp, JmpOp

_SAVED = (6, 7, 8, 9)
_PLACES = (-24, -32, -40)
_SMALL = (7, 0, 1, 8, 255, 4096)


def meeting(d: Drawing, body: Body) -> None:
    """Two ways or three; on one of them a number is another, or a copy of another."""
    mine = [n for n in _SAVED if n not in d.kept]
    if len(mine) < 3 or d.looping:
        return
    first, second, split = mine[:3]
    if not all(_number(d, n) for n in (split, second, first)):
        return
    for _ in range(1 + d.often(1, 4)):
        _one_way(d, first, second, split)
    d.kept |= {first, second}
    _breaks(d)
    for _ in range(d.number(0, 2)):
        d.one(_ON)(d, d.one((first, second)), body)
    d.kept -= {first, second}
    out = d.draft.label()
    if d.often(1, 2):
        _narrowed(d, first, second, out)
    _decided(d, d.one((first, second)), body)
    d.draft.place(out)
    if not d.done and d.often(1, 2):
        d.put(const(first, 0))


def _number(d: Drawing, into: int) -> bool:
    """A number of which nothing is known, or a small one that is known."""
    if d.often(2, 3):
        base = context(d, into)
        if base is not None:
            d.kept |= (others := {n for n in range(10) if n != into} - d.kept)
            field(d)
            d.kept -= others
    elif not d.put(const(into, d.one(_SMALL))):
        return False
    return into in d.numbers()


def _one_way(d: Drawing, first: int, second: int, split: int) -> None:
    """On one of two ways something is done with the numbers."""
    insn = condition(d, split) if split in d.numbers() else None
    join = d.draft.label()
    if insn is None or not d.draft.jump(insn, join):
        d.draft.place(join)
        return
    for _ in range(d.number(1, 2)):
        a, b = d.one(((first, second), (second, first)))
        d.one(_CHANGES)(d, a, b)
    end = d.draft.label()
    if d.often(1, 2) and d.draft.here:
        d.draft.jump(GOTO, end)
        d.draft.place(join)
        d.one(_CHANGES)(d, *d.one(((first, second), (second, first))))
    else:
        d.draft.place(join)
    d.draft.place(end)


def _constant(d: Drawing, a: int, b: int) -> None:
    d.put(const(a, d.one(_SMALL)))


def _copy(d: Drawing, a: int, b: int) -> None:
    d.put(alu(AluOp.MOV, a, b, wide=not d.often(1, 4)))


def _distant(d: Drawing, a: int, b: int) -> None:
    """A copy that is some way off."""
    d.put(mov(a, b))
    d.put(alu(AluOp.ADD, a, None, d.one((10, 1, -1)), wide=d.wide()))


_CHANGES = (_constant, _copy, _distant)


def _breaks(d: Drawing) -> None:
    """Jumps to the next instruction, and something to do: where walks may end."""
    for _ in range(d.number(0, 2)):
        if d.draft.here:
            label = d.draft.label()
            d.draft.jump(GOTO, label)
            d.draft.place(label)
        d.put(const(0, d.number(0, 3)))


# What happens to a number before it decides


def _through_stack(d: Drawing, number: int, body: Body) -> None:
    """Spilled, maybe in part, and filled."""
    place, size = d.one(_PLACES), d.one((8, 4, 8, 2))
    if number in d.numbers() and d.put(store(FRAME, place, number, size)):
        _breaks(d)
        d.put(load(number, FRAME, place, size))


def _fetched(d: Drawing, number: int, body: Body) -> None:
    """Spilled, and fetched by an atomic operation."""
    place = d.one(_PLACES)
    if "atomics" in d.features and number in d.numbers() and d.put(store(FRAME, place, number, 8)):
        _breaks(d)
        if d.put(const(0, 0)):
            insn = atomic(d, FRAME, place, 8, 0)
            d.put(insn)
            d.put(load(number, FRAME, place, 8) if d.often(1, 3) else mov(number, 0))


def _changed(d: Drawing, number: int, body: Body) -> None:
    """A little arithmetic that keeps what is known."""
    if number in d.numbers():
        op, k = d.one(((AluOp.ADD, 1), (AluOp.AND, 0xFFF), (AluOp.LSH, 1), (AluOp.OR, 1)))
        d.put(alu(op, number, None, k, wide=d.wide()))


def _elsewhere(d: Drawing, number: int, body: Body) -> None:
    """Something else meanwhile: other gadgets."""
    body(d)


_ON = (_through_stack, _fetched, _changed, _elsewhere)


# What it decides


def _narrowed(d: Drawing, first: int, second: int, out: int) -> None:
    """A compare, with a number or of the two, that goes away or leads here."""
    a, b = d.one(((first, second), (second, first)))
    numbers = d.numbers()
    if a not in numbers or b not in numbers:
        return
    if d.often(1, 3):
        insn = compare(d.one((JmpOp.JGT, JmpOp.JGE, JmpOp.JNE)), a, b)
    else:
        op = d.one((JmpOp.JGT, JmpOp.JGE, JmpOp.JSET, JmpOp.JNE))
        insn = compare(op, a, None, d.one(_SMALL), wide=d.wide_jump())
    if d.often(1, 2):
        d.draft.jump(insn, out)
        return
    here = d.draft.label()
    if d.draft.jump(insn, here) and d.draft.here:
        d.draft.jump(GOTO, out)
    d.draft.place(here)


def _decided(d: Drawing, number: int, body: Body) -> None:
    """A compare of which one state knows the outcome."""
    if number not in d.numbers() or d.done:
        return
    op, value = _known(d, d.scalar(number))
    insn = compare(op, number, None, immediate(value))

    def something(d: Drawing) -> None:
        d.put(const(0, d.number(0, 7)))
        body(d)

    over(d, insn, something)


def _known(d: Drawing, scalar: Scalar) -> tuple[JmpOp, int]:
    return d.one((
        (JmpOp.JLE, scalar.umax), (JmpOp.JGE, scalar.umin), (JmpOp.JEQ, scalar.var_off.value),
        (JmpOp.JGT, scalar.umax), (JmpOp.JLT, scalar.umin), (JmpOp.JSLE, scalar.smax),
    ))  # fmt: skip
