"""The products of tnums compared with one another and with the best, as in the CGO'22 paper.

Up to eight bits all pairs of tnums are tried.  The low n bits of each rule's product depend
on the low n bits of its operands alone, so the 64-bit rule, cut to n bits, is the rule of n
bits: nothing is written a second time.  At 64 bits pairs are drawn.

The best product of n bits is known for all pairs at once: of two known numbers it is their
product; where a bit is unknown, it is the union of the best with the bit clear and set.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bpfsmt.bits.arrays import Lanes, np
from bpfsmt.domain.scalar import Tnum
from bpfsmt.precision.cases import subsets
from bpfsmt.precision.parts import TNUM_PART
from bpfsmt.rules.ruleset import RuleSet

ALL = (1 << 64) - 1
BEST = "best"

FEW_UNKNOWN = 6
"""Drawn operands beside which the best product is known have so many unknown bits at most."""

MOST = 2000
"""So many pairs of these at most: all members are multiplied."""

LANES = 1 << 15
"""So many pairs at a time: what an operation reads and writes stays in the cache."""


@dataclass(slots=True)
class Score:
    """How two products compare over some pairs of operands; ``first`` and ``second`` name them.

    ``tighter`` counts the pairs on which the first says strictly more, ``looser`` those on
    which the second does, ``apart`` those where neither contains the other.
    """

    first: str
    second: str
    width: int
    equal: int = 0
    tighter: int = 0
    looser: int = 0
    apart: int = 0

    @property
    def pairs(self) -> int:
        """How many pairs were compared."""
        return self.equal + self.tighter + self.looser + self.apart


@dataclass(slots=True)
class Unknown:
    """How many bits of a product are unknown, over some pairs; and the pairs where it is best."""

    name: str
    width: int
    bits: int = 0
    pairs: int = 0

    @property
    def mean(self) -> float:
        """Unknown bits per product."""
        return self.bits / self.pairs


@dataclass(frozen=True, slots=True)
class Round:
    """All that was counted at one width; ``seed`` and ``count`` are 0 where all pairs were tried.

    ``unknown`` is the most unknown bits that an operand was drawn with, 64 for any number.
    """

    width: int
    scores: list[Score]
    means: list[Unknown]
    seed: int = 0
    count: int = 0
    unknown: int = 64


Products = Mapping[str, Callable[[Any, Any], Any]]
"""Products of arrays of tnums by name."""


def products(sets: Mapping[str, RuleSet]) -> Products:
    """The ``tnum_mul`` of each rule set, on arrays."""
    return {n: functools.partial(_product, Lanes(s.linked)) for n, s in sets.items()}


def _product(lanes: Lanes, a: Tnum, b: Tnum) -> Tnum:
    """In every lane a number, also where it is the same one in all."""
    found = lanes.run("tnum_mul", a, b)
    return Tnum(*np.broadcast_arrays(found.value, found.mask, a.value, b.value)[:2])


def exhaustive(
    of: Products, width: int, progress: Callable[[float], None] = lambda _: None
) -> Round:
    """All pairs of tnums of ``width`` bits; ``progress`` is told which share is done."""
    value, mask = (np.array(c, dtype=np.uint64) for c in zip(*_ternary(width), strict=True))
    ones, any_ = best_products(width)
    round_ = _empty(of, width)
    keep = np.uint64((1 << width) - 1)
    rows = max(1, LANES // len(value))
    for start in range(0, len(value), rows):
        block = slice(start, start + rows)
        a = Tnum(*(np.repeat(c[block], len(value)) for c in (value, mask)))
        b = Tnum(*(np.tile(c, len(value[block])) for c in (value, mask)))
        found = {n: _cut(f(a, b), keep) for n, f in of.items()}
        best, any_best = (t[block].ravel().astype(np.uint64) for t in (ones, any_))
        found[BEST] = Tnum(best, any_best ^ best)
        _count(round_, found)
        progress(min(start + rows, len(value)) / len(value))
    return round_


def _ternary(width: int) -> Iterator[tuple[int, int]]:
    """Every tnum as value and mask; the digits 0, 1, unknown count up from the highest bit."""
    for digits in itertools.product(((0, 0), (1, 0), (0, 1)), repeat=width):
        yield (
            sum(v << (width - 1 - i) for i, (v, _) in enumerate(digits)),
            sum(m << (width - 1 - i) for i, (_, m) in enumerate(digits)),
        )


def best_products(width: int) -> tuple[Any, Any]:
    """For all pairs of tnums: the bits that are 1 in every product of members, and in any.

    Two tables of 3**width rows and columns, in the order of `_ternary`.
    """
    numbers = np.arange(1 << width, dtype=np.uint64)
    table = (numbers[:, None] * numbers[None, :] & np.uint64((1 << width) - 1)).astype(np.uint16)
    shape = (2,) * (2 * width)
    return tuple(
        _with_unknown(table.reshape(shape), join).reshape(3**width, 3**width)
        for join in (np.bitwise_and, np.bitwise_or)
    )


def _with_unknown(table: Any, join: Any) -> Any:
    """Each axis, a bit clear or set, gets a third place: unknown, the join of the two."""
    for axis in range(table.ndim):
        clear, set_ = table.take([0], axis), table.take([1], axis)
        table = np.concatenate([clear, set_, join(clear, set_)], axis)
    return table


def drawn(of: Products, seed: int, count: int) -> Round:
    """Pairs of 64-bit tnums drawn at random: each bit 0, 1 or unknown, all the same likely."""
    rng = np.random.default_rng(seed)
    a, b = (_random(rng, count) for _ in range(2))
    round_ = _empty(of, 64)
    for start in range(0, count, LANES):
        x, y = (_lanes(t, start) for t in (a, b))
        _count(round_, {n: f(x, y) for n, f in of.items()})
    return Round(64, round_.scores, round_.means, seed, count)


def _lanes(t: Any, start: int) -> Tnum:
    return Tnum(*(c[start : start + LANES] for c in t))


def _random(rng: Any, count: int) -> Tnum:
    value, mask = (np.zeros(count, dtype=np.uint64) for _ in range(2))
    for bit in range(64):
        digit = rng.integers(0, 3, count)
        value |= (digit == 1).astype(np.uint64) << np.uint64(bit)
        mask |= (digit == 2).astype(np.uint64) << np.uint64(bit)
    return Tnum(value, mask)


def drawn_few(of: Products, seed: int, count: int, unknown: int) -> Round:
    """Pairs of 64-bit tnums with ``unknown`` unknown bits at most, beside the best.

    The best is known by multiplying all members.
    """
    rng = random.Random(seed)
    pairs = [(_few(rng, unknown), _few(rng, unknown)) for _ in range(count)]
    sides = [Tnum(*(np.array(c, dtype=np.uint64) for c in zip(*side, strict=True)))
             for side in zip(*pairs, strict=True)]  # fmt: skip
    best = [TNUM_PART.hull(x * y & ALL for x in subsets(a) for y in subsets(b)) for a, b in pairs]
    found = {n: f(*sides) for n, f in of.items()}
    found[BEST] = Tnum(*(np.array(c, dtype=np.uint64) for c in zip(*best, strict=True)))
    round_ = _empty(of, 64)
    _count(round_, found)
    return Round(64, round_.scores, round_.means, seed, count, unknown)


def _few(rng: random.Random, unknown: int) -> Tnum:
    mask = sum(1 << i for i in rng.sample(range(64), rng.randint(0, unknown)))
    length = rng.randint(1, 64)
    return Tnum(rng.getrandbits(length) & ~mask, mask)


def _empty(of: Products, width: int) -> Round:
    pairs = list(itertools.combinations(of, 2))
    if width < 64:
        pairs += [(n, BEST) for n in of]
    return Round(width, [Score(*p, width) for p in pairs], [])


def _cut(t: Tnum, keep: Any) -> Tnum:
    return Tnum(t.value & keep, t.mask & keep)


def _count(round_: Round, found: Mapping[str, Tnum]) -> None:
    """Add how the products on some pairs compare."""
    known = {(s.first, s.second) for s in round_.scores}
    for pair in itertools.combinations(found, 2):
        if pair not in known:
            round_.scores.append(Score(*pair, round_.width))
    for score in round_.scores:
        a, b = found[score.first], found[score.second]
        above, below = _covers(a, b), _covers(b, a)
        score.equal += int(np.count_nonzero(above & below))
        score.tighter += int(np.count_nonzero(below & ~above))
        score.looser += int(np.count_nonzero(above & ~below))
        score.apart += int(np.count_nonzero(~above & ~below))
    if not round_.means:
        round_.means.extend(Unknown(n, round_.width) for n in found)
    for mean in round_.means:
        mask: Any = found[mean.name].mask
        mean.bits += int(np.bitwise_count(mask).sum())
        mean.pairs += mask.size


def _covers(big: Any, small: Any) -> Any:
    """γ(small) lies inside γ(big), in each lane."""
    known = ~big.mask
    return (small.mask & known == 0) & (small.value & known == big.value)
