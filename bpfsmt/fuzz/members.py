"""Numbers that a scalar stands for, those first at which a rule may turn."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator, Sequence

from bpfsmt.domain.gamma import scalar_contains
from bpfsmt.domain.reg import ADD_CONST32, Reg
from bpfsmt.domain.scalar import Scalar
from bpfsmt.generate.guided.values import EDGES, bounds, middles

_U64 = (1 << 64) - 1
_LOW = (1 << 32) - 1
_ANY = 8
_TRIES = 12
_GUESSES = 4

contains = scalar_contains.alone.ints[scalar_contains.name]
"""x ∈ γ(scalar), on numbers."""


@functools.lru_cache(maxsize=1 << 14)
def members(scalar: Scalar) -> Sequence[int]:
    """Some numbers in γ(scalar), the same for the same scalar; none if none was met."""
    value, mask = scalar.var_off
    if not mask:
        return (value,) if contains(scalar, value) else ()
    found = (n & mask | value for n in _near(scalar))
    return tuple(dict.fromkeys(n for n in found if contains(scalar, n)))


def _near(scalar: Scalar) -> Iterator[int]:
    """The ends of its ranges and of widths, both halves of these put together, and others."""
    ends = bounds(scalar)
    for end in ends:
        yield from (end, end - 1 & _U64, end + 1 & _U64)
    yield from middles(scalar)
    highs = (scalar.umin & ~_LOW, scalar.umax & ~_LOW, scalar.smin & _U64 & ~_LOW)
    lows = (scalar.u32min, scalar.u32max, scalar.s32min & _LOW, scalar.s32max & _LOW)
    yield from (high | low for high in dict.fromkeys(highs) for low in lows)
    yield from EDGES
    rng = random.Random(0)
    wide = (scalar.umax - scalar.umin).bit_length()
    for bits in (wide, 64):
        for _ in range(_ANY):
            yield scalar.umin + rng.getrandbits(bits or 1) & _U64


def member(scalar: Scalar, near: Sequence[int], rng: random.Random) -> int | None:
    """A number in γ(scalar), often one of these others; `None` if none was met."""
    if scalar.var_off.mask and near and rng.random() < 0.5:
        for _ in range(_GUESSES):
            guess = rng.choice(near)
            if contains(scalar, guess):
                return guess
    known = members(scalar)
    return rng.choice(known) if known else None


def linked_members(
    regs: Sequence[Reg], near: Sequence[int], rng: random.Random
) -> list[int] | None:
    """One number for each of these registers, which are linked by one id; `None` if the tries
    met none.  They are equal but for their distances, or low halves of such numbers."""
    for _ in range(_TRIES):
        lead = rng.choice(regs)
        number = member(lead.scalar, near, rng)
        if number is None:
            return None
        base = number - lead.off
        if lead.id & ADD_CONST32:
            base = base & _LOW | rng.choice((0, 1, _LOW)) << 32
        numbers = [_at(reg, base) for reg in regs]
        if all(contains(reg.scalar, n) for reg, n in zip(regs, numbers, strict=True)):
            return numbers
    return None


def _at(reg: Reg, base: int) -> int:
    return base + reg.off & (_LOW if reg.id & ADD_CONST32 else _U64)
