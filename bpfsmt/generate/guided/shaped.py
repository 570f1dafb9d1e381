"""Numbers of which something particular is known, and what is done with them at once.

A rule goes wrong where ranges cross the ends of widths, where halves know different things, and
where bits and ranges do not fit: such numbers come about by themselves only seldom.
"""

from __future__ import annotations

from bpfsmt.bits import U64_MAX
from bpfsmt.generate.guided.alu import BINARY, DIVISIONS, SHIFTS
from bpfsmt.generate.guided.branches import CONDITIONS, Body, over
from bpfsmt.generate.guided.drawing import Drawing
from bpfsmt.generate.guided.maps import MAPS
from bpfsmt.generate.guided.values import EDGES, fits, flipped, immediate, turning
from bpfsmt.generate.insns import alu, compare, const, load, value_of
from bpfsmt.isa import AluOp, Class, Instruction, JmpOp

_SINGLE = next(n for n, m in enumerate(MAPS) if m.name == "single")
_X = 0x08
_WIDTHS = (1, 2, 8, 255, 1 << 31, 1 << 32, (1 << 32) - 1)
_LEAVING = (
    JmpOp.JLT, JmpOp.JGT, JmpOp.JSLT, JmpOp.JSGT, JmpOp.JLE, JmpOp.JGE, JmpOp.JEQ, JmpOp.JNE,
    JmpOp.JSET,
)  # fmt: skip
_LEAST = (1 << 63, 1 << 31, 0xFFFFFFFF80000000)
_DIVISORS = (2, U64_MAX, 0, 10, 0x100, (1 << 32) + 1, (1 << 32) + 6, 1 << 63, 1 << 31)


def shaped(d: Drawing, body: Body) -> None:
    """One such number or two, some operations on them, and a compare."""
    first, second, spare = (d.free()[:3] * 3)[:3]
    out = d.draft.label()
    if len({first, second, spare}) == 3 and unknown(d, first):
        for _ in range(d.number(1, 3)):
            shape(d, first, spare, out)
        if d.often(1, 2) and unknown(d, second):
            shape(d, second, spare, out)
        elif d.often(1, 2):
            _constant(d, second, d.one(EDGES))
        for _ in range(d.number(1, 3)):
            operation(d, first, second)
        if first in d.numbers() and not d.done and d.often(1, 2):
            _compared(d, first, second, body)
    d.draft.place(out)


def divided(d: Drawing) -> None:
    """A division between registers, where quotients do not fit or there is none."""
    dst, src = (d.free()[:2] * 2)[:2]
    if dst == src:
        return
    for register, ends in ((dst, d.one((_LEAST, EDGES))), (src, _DIVISORS)):
        if d.often(1, 2):
            _constant(d, register, d.one(ends))
        elif register not in d.numbers() or d.often(1, 2):
            unknown(d, register)
    numbers = d.numbers()
    if dst in numbers and src in numbers:
        signed = "extensions" in d.features and d.often(1, 2)
        cls = Class.ALU if "alu32" in d.features and d.often(1, 2) else Class.ALU64
        d.put(Instruction(cls | d.one(DIVISIONS) | _X, dst, src, int(signed)))


def unknown(d: Drawing, into: int) -> bool:
    """All of a map's value, or a part of it: nothing else is known."""
    size = 4 if d.often(1, 6) else 8
    return d.put(value_of(into, _SINGLE, 0)) and d.put(load(into, into, 8 * d.number(0, 2), size))


def _constant(d: Drawing, register: int, value: int) -> bool:
    return d.put(const(register, (value & U64_MAX ^ 1 << 63) - (1 << 63)))


def compared(
    d: Drawing, op: JmpOp, number: int, value: int, spare: int, *, wide: bool
) -> Instruction | None:
    """A compare with a word: as an immediate, or where that is too narrow by way of a register."""
    if not wide or (fits(value) and d.often(1, 2)):
        return compare(op, number, None, immediate(value), wide=wide)
    return compare(op, number, spare) if _constant(d, spare, value) else None


def _leave(d: Drawing, op: JmpOp, number: int, value: int, spare: int, out: int) -> None:
    """Unless a compare fails, the program goes elsewhere."""
    insn = compared(d, op, number, value, spare, wide=_wide(d))
    if insn is not None:
        d.draft.jump(insn, out)


