"""Conditional jumps that split what is known, and what is linked by copies."""

from __future__ import annotations

from collections.abc import Callable

from bpfsmt.bits import U64_MAX
from bpfsmt.domain import RegType
from bpfsmt.generate.guided.drawing import FRAME, Drawing, is_number
from bpfsmt.generate.guided.values import bounds, fits, immediate, turning
from bpfsmt.generate.insns import GOTO, GOTO_FAR, alu, compare, const, load, mov, store
from bpfsmt.isa import AluOp, Instruction, JmpOp

CONDITIONS = (
    JmpOp.JEQ, JmpOp.JNE, JmpOp.JGT, JmpOp.JGE, JmpOp.JLT, JmpOp.JLE, JmpOp.JSGT, JmpOp.JSGE,
    JmpOp.JSLT, JmpOp.JSLE, JmpOp.JSET,
)  # fmt: skip

Body = Callable[[Drawing], None]
"""Draws what a jump leads over."""


def branch(d: Drawing, body: Body) -> None:
    """A jump over something, perhaps with another thing for when it is not taken."""
    insn = condition(d)
    if insn is not None:
        over(d, insn, body, other=body if d.often(1, 4) else None)


def over(d: Drawing, insn: Instruction, body: Body, other: Body | None = None) -> None:
    """Jump over ``body``, or to ``other`` behind it."""
    draft = d.draft
    label = draft.label()
    if not draft.jump(insn, label):
        return
    body(d)
    if other is not None and draft.here and not draft.refused:
        end = draft.label()
        far = "extensions" in d.features and d.often(1, 4)
        draft.jump(GOTO_FAR if far else GOTO, end)
        draft.place(label)
        other(d)
        draft.place(end)
    else:
        draft.place(label)


def condition(d: Drawing, register: int | None = None) -> Instruction | None:
    """A compare of a number (this one) with a constant in its range, or with another number."""
    dst = d.a_number() if register is None else register
    if dst is None:
        return None
    op, wide = d.one(CONDITIONS), d.wide_jump()
    if d.often(1, 3):
        return compare(op, dst, d.a_number(), wide=wide)
    value = turning(d, op, d.scalar(dst))
    if wide and not fits(value) and d.often(2, 3):
        src = d.a_target(dst)
        if d.put(const(src, value)):
            return compare(op, dst, src, wide=wide)
    return compare(op, dst, None, immediate(value), wide=wide)


def linked(d: Drawing, body: Body) -> None:
    """A copy of a number, maybe some distance away or on the stack; then one is compared.

    Both are read behind it: a verifier need not say anything of what is never read again.
    """
    number = d.a_number()
    if number is None:
        return
    copy = d.a_target(number)
    if number not in d.kept and d.often(1, 4):
        d.put(alu(AluOp.MOV, number, number, wide=False))
    if not _copied(d, copy, number):
        return
    distance = _moved_away(d, copy) if d.often(1, 2) else 0
    if d.often(1, 4):
        d.put(store(FRAME, -16, copy, d.one((8, 4))))
    compared = d.one((number, copy))
    if compared not in d.numbers():
        return
    wraps = distance and d.often(1, 2)
    insn = _at_wrap(d, compared, distance) if wraps else condition(d, compared)
    if insn is not None:
        over(d, insn, body)
    for register in (number, copy):
        if register in d.numbers():
            d.put(mov(d.a_target(number, copy), register))


def _copied(d: Drawing, copy: int, number: int) -> bool:
    """By a move, or over the stack: as a whole or its lower part, extended with zeros or sign."""
    if "stack" not in d.features or not d.often(1, 4):
        return d.put(alu(AluOp.MOV, copy, number, wide=d.wide()))
    size = d.one((4, 8, 2, 1))
    signed = size < 8 and "extensions" in d.features and d.often(1, 2)
    spilled = d.put(store(FRAME, -16, number, size))
    return spilled and d.put(load(copy, FRAME, -16, size, signed=signed))


def _moved_away(d: Drawing, copy: int) -> int:
    """Something is added to a copy; gives how much."""
    delta = d.one((1, -1, 5, 255, -128, (1 << 31) - 1, -(1 << 31)))
    op, wide = d.one((AluOp.ADD, AluOp.SUB)), d.often(1, 2) or "alu32" not in d.features
    d.put(alu(op, copy, None, delta, wide=wide))
    return delta if op is AluOp.ADD else -delta


