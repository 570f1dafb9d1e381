"""Ways that part, do not do the same, and meet again; then what is not the same decides.

A verifier may end a walk where ways meet if what differs does not matter.  Here it does: a
compare behind the meeting is decided by it, perhaps after it went through the stack, a function,
or another number that was compared with it first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from bpfsmt.bits import S32_MAX
from bpfsmt.domain import Scalar
from bpfsmt.generate.guided.branches import Body, condition, over
from bpfsmt.generate.guided.calls import new_function
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.maps import SINGLE, atomic
from bpfsmt.generate.guided.numbers import field
from bpfsmt.generate.guided.records import record_of
from bpfsmt.generate.guided.values import immediate
from bpfsmt.generate.insns import EXIT, GOTO, alu, compare, const, load, mov, store, value_of
from bpfsmt.isa import AluOp, JmpOp

Change: TypeAlias = Callable[[Drawing, int, int], None]
"""Makes the first number another, perhaps one that has to do with the second."""

_SAVED = (6, 7, 8, 9)
_PLACES = (-24, -32, -40)
_SMALL = (7, 0, 1, 8, 255, 4096)


def meeting(d: Drawing, body: Body) -> None:
    """Two ways or three; on one of them a number is another, or a copy of another."""
    mine = [n for n in _SAVED if n not in d.kept]
    if len(mine) < 3 or d.looping:
        return
    first, second, split = mine[:3]
    changes = d.one(
        ((_constant,), (_constants,), _COPIES if "links" in d.features else (_constant,))
    )
    if not _begun(d, first, second, split, changes):
        return
    more = d.often(2, 3) if changes == (_constants,) else d.often(1, 3)
    for _ in range(1 + more):
        _one_way(d, first, second, split, changes)
    _far(d)
    d.kept |= {first, second}
    for _ in range(d.number(0, 2)):
        d.one(_ON)(d, first if changes == (_constant,) else d.one((first, second)), body)
    d.kept -= {first, second}
    out = d.draft.label()
    number, copies = d.one((first, second)), changes == _COPIES
    if copies or (number == second and changes == (_constant,)) or d.often(1, 4):
        _narrowed(d, first + second - number, number, out, alone=copies)
    d.one(_DECIDES)(d, number, body)
    d.draft.place(out)
    if not d.done and d.often(1, 2):
        d.put(const(first, 0), const(second, 0))


def _begun(d: Drawing, first: int, second: int, split: int, changes: Sequence[Change]) -> bool:
    """What the numbers are before ways part."""
    known: tuple[int, ...] = ()
    if changes[0] in (_constant, _constants):
        known = (first,) if changes[0] is _constant else (first, second)
    return unknown(d, split) and all(
        d.put(const(n, d.one(_SMALL))) if n in known else unknown(d, n) for n in (second, first)
    )


def unknown(d: Drawing, into: int) -> bool:
    """A number of which little is known."""
    others = {n for n in range(10) if n != into} - d.kept
    d.kept |= others
    field(d)
    d.kept -= others
    return into in d.numbers()


def _far(d: Drawing) -> None:
    """Enough instructions and jumps that a verifier keeps a state."""
    for n in range(0 if d.frequent else d.one((6, 0, 3))):
        if n not in d.kept:
            d.put(const(n, 0))
    _breaks(d)


def _one_way(d: Drawing, first: int, second: int, split: int, changes: Sequence[Change]) -> None:
    """On one of two ways something is done with the numbers, maybe something else on the other."""
    insn = condition(d, split) if split in d.numbers() else None
    join = d.draft.label()
    if insn is None or not d.draft.jump(insn, join):
        d.draft.place(join)
        return
    d.one(changes)(d, first, second)
    end = d.draft.label()
    if d.often(1, 2) and d.draft.here:
        d.draft.jump(GOTO, end)
        d.draft.place(join)
        d.one(changes)(d, first, second if d.often(1, 2) else split)
    else:
        d.draft.place(join)
    d.draft.place(end)


def _constant(d: Drawing, a: int, b: int) -> None:
    d.put(const(a, d.one(_SMALL)))


def _constants(d: Drawing, a: int, b: int) -> None:
    for n in d.one(((a, b), (a,), (b,))):
        d.put(const(n, d.one(_SMALL[:2])))


def _copy(d: Drawing, a: int, b: int) -> None:
    d.put(alu(AluOp.MOV, a, b, wide=not d.often(1, 4)))


def _distant(d: Drawing, a: int, b: int) -> None:
    """A copy that is some way off."""
    d.put(mov(a, b))
    d.put(alu(AluOp.ADD, a, None, d.one((8, 8, 8, 1)), wide=not d.often(1, 6)))


_COPIES = (_copy, _distant)


def _breaks(d: Drawing) -> None:
    """Jumps to the next instruction, and something to do: where walks may end."""
    for _ in range(2 - d.number(0, 2)):
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


def _tested(d: Drawing, number: int, body: Body) -> None:
    """A test of bits of some number leads on; otherwise the program ends."""
    other = d.a_number(number)
    if other is None:
        return
    here = d.draft.label()
    d.draft.jump(compare(JmpOp.JSET, other, None, d.one((1, 2, 0xFF))), here)
    if d.draft.here:
        d.put(const(0, 0), EXIT)
    d.draft.place(here)


def _called(d: Drawing, number: int, body: Body) -> None:
    """A function is called with it, and branches by it."""
    fit = "calls" in d.features and number in d.numbers() and d.kept.isdisjoint(range(6))
    if not fit or not d.put(mov(1, number)):
        return

    def inside(d: Drawing) -> None:
        decided(d, 1, nothing)
        _breaks(d)

    new_function(d, inside)


def nothing(d: Drawing) -> None:
    """No more than that."""


_ON = (_through_stack, _fetched, _changed, _tested, _elsewhere, _called)


# What it decides


def _narrowed(d: Drawing, a: int, b: int, out: int, *, alone: bool) -> None:
    """A compare, of the first with a constant or with the other, that goes away or leads here."""
    numbers = d.numbers()
    if a not in numbers or b not in numbers:
        return
    if alone or d.often(1, 4):
        op = d.one((JmpOp.JGT, JmpOp.JGE, JmpOp.JLE, JmpOp.JSGT))
        insn = compare(op, a, None, d.one(_SMALL), wide=d.wide_jump())
    else:
        insn = compare(
            d.one((JmpOp.JGT, JmpOp.JGE, JmpOp.JNE, JmpOp.JLE)), *d.one(((b, a), (a, b)))
        )
    if d.often(2, 3):
        d.draft.jump(insn, out)
        return
    here = d.draft.label()
    if d.draft.jump(insn, here) and d.draft.here:
        d.draft.jump(GOTO, out)
    d.draft.place(here)


def decided(d: Drawing, number: int, body: Body) -> None:
    """A compare of which one state knows the outcome, maybe behind a test of bits."""
    if number not in d.numbers() or d.done:
        return
    states = sorted((reg.scalar for reg in d.draft.regs(number)), key=lambda s: s.umax - s.umin)
    op, value = d.one(_known(states[0] if d.often(2, 3) else d.one(states)))
    insn = compare(op, number, None, immediate(value))

    def something(d: Drawing) -> None:
        d.put(const(0, d.number(0, 7)))
        if d.often(1, 4):
            body(d)

    over(d, insn, something)


def _as_size(d: Drawing, number: int, body: Body) -> None:
    """So large is a record."""
    if "records" in d.features and number in d.numbers():
        record_of(d, number)


def _as_offset(d: Drawing, number: int, body: Body) -> None:
    """So far into a map's value something is read, whatever it is on the other way."""
    pointer = d.a_target(number)
    if not d.daring or number not in d.numbers() or not d.put(value_of(pointer, SINGLE, 0)):
        decided(d, number, body)
        return
    d.daring = False
    if d.draft.put_for_some(alu(AluOp.ADD, pointer, number)):
        d.draft.put_for_some(load(0, pointer, 0, 1))


def _known(scalar: Scalar) -> list[tuple[JmpOp, int]]:
    """Compares whose outcome is known of a number, as far as anything is."""
    low, high = scalar.umin, scalar.umax
    found = [(JmpOp.JEQ, low), (JmpOp.JNE, low)] if low == high else []
    if high < S32_MAX:
        found += [(JmpOp.JLE, high), (JmpOp.JGT, high)]
    if 0 < low < S32_MAX:
        found += [(JmpOp.JGE, low), (JmpOp.JLT, low)]
    return found or [(JmpOp.JSLE, S32_MAX)]


_DECIDES = (decided, decided, decided, _as_size, _as_offset)
