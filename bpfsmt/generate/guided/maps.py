"""Maps: lookups, the check for NULL, values at known and unknown offsets, atomics."""

from __future__ import annotations

from bpfsmt.domain import RegType
from bpfsmt.generate.guided.branches import bounded
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.numbers import some_number
from bpfsmt.generate.insns import (
    SIZES,
    alu,
    call,
    compare,
    load,
    map_of,
    mov,
    store,
    store_imm,
    value_of,
)
from bpfsmt.isa import FETCH, AluOp, AtomicOp, Class, Instruction, JmpOp, Mode
from bpfsmt.program.maptypes import RDONLY_PROG
from bpfsmt.program.program import MapDef

MAPS = (
    MapDef("hash", "hash", 4, 64, 16),
    MapDef("array", "array", 4, 48, 5),
    MapDef("single", "array", 4, 64, 1),
    MapDef("percpu", "percpu_array", 4, 16, 2),
    MapDef("constants", "array", 4, 16, 1, RDONLY_PROG, bytes(range(0, 32, 2)), frozen=True),
    MapDef("ring", "ringbuf", 0, 0, 4096),
    MapDef("jumps", "prog_array", 4, 4, 2),
)
"""The maps that every generated program may use."""

SINGLE, CONSTANTS, RING, JUMPS = 2, 4, 5, 6
"""Their numbers."""

_LOOKUP = 1
_KEY = -16
_OR_NULL = (RegType.PTR_TO_MAP_VALUE_OR_NULL, RegType.RINGBUF_MEM_OR_NULL)
_ATOMICS = (
    AtomicOp.ADD, AtomicOp.ADD | FETCH, AtomicOp.OR, AtomicOp.OR | FETCH, AtomicOp.AND,
    AtomicOp.AND | FETCH, AtomicOp.XOR, AtomicOp.XOR | FETCH, AtomicOp.XCHG | FETCH,
    AtomicOp.CMPXCHG | FETCH,
)  # fmt: skip


def looked_up(d: Drawing) -> None:
    """A value is looked up by a key, and touched unless it is not there."""
    if not d.kept.isdisjoint(range(6)):
        return
    index = d.one((0, 1, 3))
    if not lookup(d, index):
        return
    out = d.draft.label()
    not_null(d, 0, out)
    if not d.done:
        _value(d, 0, MAPS[index].value_size, out)
    d.draft.place(out)


def lookup(d: Drawing, index: int) -> bool:
    """Look up a key in a map; whether it is there is not asked yet."""
    return put_key(d, _KEY) and d.draft.put(
        mov(2, FRAME), alu(AluOp.ADD, 2, None, _KEY), map_of(1, index), call(_LOOKUP)
    )


def not_null(d: Drawing, pointer: int, out: int) -> None:
    """A pointer that may be NULL is asked, if need be after a copy of it was moved.

    (That is refused; it is put only where the rules allow it.)
    """
    nullable = any(reg.type in _OR_NULL for reg in d.draft.regs(pointer))
    if not nullable:
        return
    if d.often(1, 8):
        copy = d.a_target(pointer)
        d.draft.put(mov(copy, pointer), alu(AluOp.ADD, copy, None, d.one((8, 1))))
    d.draft.jump(compare(JmpOp.JEQ, pointer, None, 0), out)


def constant_value(d: Drawing) -> None:
    """A number that nobody may write, so that it is known."""
    pointer, width = d.a_target(), d.one((8, 4, 2, 1))
    off = width * d.number(0, 16 // width - 1)
    if d.put(value_of(pointer, CONSTANTS, 0)):
        if d.often(1, 4):
            d.draft.put(store_imm(pointer, off, 0, width))  # refused, if all is well
        d.put(load(d.a_target(), pointer, off, width))


def put_key(d: Drawing, at: int) -> bool:
    """Put a key onto the stack: a constant, or any number."""
    number = d.a_number() if d.often(2, 3) else None
    if number is None:
        return d.put(store_imm(FRAME, at, d.number(0, 8), 4))
    return d.put(store(FRAME, at, number, 4))


def direct_value(d: Drawing) -> None:
    """The only value of an array, by its address in the instruction."""
    pointer, off = d.a_target(), d.one((0, 8, 60))
    if not d.put(value_of(pointer, SINGLE, off)):
        return
    out = d.draft.label()
    _value(d, pointer, MAPS[SINGLE].value_size - off, out)
    d.draft.place(out)


def _value(d: Drawing, pointer: int, size: int, out: int) -> None:
    """Touch some of the ``size`` bytes at a pointer."""
    widest = 8 if size >= 8 else 4
    room = size
    if size > widest and d.often(1, 2):
        mine = {pointer} - d.kept
        d.kept |= mine
        most = d.one((size - 8, 15, 7, 3, 1))
        index = bounded(d, min(most, size - widest), out)
        d.kept -= mine
        if index is None or not d.put(alu(AluOp.ADD, pointer, index)):
            return
        room = size - max((reg.scalar.umax for reg in d.draft.regs(pointer)), default=size)
        if d.often(1, 4):
            back = d.one((1, 4, 8))
            d.put(alu(AluOp.ADD, pointer, None, back), alu(AluOp.SUB, pointer, None, back))
    for _ in range(d.number(1, 2)):
        if not d.done:
            touch(d, pointer, room)


def touch(d: Drawing, pointer: int, room: int) -> None:
    """A load, a store or an atomic operation inside the ``room`` bytes behind a pointer."""
    width = d.one([s for s in (8, 4, 2, 1) if s <= room] or [1])
    furthest = max(room - width, 0) + (1 if d.daring and d.often(1, 4) else 0)
    off = furthest if d.often(1, 3) else d.number(0, furthest)
    number = some_number(d, pointer)
    if "atomics" in d.features and width >= 4 and number is not None and d.often(1, 3):
        d.put(atomic(d, pointer, off, width, number))
    elif number is None or d.often(1, 2):
        target = d.a_target(pointer)
        signed = width < 8 and "extensions" in d.features and d.often(1, 4)
        d.put(load(target, pointer, off, width, signed=signed))
    else:
        d.put(store(pointer, off, number, width))


def atomic(d: Drawing, base: int, off: int, width: int, number: int) -> Instruction:
    """An atomic operation on memory, with a number that it may get back changed."""
    op = d.one(_ATOMICS)
    return Instruction(Class.STX | Mode.ATOMIC | SIZES[width], base, number, off, op)


def atomic_on_stack(d: Drawing) -> None:
    """An atomic operation on a number on the stack, and the number read back."""
    number = some_number(d)
    width = d.one((8, 4))
    if number is None or not d.put(store(FRAME, -24, number, 8)):
        return
    operand = some_number(d, *d.kept)
    if operand is not None and d.put(atomic(d, FRAME, -24, width, operand)):
        d.put(load(d.a_target(), FRAME, -24, width))