def _at_wrap(d: Drawing, register: int, distance: int) -> Instruction:
    """A compare where what is so far away passes an end of a width, or of its range."""
    ends = (0, 1 << 31, 0, 1 << 31, *bounds(d.scalar(register)))
    value = d.one(ends) - distance + d.one((0, 1, -1)) & U64_MAX
    wide = d.wide_jump() and fits(value)
    return compare(d.one(CONDITIONS), register, None, immediate(value), wide=wide)


def spilled_and_compared(d: Drawing, body: Body) -> None:
    """A number is spilled, compared, and filled again: it should know what was learnt."""
    number = d.a_number()
    if number is None:
        return
    place = d.one((-16, -24, -32))
    if not d.put(store(FRAME, place, number, 8)):
        return
    insn = condition(d, number)
    if insn is None:
        return

    def fill(d: Drawing) -> None:
        d.put(load(d.a_target(), FRAME, place, 8))
        body(d)

    over(d, insn, fill)


def pointers_compared(d: Drawing, body: Body) -> None:
    """Two pointers, or a pointer and a number, are compared."""
    pointers = d.which(lambda reg: reg.type in _COMPARED)
    if not pointers:
        return
    first = d.one(pointers)
    same = [n for n in pointers if d.draft.regs(n)[0].type is d.draft.regs(first)[0].type]
    op = d.one((JmpOp.JEQ, JmpOp.JNE, JmpOp.JGT, JmpOp.JLE))
    insn = compare(op, first, d.one(same))
    if d.often(1, 3):
        insn = compare(d.one((JmpOp.JEQ, JmpOp.JNE)), first, None, 0)
    over(d, insn, body)


_COMPARED = (
    RegType.PTR_TO_PACKET, RegType.PTR_TO_MAP_VALUE, RegType.PTR_TO_STACK,
    RegType.PTR_TO_PACKET_END,
)  # fmt: skip


def bounded(d: Drawing, most: int, out: int) -> int | None:
    """A register (one of its own) with a number in 0..``most``, by what its state asks for.

    A compare that fails goes to the label ``out``.
    """
    fitting = d.which(lambda reg: is_number(reg) and reg.scalar.umax <= most)
    number = d.one(fitting) if fitting and not d.often(1, 3) else d.a_number()
    if number is None:
        return None
    index = d.a_target(number)
    if not d.put(mov(index, number)):
        return None
    most += 1 if d.daring and d.often(1, 3) else 0
    if number not in fitting:
        d.one(_BOUNDS)(d, index, most, out)
    regs = d.draft.regs(index)
    held = all(is_number(reg) and reg.scalar.umax <= most for reg in regs)
    return index if held and regs else None


def _by_mask(d: Drawing, index: int, most: int, out: int) -> None:
    d.put(alu(AluOp.AND, index, None, (1 << (most + 1).bit_length() - 1) - 1, wide=d.wide()))


def _by_compare(d: Drawing, index: int, most: int, out: int) -> None:
    op, limit = d.one(((JmpOp.JGT, most), (JmpOp.JGE, most + 1)))
    d.draft.jump(compare(op, index, None, limit), out)


def _by_signed_compares(d: Drawing, index: int, most: int, out: int) -> None:
    d.draft.jump(compare(JmpOp.JSGT, index, None, most), out)
    op, limit = d.one(((JmpOp.JSLT, 0), (JmpOp.JSLE, -1)))
    d.draft.jump(compare(op, index, None, limit), out)


def _by_narrow_compare(d: Drawing, index: int, most: int, out: int) -> None:
    d.put(alu(AluOp.MOV, index, index, wide=False))
    d.draft.jump(compare(JmpOp.JGT, index, None, most, wide=False), out)


def _by_remainder(d: Drawing, index: int, most: int, out: int) -> None:
    d.put(alu(AluOp.MOD, index, None, most + 1, wide=d.wide()))


def _by_shift(d: Drawing, index: int, most: int, out: int) -> None:
    d.put(alu(AluOp.RSH, index, None, min(65 - (most + 1).bit_length(), 63)))


_BOUNDS = (_by_mask, _by_compare, _by_signed_compares, _by_narrow_compare, _by_remainder, _by_shift)
"""How a number is brought below a limit."""
