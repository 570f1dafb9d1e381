"""Inputs of every precision: they stand for their numbers, and come back to what told."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from bpfsmt.domain.gamma import scalar_contains
from bpfsmt.domain.scalar import UNKNOWN, Scalar, const
from bpfsmt.precision.compare import Comparer
from bpfsmt.precision.varied import Varied
from bpfsmt.prover.obligation import Drawn
from bpfsmt.rules import rule_set


def drawn() -> Iterator[Drawn]:
    return itertools.repeat(((UNKNOWN, 7, const(3)), (5, 7, 3)))


def of(varied: Varied, count: int) -> Iterator[Drawn]:
    return itertools.islice(varied.inputs(drawn()), count)


@pytest.mark.parametrize("settle", [lambda r: r, rule_set("linux-6.12").ints.sync])
def test_every_scalar_stands_for_its_number_and_words_stay(settle) -> None:  # type: ignore[no-untyped-def]
    varied = Varied(random.Random(1), settle)
    for args, numbers in of(varied, 2000):
        a, word, b = args
        assert (word, numbers[1]) == (7, 7)
        assert scalar_contains(a, numbers[0]) and scalar_contains(b, numbers[2])
        if a.umin > 9:
            varied.told((args, numbers))


def test_a_scalar_that_does_not_stand_for_the_number_is_left_alone() -> None:
    """Where an obligation has its numbers in another order."""
    varied = Varied(random.Random(1), lambda r: r)
    for args, _ in itertools.islice(varied.inputs(itertools.repeat(((const(3),), (4,)))), 50):
        assert args == (const(3),)


def test_ranges_of_all_sizes_are_drawn() -> None:
    varied = Varied(random.Random(1), lambda r: r)
    sizes = Counter((args[0].umax - args[0].umin).bit_length() for args, _ in of(varied, 4000))
    assert all(sizes[bits] for bits in range(65))


def test_what_told_is_varied_in_one_part() -> None:
    def near(r: Scalar) -> bool:
        return sum(x != y for x, y in zip(r, told, strict=True)) <= 2 and r != told

    told = Scalar(UNKNOWN.var_off, 1 << 40, 1 << 41, -5, 1 << 42, 0, 77, -9, 88)
    varied = Varied(random.Random(1), lambda r: r)
    number = (1 << 40) + 12
    assert not any(near(args[0]) for args, _ in of(varied, 1000))
    varied.told(((told, 7, const(3)), (number, 7, 3)))
    assert sum(near(args[0]) for args, _ in of(varied, 1000)) > 100


@pytest.mark.slow
def test_two_releases_differ_both_ways_on_what_no_register_is() -> None:
    comparer = Comparer(rule_set("linux-6.12"), rule_set("linux-6.18"), 2)
    found = comparer.compare("alu64_sub")
    assert (found.verdict, found.inputs) == ("incomparable", "unsynced")
