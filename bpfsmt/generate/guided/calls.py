"""Functions of the program, and what is passed to them and comes back."""

from __future__ import annotations

from bpfsmt.generate.guided.branches import Body
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.insns import EXIT, alu, const, mov
from bpfsmt.isa import AluOp

MOST_FUNCTIONS = 3
MOST_DEPTH = 2


def local_call(d: Drawing, body: Body) -> None:
    """A call of a function, a new one or one that is there."""
    draft = d.draft
    if not d.kept.isdisjoint(range(6)):
        return
    _arguments(d)
    there = [f for f in draft.functions if f in d.finished]
    if there and d.often(1, 2):
        draft.call(d.one(there))
        return
    frames = max(len(state.frames) for state in draft.here)
    if len(draft.functions) >= MOST_FUNCTIONS or frames > MOST_DEPTH:
        return
    start = draft.new_function()
    if draft.call(start):
        with draft.inside(start), d.apart():
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
