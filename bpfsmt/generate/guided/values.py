"""Constants where rules go wrong: near the bounds of what a register holds, and of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.bits import S32_MAX, S32_MIN, U32_MAX, U64_MAX
from bpfsmt.domain import Scalar
from bpfsmt.isa import JmpOp

if TYPE_CHECKING:
    from bpfsmt.generate.guided.drawing import Drawing

EDGES = (
    0, 1, 2, 7, 8, 31, 32, 63, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFE,
    0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 32, (1 << 32) + 1,
    (1 << 63) - 1, 1 << 63, (1 << 63) + 1, 0xFFFFFFFF00000000, 0xFFFFFFFF7FFFFFFF,
    0xFFFFFFFF80000000, U64_MAX - 1, U64_MAX,
)  # fmt: skip
"""Where widths end and signs turn, as unsigned words."""

_KINDS = ("edge", "near", "near", "inside", "small", "any")


def bounds(scalar: Scalar) -> tuple[int, ...]:
    """The ends of each range of a number, and its known bits, as unsigned words."""
    tnum = scalar.var_off
    found = (
        scalar.umin, scalar.umax, scalar.smin & U64_MAX, scalar.smax & U64_MAX,
        scalar.u32min, scalar.u32max, scalar.s32min & U64_MAX, scalar.s32max & U64_MAX,
        tnum.value, tnum.value | tnum.mask, tnum.mask,
    )  # fmt: skip
    return tuple(dict.fromkeys(found))


def middles(scalar: Scalar) -> tuple[int, ...]:
    """A number inside each range."""
    return (
        (scalar.umin + scalar.umax) // 2,
        (scalar.smin + scalar.smax) // 2 & U64_MAX,
        (scalar.u32min + scalar.u32max) // 2,
        (scalar.s32min + scalar.s32max) // 2 & U64_MAX,
    )


def near(d: Drawing, scalar: Scalar) -> int:
    """An unsigned 64-bit word that a compare or an operation on this number may turn at."""
    match d.one(_KINDS):
        case "edge":
            return d.one(EDGES)
        case "near":
            return d.one(bounds(scalar)) + d.one((0, 1, -1)) & U64_MAX
        case "inside":
            return d.one(middles(scalar))
        case "small":
            return d.number(-16, 64) & U64_MAX
    return d.number(0, U64_MAX)


def turning(d: Drawing, op: JmpOp, scalar: Scalar) -> int:
    """A word that a compare of this kind may turn at: for one of single numbers also one that
    the number cannot be, for its bits."""
    if op in (JmpOp.JEQ, JmpOp.JNE) and d.often(1, 2):
        return flipped(d, scalar)
    return near(d, scalar)


def flipped(d: Drawing, scalar: Scalar) -> int:
    """An end of its ranges with one known bit the other way: inside a range, but not a value."""
    value, mask = scalar.var_off
    ones = [bit for bit in range(64) if value >> bit & 1]
    bits = ones or [bit for bit in range(64) if not mask >> bit & 1]
    end = d.one(bounds(scalar))
    return end ^ 1 << d.one(bits) if bits else end


def fits(value: int) -> bool:
    """Whether a word can be an immediate, which is sign-extended from 32 bits."""
    return value <= S32_MAX or value >= U64_MAX + 1 + S32_MIN


def immediate(value: int) -> int:
    """The 32-bit immediate with the low half of a word, signed."""
    low = value & U32_MAX
    return low - (1 << 32) if low >> 31 else low