def _wide(d: Drawing) -> bool:
    """64 bits or 32, each as often: halves are what goes wrong."""
    return "jmp32" not in d.features or d.often(1, 2)


def shape(d: Drawing, number: int, spare: int, out: int) -> None:
    """Something gets to be known: bits, a half, or a range."""
    if number not in d.numbers():
        return
    kind = d.one(("range", "window", "bits", "low", "shift", "range", "window", "bits"))
    if kind == "window":
        _window(d, number, spare, out)
    elif kind == "range":
        op = d.one(_LEAVING)
        value = turning(d, op, d.scalar(number)) if d.often(1, 2) else d.one(EDGES)
        _leave(d, op, number, value, spare, out)
    elif kind == "bits":
        _bits(d, number, spare, out)
    elif kind == "low":
        d.put(alu(AluOp.RSH, number, None, 32), alu(AluOp.LSH, number, None, 32))
        d.put(alu(d.one((AluOp.OR, AluOp.ADD)), number, None, d.one((1, 0, 7, 0x7FFFFFFF))))
    else:
        wide = d.wide()
        by = (32, 1, 31, 33, 63) if wide else (31, 1, 16)
        d.put(alu(d.one(SHIFTS), number, None, d.one(by), wide=wide))


def _bits(d: Drawing, number: int, spare: int, out: int) -> None:
    """Some bits get to be known; maybe then a compare with what only they rule out."""
    op, bit = d.one((AluOp.OR, AluOp.AND)), 1 << d.number(0, 63)
    value = d.one((bit if op is AluOp.OR else U64_MAX ^ bit, d.one(EDGES)))
    if not _constant(d, spare, value) or not d.put(alu(op, number, spare, wide=d.wide())):
        return
    if d.often(1, 2):
        _leave(d, d.one((JmpOp.JNE, JmpOp.JEQ)), number, flipped(d, d.scalar(number)), spare, out)


def _window(d: Drawing, number: int, spare: int, out: int) -> None:
    """A range between two words, which may lie on both sides of where a width ends."""
    low, signed = d.one(EDGES), d.often(1, 2)
    high = low + d.one(_WIDTHS) & U64_MAX
    below, above = (JmpOp.JSLT, JmpOp.JSGT) if signed else (JmpOp.JLT, JmpOp.JGT)
    wide = _wide(d)
    for op, value in ((below, low), (above, high)):
        insn = compared(d, op, number, value, spare, wide=wide)
        if insn is not None:
            d.draft.jump(insn, out)


def operation(d: Drawing, number: int, other: int) -> None:
    """Any operation, with the other number or a constant."""
    numbers = d.numbers()
    if number not in numbers:
        return
    wide, kind = d.wide(), d.number(0, 5)
    cls = Class.ALU64 if wide else Class.ALU
    if kind == 1 and "extensions" in d.features:
        bits = d.one((8, 16, 32) if wide else (8, 16))
        d.put(Instruction(cls | AluOp.MOV | _X, number, number, bits))
        return
    if kind == 2 and not wide:
        d.put(alu(AluOp.MOV, number, number, wide=False))
        return
    op = d.one(BINARY)
    signed = op in DIVISIONS and "extensions" in d.features and d.often(1, 2)
    if other in numbers and d.often(1, 2):
        d.put(Instruction(cls | op | _X, number, other, int(signed)))
    else:
        d.put(Instruction(cls | op, number, 0, int(signed), _operand(d, op, wide)))


def _operand(d: Drawing, op: AluOp, wide: bool) -> int:
    if op in SHIFTS:
        return d.one((32, 1, 31, 8)) % (64 if wide else 32)
    value = immediate(d.one(EDGES))
    return value or 3 if op in DIVISIONS else value


def _compared(d: Drawing, number: int, other: int, body: Body) -> None:
    op, wide = d.one(CONDITIONS), _wide(d)
    if other in d.numbers() and d.often(1, 2):
        over(d, compare(op, number, other, wide=wide), body)
    else:
        value = turning(d, op, d.scalar(number))
        over(d, compare(op, number, None, immediate(value), wide=wide), body)
