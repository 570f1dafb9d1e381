"""Arithmetic of both widths on numbers, with operands near where the result turns."""

from __future__ import annotations

from bpfsmt.bits import U64_MAX
from bpfsmt.domain import Scalar
from bpfsmt.generate.guided.drawing import Drawing
from bpfsmt.generate.guided.values import EDGES, immediate, near
from bpfsmt.generate.insns import alu, mov
from bpfsmt.isa import AluOp, Class, Instruction

BINARY = (
    AluOp.ADD, AluOp.SUB, AluOp.AND, AluOp.OR, AluOp.XOR, AluOp.MUL, AluOp.LSH, AluOp.RSH,
    AluOp.ARSH, AluOp.DIV, AluOp.MOD,
)  # fmt: skip
SHIFTS = (AluOp.LSH, AluOp.RSH, AluOp.ARSH)
DIVISIONS = (AluOp.DIV, AluOp.MOD)
_X = 0x08


def arithmetic(d: Drawing) -> None:
    """One operation with an immediate or between two numbers."""
    dst = _operand(d)
    if dst is None:
        return
    op, wide = d.one(BINARY), d.wide()
    if d.often(1, 2):
        src = d.a_number()
        d.put(alu(op, dst, src, wide=wide))
    else:
        d.put(alu(op, dst, None, operand(d, op, d.scalar(dst), wide), wide=wide))


def signed_division(d: Drawing) -> None:
    """The signed forms of division and remainder."""
    dst = _operand(d)
    if dst is None:
        return
    op, cls = d.one(DIVISIONS), Class.ALU64 if d.wide() else Class.ALU
    if d.often(1, 3):
        d.put(Instruction(cls | op | _X, dst, d.a_number() or 0, 1))
    else:
        imm = d.one((1, -1, 2, -2, -(1 << 31), (1 << 31) - 1, operand(d, op, d.scalar(dst), True)))
        d.put(Instruction(cls | op, dst, 0, 1, imm))


def negation(d: Drawing) -> None:
    """``dst = -dst``."""
    dst = _operand(d)
    if dst is not None:
        d.put(alu(AluOp.NEG, dst, None, wide=d.wide()))


def truncation(d: Drawing) -> None:
    """``w1 = w2``: the low half of a number."""
    src = d.a_number()
    if src is not None:
        d.put(alu(AluOp.MOV, d.a_target(), src, wide=False))


def sign_extension(d: Drawing) -> None:
    """``r1 = (s8)r2`` and so on."""
    src = d.a_number()
    if src is None:
        return
    cls = Class.ALU64 if d.wide() else Class.ALU
    bits = d.one((8, 16, 32) if cls is Class.ALU64 else (8, 16))
    d.put(Instruction(cls | AluOp.MOV | _X, d.a_target(), src, bits))


def byte_order(d: Drawing) -> None:
    """Conversions to little and big endian."""
    dst = _operand(d)
    if dst is not None:
        to_big = d.one((_X, 0))
        d.put(Instruction(Class.ALU | AluOp.END | to_big, dst, imm=d.one((16, 32, 64))))


def byte_swap(d: Drawing) -> None:
    """``bswap``, whatever the machine's order."""
    dst = _operand(d)
    if dst is not None:
        d.put(Instruction(Class.ALU64 | AluOp.END, dst, imm=d.one((16, 32, 64))))


def sign_mask(d: Drawing) -> None:
    """0 or -1 by the sign of a number, and something masked with it."""
    number = d.a_number(*d.kept)
    if number is None:
        return
    wide = d.wide()
    mask = d.a_target(number)
    d.put(mov(mask, number))
    d.put(alu(AluOp.ARSH, mask, None, 63 if wide else 31, wide=wide))
    value = d.one(EDGES)
    d.put(alu(d.one((AluOp.AND, AluOp.OR)), mask, None, immediate(value), wide=wide))


def operand(d: Drawing, op: AluOp, scalar: Scalar, wide: bool) -> int:
    """An immediate that the operation admits, where its result may turn."""
    if op in SHIFTS:
        bits = 64 if wide else 32
        usual = (1, 8, 16, bits // 2 - 1, bits // 2, bits // 2 + 1, bits - 1, 0)
        return d.one((*usual, bits) if d.daring else usual)
    value = near(d, scalar)
    if op is AluOp.AND and d.often(1, 2):
        value = (1 << d.number(1, 33)) - 1
    elif op is AluOp.ADD and d.often(1, 2):
        value = -value & U64_MAX
    found = immediate(value)
    return (found or 1) if op in DIVISIONS else found


def _operand(d: Drawing) -> int | None:
    """A number that may be changed."""
    return d.a_number(*d.kept)
