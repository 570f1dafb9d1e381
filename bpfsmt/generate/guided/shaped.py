"""Numbers of 64 bits of which something particular is known, and what is done with them at once.

A rule goes wrong where ranges cross the ends of widths, where halves know different things, and
where bits and ranges do not fit: such numbers come about by themselves only seldom.
"""

from __future__ import annotations

from bpfsmt.bits import U64_MAX
from bpfsmt.generate.guided.alu import BINARY, DIVISIONS, SHIFTS
from bpfsmt.generate.guided.branches import CONDITIONS, Body, over
from bpfsmt.generate.guided.drawing import Drawing
from bpfsmt.generate.guided.maps import MAPS
from bpfsmt.generate.guided.values import EDGES, immediate, near
from bpfsmt.generate.insns import alu, compare, const, load, value_of
from bpfsmt.isa import AluOp, Class, Instruction, JmpOp

_SINGLE = next(n for n, m in enumerate(MAPS) if m.name == "single")
_X = 0x08
_WIDTHS = (1, 2, 8, 255, 1 << 31, 1 << 32, (1 << 32) - 1)
_LEAVING = (JmpOp.JLT, JmpOp.JGT, JmpOp.JSLT, JmpOp.JSGT, JmpOp.JLE, JmpOp.JGE)


def shaped(d: Drawing, body: Body) -> None:
    """One such number or two, some operations on them, and a compare."""
    first, second, spare = (d.free()[:3] * 3)[:3]
    out = d.draft.label()
    if len({first, second, spare}) == 3 and _unknown(d, first):
        for _ in range(d.number(1, 3)):
            _shape(d, first, spare, out)
        if d.often(1, 2) and _unknown(d, second):
            _shape(d, second, spare, out)
        for _ in range(d.number(1, 3)):
            _operation(d, first, second)
        if first in d.numbers() and not d.done and d.often(1, 2):
            _compared(d, first, second, body)
    d.draft.place(out)


def _unknown(d: Drawing, into: int) -> bool:
    """All of a map's value: nothing is known of it."""
    return d.put(value_of(into, _SINGLE, 0)) and d.put(load(into, into, 8 * d.number(0, 2), 8))


def _word(d: Drawing, number: int, spare: int) -> bool:
    """A number at which something ends, in a register."""
    value = near(d, d.scalar(number)) if d.often(1, 3) else d.one(EDGES)
    return d.put(const(spare, _signed(value)))


def _signed(value: int) -> int:
    return ((value & U64_MAX) ^ 1 << 63) - (1 << 63)


def _shape(d: Drawing, number: int, spare: int, out: int) -> None:
    """Something gets to be known: bits, a half, or a range."""
    if number not in d.numbers() or not _word(d, number, spare):
        return
    match d.one(("range", "window", "window", "bits", "low", "shift")):
        case "window":
            low, signed = d.one(EDGES), d.often(1, 2)
            high = low + d.one(_WIDTHS)
            below, above = (JmpOp.JSLT, JmpOp.JSGT) if signed else (JmpOp.JLT, JmpOp.JGT)
            for op, value in ((below, low), (above, high)):
                if d.put(const(spare, _signed(value))):
                    d.draft.jump(compare(op, number, spare), out)
        case "range":
            d.draft.jump(compare(d.one(_LEAVING), number, spare, wide=d.wide_jump()), out)
        case "bits":
            d.put(alu(d.one((AluOp.AND, AluOp.OR)), number, spare, wide=d.wide()))
        case "low":
            d.put(alu(AluOp.RSH, number, None, 32), alu(AluOp.LSH, number, None, 32))
            d.put(alu(d.one((AluOp.OR, AluOp.ADD)), number, None, d.one((1, 0, 7, 0x7FFFFFFF))))
        case _:
            d.put(alu(d.one(SHIFTS), number, None, d.one((32, 1, 31, 33, 63))))


def _operation(d: Drawing, number: int, other: int) -> None:
    """Any operation, with the other number or a constant."""
    numbers = d.numbers()
    if number not in numbers:
        return
    wide, kind = d.wide(), d.number(0, 5)
    cls = Class.ALU64 if wide else Class.ALU
    if kind == 1 and "extensions" in d.features:
        d.put(
            Instruction(
                cls | AluOp.MOV | _X, number, number, d.one((8, 16, 32) if wide else (8, 16))
            )
        )
        return
    op = d.one(BINARY)
    signed = op in DIVISIONS and "extensions" in d.features and d.often(1, 2)
    if other in numbers and d.often(1, 2):
        d.put(Instruction(cls | op | _X, number, other, int(signed)))
        return
    value = d.one((32, 1, 31, 8)) if op in SHIFTS else immediate(d.one(EDGES))
    value %= (64 if wide else 32) if op in SHIFTS else 1 << 64
    if op in DIVISIONS and not value:
        value = 3
    d.put(
        Instruction(cls | op, number, 0, int(signed), value if op in SHIFTS else immediate(value))
    )


def _compared(d: Drawing, number: int, other: int, body: Body) -> None:
    op, wide = d.one(CONDITIONS), d.wide_jump()
    if other in d.numbers() and d.often(1, 2):
        over(d, compare(op, number, other, wide=wide), body)
    else:
        value = near(d, d.scalar(number))
        over(d, compare(op, number, None, immediate(value), wide=wide), body)
