"""What statements, records, tuples and calls mean, on ints and on terms."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from bpfsmt import bits
from bpfsmt.bits import Word, bit_length, record, replace, rule, s8, s64, u8, u32, u64
from bpfsmt.bits.types import TupleType

from .agree import Agreement, both


@rule
def grade(x: u64) -> u64:
    """Returns on some paths, falls through on others."""
    if x < 10:
        if x == 3:
            return 33
        x = x + 100
    elif x < 20:
        return 20
    else:
        y = x * 2
        x = y
    if x & 1 == 1:
        return x
    return x + 1


def test_conditional_returns() -> None:
    want = {3: 33, 4: 105, 5: 105, 12: 20, 20: 41, 2**63: 1}
    assert {x: both(grade, x) for x in want} == want


@rule
def name_on_both_sides(c: bool, a: u64) -> u64:
    """A name that each side of a branch assigns exists after it."""
    if c:
        x = a + 1
    else:
        x = a + 2
        a = 0
    x += a
    return x


def test_names_assigned_on_both_sides() -> None:
    assert both(name_on_both_sides, True, 5) == 11
    assert both(name_on_both_sides, False, 5) == 7


@record
class Pair(NamedTuple):
    """Two words."""

    low: u64
    high: u64


@rule
def same_on_both_sides(c: bool, x: u64, a: Pair, b: Pair) -> tuple[u64, u64]:
    """Names that a branch brings: the same value on both sides, and another."""
    if c:
        y = x
        p = a
        q = b
    else:
        y = x
        p = a
        q = p
    return y + p.low, q.high


def test_new_names_for_what_was_there_before() -> None:
    assert both(same_on_both_sides, True, 7, Pair(u64(1), u64(2)), Pair(u64(3), u64(4))) == (8, 4)
    assert both(same_on_both_sides, False, 7, Pair(u64(1), u64(2)), Pair(u64(3), u64(4))) == (8, 2)


@rule
def count_down(x: u64, stop: u64) -> tuple[u64, u64]:
    """Two breaks in one loop, with statements before, between and after them."""
    rounds: u64 = 0
    for i in range(5):
        if x == stop:
            break
        x = x - 1
        rounds = i + 1
        if x & 7 == 0:
            break
        x = x ^ (i << 8)
    return x, rounds


def plain_count_down(x: int, stop: int) -> tuple[int, int]:
    rounds = 0
    for i in range(5):
        if x == stop:
            break
        x = (x - 1) % 2**64
        rounds = i + 1
        if x % 8 == 0:
            break
        x ^= i * 256
    return x, rounds


def test_loops_with_breaks() -> None:
    agreement = Agreement(count_down)
    for x in (*range(20), 256, 257, 2**64 - 1):
        for stop in (*range(0, 20, 3), 255):
            assert count_down(x, stop) == plain_count_down(x, stop)
            agreement.check(x, stop)
    both(count_down, 9, 3)


@rule
def table(n: u64, stop: u64) -> u64:
    """Loops in loops, the inner one broken from."""
    total: u64 = 0
    for i in range(4):
        for j in range(4):
            if j == n:
                break
            total += i * j + 1
        if total > stop:
            break
    return total


def test_nested_loops() -> None:
    def plain(n: int, stop: int) -> int:
        total = 0
        for i in range(4):
            for j in range(4):
                if j == n:
                    break
                total += i * j + 1
            if total > stop:
                break
        return total

    for n, stop in itertools.product(range(6), (0, 3, 9, 40)):
        assert both(table, n, stop) == plain(n, stop)


@rule
def loop_counter_after(x: u64) -> u64:
    """The counter is a name of the loop; a variable of that name keeps its last round."""
    i: u64 = 9
    for i in range(4):
        if x == i:
            break
    return i


def test_counter_that_was_a_variable() -> None:
    assert [both(loop_counter_after, x) for x in (0, 2, 3, 7)] == [0, 2, 3, 3]


@record
class Point(NamedTuple):
    """A record."""

    x: u64
    y: s8


@record
class Segment(NamedTuple):
    """A record of records, and a truth value."""

    start: Point
    end: Point
    closed: bool


ORIGIN = Point(0, -1)
UNIT = Segment(ORIGIN, Point(1, 1), True)


@rule
def mirrored(s: Segment, c: bool) -> Segment:
    """Building, reading, replacing and choosing records."""
    flipped = Segment(end=s.start, start=s.end, closed=not s.closed)
    far = replace(flipped.end, x=s.end.x + 1, y=-s.end.y)
    return replace(flipped, end=far) if c else (UNIT if s == UNIT else s)


def test_records() -> None:
    s = Segment(Point(5, 1), Point(2**64 - 1, -128), False)
    assert both(mirrored, s, True) == Segment(Point(2**64 - 1, -128), Point(0, -128), True)
    assert both(mirrored, s, False) == s
    assert both(mirrored, UNIT, False) == UNIT
    assert type(mirrored(s, True)) is Segment


@rule
def swapped(p: tuple[u64, Point]) -> tuple[Point, u64, bool]:
    """Tuples: unpacked, built, chosen between."""
    x, point = p
    x, y = (x + 1, x) if point.x == 0 else (u64(0), x)
    return replace(point, x=y), x, x != y


def test_tuples() -> None:
    assert both(swapped, (7, ORIGIN)) == (Point(7, -1), 8, True)
    assert both(swapped, (0, Point(3, 3))) == (Point(0, 3), 0, False)
    assert isinstance(swapped.result, TupleType)


def test_keyword_arguments_and_calls() -> None:
    @rule
    def scaled(p: Point, by: u64) -> u64:
        return p.x * by

    @rule
    def twice(p: Point) -> u64:
        return scaled(by=2, p=p) + scaled(p, by=1)

    assert both(twice, Point(5, 0)) == 15
    assert twice(p=Point(5, 0)) == 15
    assert set(twice.callees) == {"scaled"}


def test_the_untaken_side_is_not_evaluated_on_ints_but_total_on_terms() -> None:
    @rule
    def safe(a: u64, b: u64) -> u64:
        return a // b if b != 0 else 0

    assert both(safe, 7, 0) == 0
    assert both(safe, 7, 2) == 3


def test_functions_of_the_language_outside_rules() -> None:
    """Outside they are ordinary Python."""
    assert bit_length(255) == 8
    assert bits.div_trunc(-7, 2) == -3
    assert bits.rem_trunc(-7, 2) == -1
    assert replace(ORIGIN, x=4) == Point(4, -1)
    assert (u32(-1), s8(200), u8(256), s64(2**63)) == (2**32 - 1, -56, 0, -(2**63))
    assert Word(8, signed=True).max == 127
