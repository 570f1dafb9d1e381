"""Functions of the program, and what is passed to them and comes back."""

from __future__ import annotations

from bpfsmt.generate.guided.branches import Body
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.helpers import packet_changed
from bpfsmt.generate.guided.maps import JUMPS
from bpfsmt.generate.guided.numbers import context
from bpfsmt.generate.insns import EXIT, alu, call, const, map_of, mov
from bpfsmt.isa import TAIL_CALL, AluOp
from bpfsmt.program.program import Param, Signature

MOST_FUNCTIONS = 3
MOST_DEPTH = 2


def local_call(d: Drawing, body: Body) -> None:
    """A call of a function, a new one or one that is there."""
    if not d.kept.isdisjoint(range(6)):
        return
    _arguments(d)
    there = [f for f in d.draft.functions if f in d.finished and f not in d.draft.signatures]
    if there and d.often(1, 2):
        d.draft.call(d.one(there))
    else:
        new_function(d, body)


def new_function(d: Drawing, body: Body) -> None:
    """A call of a function that does this, with the arguments that are there."""
    draft = d.draft
    if not _room(d):
        return
    start = draft.new_function()
    if draft.call(start):
        _define(d, start, body)


def _room(d: Drawing) -> bool:
    frames = max((len(state.frames) for state in d.draft.here), default=MOST_DEPTH + 1)
    return len(d.draft.functions) < MOST_FUNCTIONS and frames <= MOST_DEPTH


def _define(d: Drawing, start: int, body: Body) -> None:
    with d.draft.inside(start), d.apart():
        body(d)
        _return(d)
    d.finished.add(start)


def _arguments(d: Drawing) -> None:
    """R1 and R2 are numbers, R3 perhaps a pointer to the stack."""
    for n in (1, 2):
        number = d.a_number()
        if number is not None and number != n:
            d.draft.put(mov(n, number))
    if d.often(1, 3):
        d.draft.put(mov(3, FRAME), alu(AluOp.ADD, 3, None, -40))


def _return(d: Drawing) -> None:
    """Give a number back."""
    numbers = d.numbers()
    if 0 not in numbers:
        d.draft.put(mov(0, d.one(numbers)) if numbers else const(0, 0))
    if not d.draft.put(EXIT):
        d.draft.put_anyway(EXIT)


def global_call(d: Drawing, body: Body) -> None:
    """A call of a function that is verified by itself, and may change the packet."""
    if not d.kept.isdisjoint(range(6)) or not _room(d) or d.looping or not _context(d):
        return
    params = [Param("ctx")]
    number = d.a_number(1)
    if number is not None:
        d.draft.put(mov(2, number))
        params.append(Param("scalar"))

    def inside(d: Drawing) -> None:
        if d.often(2, 3):
            packet_changed(d)
        else:
            body(d)

    start = d.draft.begin_global(Signature(True, tuple(params)))
    _define(d, start, inside)
    d.draft.call(start)


def tail_call(d: Drawing, body: Body) -> None:
    """A function that another program may run in place of."""
    if not d.kept.isdisjoint(range(6)) or d.looping or not _context(d):
        return

    def inside(d: Drawing) -> None:
        d.draft.put(map_of(2, JUMPS), const(3, d.number(0, 1)), call(TAIL_CALL))
        d.draft.put(const(0, d.one((0, 1))))
        if d.often(1, 3):
            body(d)

    new_function(d, inside)


def _context(d: Drawing) -> bool:
    """R1 is the context."""
    base = context(d, 1)
    return base == 1 or (base is not None and d.draft.put(mov(1, base)))
