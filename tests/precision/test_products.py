"""The comparison of tnum products: tables against brute force, arrays against ints."""

from __future__ import annotations

import itertools
import random

import pytest

pytest.importorskip("numpy")

from bpfsmt.bits import rule
from bpfsmt.domain.scalar import Tnum
from bpfsmt.precision.cases import subsets
from bpfsmt.precision.generations import (
    BEST,
    best_products,
    drawn,
    drawn_few,
    exhaustive,
    products,
)
from bpfsmt.precision.parts import TNUM_PART
from bpfsmt.rules import rule_set

SETS = {n: rule_set(n) for n in ("xdp-paper-hma", "linux-6.12", "linux-6.18")}


def all_tnums(width: int) -> list[Tnum]:
    digits = itertools.product("01u", repeat=width)
    return [Tnum(int("".join(d).replace("u", "0"), 2), _mask(d)) for d in digits]


def _mask(digits: tuple[str, ...]) -> int:
    return int("".join("1" if d == "u" else "0" for d in digits), 2)


def test_the_best_products_are_those_of_all_members() -> None:
    ones, any_ = best_products(3)
    for (i, a), (j, b) in itertools.product(enumerate(all_tnums(3)), repeat=2):
        best = TNUM_PART.hull(x * y & 7 for x in subsets(a) for y in subsets(b))
        assert (ones[i, j], any_[i, j]) == (best.value, best.value | best.mask)


def test_counts_are_those_of_the_rules_on_ints() -> None:
    round_ = exhaustive(products(SETS), 3)
    tnums = all_tnums(3)
    for score in round_.scores:
        if score.second == BEST:
            continue
        f, g = (SETS[n].ints.tnum_mul for n in (score.first, score.second))
        counts = [0, 0, 0, 0]
        for a, b in itertools.product(tnums, repeat=2):
            p, q = (Tnum(t.value & 7, t.mask & 7) for t in (f(a, b), g(a, b)))
            above, below = TNUM_PART.covers(p, q), TNUM_PART.covers(q, p)
            counts[{(1, 1): 0, (0, 1): 1, (1, 0): 2, (0, 0): 3}[int(above), int(below)]] += 1
        assert [score.equal, score.tighter, score.looser, score.apart] == counts


def test_nothing_is_tighter_than_the_best() -> None:
    for round_ in (exhaustive(products(SETS), 4), drawn_few(products(SETS), 5, 50, 4)):
        beside = [s for s in round_.scores if s.second == BEST]
        assert len(beside) == 3
        assert all(s.tighter == s.apart == 0 < s.looser for s in beside)


def test_a_product_that_was_made_looser_is_seen() -> None:
    @rule
    def tnum_mul_step(acc: Tnum, a: Tnum, b: Tnum) -> Tnum:
        return Tnum(0, acc.mask | acc.value | 1)

    sets = {"right": SETS["linux-6.18"], "wrong": SETS["linux-6.18"].derive("w", tnum_mul_step)}
    (score,) = drawn(products(sets), 1, 100).scores
    assert score.pairs == 100
    assert score.equal < 100


def test_the_example_of_the_commit_that_made_the_second_generation() -> None:
    """Kernel commit 05924717ac70: (1;2) times (38;1), of eight bits."""
    a, b = Tnum(1, 2), Tnum(38, 1)
    said = {n: s.ints.tnum_mul(a, b) for n, s in SETS.items()}
    assert TNUM_PART.covers(Tnum(0, 255), said["xdp-paper-hma"])
    assert said["xdp-paper-hma"].mask == 255
    assert said["linux-6.12"] == Tnum(32, 95)


@pytest.mark.parametrize("name", SETS)
def test_low_bits_of_a_product_depend_on_low_bits_alone(name: str) -> None:
    """What lets the 64-bit rule stand for that of fewer bits."""
    rng = random.Random(name)
    mul = SETS[name].ints.tnum_mul
    for _ in range(200):
        keep = (1 << rng.randrange(1, 64)) - 1
        a, b = (_random(rng) for _ in range(2))
        assert _cut(mul(a, b), keep) == _cut(mul(_cut(a, keep), _cut(b, keep)), keep)


def _cut(t: Tnum, keep: int) -> Tnum:
    return Tnum(t.value & keep, t.mask & keep)


def _random(rng: random.Random) -> Tnum:
    mask = rng.getrandbits(64) & rng.getrandbits(64)
    return Tnum(rng.getrandbits(64) & ~mask, mask)
