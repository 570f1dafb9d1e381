"""Inputs whose parts are known with every precision, and variations of those that told.

Two rule sets may differ on few inputs only, and which of them says more there may depend on how
far the ends of several parts lie from the number: so these distances are drawn from all powers
of two, and of inputs on which the results differed one part at a time is drawn anew.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bpfsmt.domain.gamma import scalar_contains
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.prover.obligation import Drawn

U64 = (1 << 64) - 1

KEPT = 300
"""So many inputs that told are varied, the latest."""

RANGES = (("u", 64, "umin", "umax"), ("s", 64, "smin", "smax"),
          ("u", 32, "u32min", "u32max"), ("s", 32, "s32min", "s32max"))  # fmt: skip
PARTS = len(RANGES) + 1


class Varied:
    """Draws scalars anew around the numbers that they stand for; they go through ``settle`` then.

    `told` says that an input is worth varying.
    """

    def __init__(self, rng: random.Random, settle: Callable[[Scalar], Scalar]) -> None:
        self._rng, self._settle = rng, settle
        self._kept: list[Drawn] = []
        self._varies = False

    def inputs(self, drawn: Iterable[Drawn]) -> Iterator[Drawn]:
        """As many as are drawn, with the numbers that they stand for."""
        for args, numbers in drawn:
            self._varies = bool(self._kept) and self._rng.random() < 0.5
            if self._varies:
                yield self._with_one_part_new(*self._rng.choice(self._kept))
            else:
                yield self._all_new(args, numbers)

    def told(self, input_: Drawn) -> None:
        """The results differed on this one; what varies another is not varied once more."""
        if not self._varies:
            self._kept = [*self._kept[1 - KEPT :], input_]

    def _all_new(self, args: tuple[Any, ...], numbers: tuple[int, ...]) -> Drawn:
        found, stand_for = list(args), list(numbers)
        forget = self._rng.choice((0.2, 0.5, 0.8))
        for i in _scalars(args, numbers):
            if self._rng.random() < 0.5:
                stand_for[i] = self._number()
            found[i] = UNKNOWN
            for part in range(PARTS):
                if self._rng.random() > forget:
                    found[i] = self._part_new(found[i], part, stand_for[i])
            found[i] = self._settle(found[i])
        return tuple(found), tuple(stand_for)

    def _number(self) -> int:
        """Any, or the sum of two powers of two and what is small beside them, or their difference.

        These are where words of both widths wrap, or change their sign.
        """
        if self._rng.random() < 0.3:
            return self._rng.getrandbits(64)
        high, low = (1 << self._rng.choice((0, 15, 16, 31, 32, 33, 62, 63)) for _ in range(2))
        return (high + self._rng.choice((1, -1)) * low + self._rng.randrange(-20, 21)) & U64

    def _with_one_part_new(self, args: tuple[Any, ...], numbers: tuple[int, ...]) -> Drawn:
        found = list(args)
        scalars = _scalars(args, numbers)
        if scalars:
            i = self._rng.choice(scalars)
            found[i] = self._settle(self._part_new(args[i], self._rng.randrange(PARTS), numbers[i]))
        return tuple(found), numbers

    def _part_new(self, r: Scalar, part: int, x: int) -> Scalar:
        if part == PARTS - 1:
            return r._replace(var_off=self._tnum(x))
        sign, bits, low, high = RANGES[part]
        value = x & (1 << bits) - 1
        value -= value >> bits - 1 << bits if sign == "s" else 0
        ends = getattr(UNKNOWN, low), getattr(UNKNOWN, high)
        near = max(ends[0], value - self._slack(bits)), min(ends[1], value + self._slack(bits))
        return r._replace(**dict(zip((low, high), near, strict=True)))

    def _slack(self, bits: int) -> int:
        bits = self._rng.choice((0, self._rng.randrange(1, bits + 1)))
        return self._rng.getrandbits(bits)

    def _tnum(self, x: int) -> Tnum:
        """Of x, with a share of its bits unknown, or runs of them."""
        mask = self._rng.getrandbits(64)
        for _ in range(self._rng.randrange(3)):
            mask |= self._rng.getrandbits(64)
        if self._rng.random() < 0.3:
            mask &= self._rng.getrandbits(64)
        for unknown in (U64 << 32, 1 << 63, 1 << 31, U64):
            if self._rng.random() < 0.3:
                mask |= unknown & U64
        return Tnum(x & ~mask, mask)


def _scalars(args: tuple[Any, ...], numbers: tuple[int, ...]) -> list[int]:
    """Which arguments are scalars that stand for the number in their place."""
    pairs = enumerate(zip(args, numbers, strict=False))
    return [i for i, (a, x) in pairs if isinstance(a, Scalar) and scalar_contains(a, x)]
