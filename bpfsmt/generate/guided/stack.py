"""The stack: stores and loads of all sizes, spills and fills, offsets that are not known."""

from __future__ import annotations

from bpfsmt.generate.guided.branches import bounded
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.numbers import some_number
from bpfsmt.generate.guided.values import EDGES, immediate
from bpfsmt.generate.insns import alu, load, mov, store, store_imm
from bpfsmt.isa import AluOp

SIZES = (8, 4, 2, 1)
WORDS = (-16, -24, -32, -40)
"""Where gadgets keep things; the word above them is the context's."""


def spill_and_fill(d: Drawing) -> None:
    """A number is stored in some size, and read back as a whole or in part."""
    number = some_number(d)
    if number is None:
        return
    size, word = d.one(SIZES), d.one(WORDS)
    at = word + d.number(0, 8 // size - 1) * size
    if d.put(store(FRAME, at, number, size)):
        fill(d, at, size)


def constant_bytes(d: Drawing) -> None:
    """An immediate is stored, often zero, and read back."""
    size, word = d.one(SIZES), d.one(WORDS)
    value = 0 if d.often(1, 3) else immediate(d.one(EDGES))
    at = word + d.number(0, 8 // size - 1) * size
    if d.put(store_imm(FRAME, at, value, size)):
        fill(d, at, size)


def fill(d: Drawing, at: int, size: int) -> None:
    """Read back what was stored at ``at``, or a part of it, or the word around it."""
    part = d.one([s for s in SIZES if s <= size] + ([8] if d.often(1, 6) else []))
    offset = (at // 8 * 8) if part > size else at + d.number(0, size // part - 1) * part
    signed = part < 8 and "extensions" in d.features and d.often(1, 4)
    d.put(load(d.a_target(), FRAME, offset, part, signed=signed))


def overwrite(d: Drawing) -> None:
    """A part of a word that holds a spilled number is overwritten, then the word is read."""
    number, word = some_number(d), d.one(WORDS)
    if number is None or not d.put(store(FRAME, word, number, 8)):
        return
    size = d.one((4, 2, 1))
    at = word + d.number(0, 8 // size - 1) * size
    if d.often(1, 2):
        d.put(store_imm(FRAME, at, immediate(d.one(EDGES)), size))
    else:
        d.put(store(FRAME, at, d.a_number() or number, size))
    d.put(load(d.a_target(), FRAME, word, 8))


def pointer_spilled(d: Drawing) -> None:
    """A pointer is spilled and filled into another register."""
    pointers = d.which(lambda reg: reg.is_pointer)
    if pointers:
        word = d.one(WORDS)
        if d.put(store(FRAME, word, d.one(pointers), 8)):
            d.put(load(d.a_target(), FRAME, word, 8))


def moved_pointer(d: Drawing) -> None:
    """Through another register than R10, which was moved in one step or two."""
    pointer = d.a_target()
    size, at = d.one(SIZES), d.one(WORDS)
    first = d.one((0, at, at + 8, -64))
    if not d.put(mov(pointer, FRAME), alu(AluOp.ADD, pointer, None, first)):
        return
    number = d.a_number(pointer)
    if number is not None and d.put(store(pointer, at - first, number, size)):
        d.put(load(d.a_target(), pointer, at - first, size))


def unknown_offset(d: Drawing) -> None:
    """A store and a load at an offset that is only known to lie in the gadgets' words."""
    size = d.one(SIZES)
    out = d.draft.label()
    index = bounded(d, 32 - size, out)
    if index is not None:
        if size > 1:
            d.put(alu(AluOp.AND, index, None, -size))
        pointer = d.a_target(index)
        d.put(mov(pointer, FRAME))
        if d.put(alu(AluOp.ADD, pointer, index)):
            _through(d, pointer, -40, size)
    d.draft.place(out)


def _through(d: Drawing, pointer: int, off: int, size: int) -> None:
    number = d.a_number(pointer)
    if number is not None and d.often(1, 2):
        d.put(store(pointer, off, number, size))
    else:
        d.put(store_imm(pointer, off, d.one((0, 1, -1)), size))
    d.put(load(d.a_target(pointer), pointer, off, size))
