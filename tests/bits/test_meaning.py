"""What every operator means, on ints and on terms, against plain arithmetic.

The expectations are written here from the numbers that words mean, with nothing of the
compiler's: a word is read as a number, the operation is done on numbers, and the result is
taken modulo 2**bits.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest

from bpfsmt import bits
from bpfsmt.bits import rule, s32, u8, u64
from bpfsmt.bits.rule import rule_from_text

from .agree import Agreement, both

NAMES = [f"{sign}{n}" for sign in "us" for n in (8, 16, 32, 64)]
SCOPE = {n: getattr(bits, n) for n in [*NAMES, "div_trunc", "rem_trunc", "bit_length"]}


def width(name: str) -> int:
    return int(re.sub(r"\D", "", name))


def wrap(x: int, name: str) -> int:
    """x modulo 2**bits, as the type reads it: tried out, not computed with masks."""
    n = width(name)
    x %= 2**n
    return x - 2**n if name[0] == "s" and x >= 2 ** (n - 1) else x


def numbers(name: str) -> list[int]:
    """The ends of a type, the neighbours of zero and a few in between."""
    n = width(name)
    return sorted({wrap(x, name) for x in (0, 1, 2, 3, 7, -1, -2, 2 ** (n - 1), 2 ** (n - 1) - 1,
                                            2 ** (n - 1) + 1, 2 ** (n // 2), 0x5A, n)})  # fmt: skip


def quotient(a: int, b: int) -> int:
    """Exact quotient rounded to zero."""
    return int(abs(a) // abs(b)) * (1 if (a >= 0) == (b > 0) else -1)


def divided(a: int, b: int) -> int:
    """SMT-LIB: all ones for a zero divisor; for signed words that is -1, but 1 for a < 0."""
    return quotient(a, b) if b else -1


def signed_divided(a: int, b: int) -> int:
    return quotient(a, b) if b else (1 if a < 0 else -1)


def remainder(a: int, b: int) -> int:
    return a - b * quotient(a, b) if b else a


Expected = Callable[[int, int], int]

BINARY: dict[str, Expected] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a & b": lambda a, b: a & b,
    "a | b": lambda a, b: a | b,
    "a ^ b": lambda a, b: a ^ b,
    "min(a, b)": lambda a, b: a if a < b else b,
    "max(a, b)": lambda a, b: b if a < b else a,
    "-a": lambda a, b: -a,
    "~a": lambda a, b: -a - 1,
    "+a": lambda a, b: a,
    "a if a < b else b + 1": lambda a, b: a if a < b else b + 1,
    "min(a, b, 5)": lambda a, b: sorted((a, b, 5))[0],
    "max(3, a, b)": lambda a, b: sorted((a, b, 3))[2],
}
UNSIGNED: dict[str, Expected] = {
    "a // b": divided,
    "a % b": remainder,
    "bit_length(a)": lambda a, b: len(f"{a:b}") if a else 0,
}
SIGNED: dict[str, Expected] = {"div_trunc(a, b)": signed_divided, "rem_trunc(a, b)": remainder}
COMPARES: dict[str, Callable[[int, int], bool]] = {
    "a == b": lambda a, b: a == b,
    "a != b": lambda a, b: a != b,
    "a < b": lambda a, b: a < b,
    "a <= b": lambda a, b: a <= b,
    "a > b": lambda a, b: a > b,
    "a >= b": lambda a, b: a >= b,
    "a < b < 5": lambda a, b: a < b and b < 5,
    "3 <= a != b": lambda a, b: a >= 3 and a != b,
    "not a == b": lambda a, b: a != b,
    "a < b or b < a": lambda a, b: a != b,
    "a <= b and b <= a and a == b": lambda a, b: a == b,
    "(a < b) == (b > a)": lambda a, b: True,
    "(a < b) != True": lambda a, b: a >= b,
}


def try_all(text: str, name: str, result: str, expected: Callable[[int, int], int]) -> None:
    r = rule_from_text(f"def f(a: {name}, b: {name}) -> {result}:\n return {text}", SCOPE)
    agreement = Agreement(r)
    for a, b in itertools.product(numbers(name), repeat=2):
        want = expected(a, b)
        assert r(a, b) == (want if result == "bool" else wrap(want, name)), (a, b)
        agreement.check(a, b)


@pytest.mark.parametrize("name", NAMES)
def test_word_operators(name: str) -> None:
    own = SIGNED if name[0] == "s" else UNSIGNED
    for text, expected in (BINARY | own).items():
        try_all(text, name, name, expected)


@pytest.mark.parametrize("name", NAMES)
def test_compares(name: str) -> None:
    for text, expected in COMPARES.items():
        try_all(text, name, "bool", expected)


@pytest.mark.parametrize("name", NAMES)
def test_shifts(name: str) -> None:
    """Counts of the width and more shift everything out; >> of a signed word keeps its sign."""
    n = width(name)
    left = rule_from_text(f"def f(a: {name}, n: u{n}) -> {name}:\n return a << n", SCOPE)
    right = rule_from_text(f"def f(a: {name}, n: u{n}) -> {name}:\n return a >> n", SCOPE)
    by_left, by_right = Agreement(left), Agreement(right)
    for a in numbers(name):
        for count in (0, 1, 3, n // 2, n - 1, n, n + 1, 2**n - 1):
            shifted = wrap(a * 2**count, name) if count < n else 0
            assert left(a, count) == shifted
            assert right(a, count) == (a // 2**count if count < n else (-1 if a < 0 else 0))
            by_left.check(a, count)
            by_right.check(a, count)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 200])
def test_shifts_by_constants(count: int) -> None:
    left = rule_from_text(f"def f(a: s64) -> s64:\n return a << {count}", SCOPE)
    right = rule_from_text(f"def f(a: s64) -> s64:\n return a >> {count}", SCOPE)
    for a in numbers("s64"):
        assert both(left, a) == (wrap(a * 2**count, "s64") if count < 64 else 0)
        assert both(right, a) == a // 2**count


@pytest.mark.parametrize(("source", "target"), list(itertools.product(NAMES, NAMES)))
def test_casts(source: str, target: str) -> None:
    """The number of the target type that is congruent to the source's number."""
    r = rule_from_text(f"def f(a: {source}) -> {target}:\n return {target}(a)", SCOPE)
    agreement = Agreement(r)
    for a in numbers(source):
        assert r(a) == wrap(a, target)
        agreement.check(a)


def test_casts_of_truth_values_and_numbers() -> None:
    @rule
    def truth(a: u64, b: u64) -> s32:
        return s32(a < b) - 3 * s32(True)

    @rule
    def wrapped(a: u8) -> u8:
        return a + u8(-1) + u8(1 << 9) + 0xFF

    assert both(truth, 1, 2) == -2
    assert both(truth, 2, 1) == -3
    assert both(wrapped, 5) == 3


def test_named_edge_values() -> None:
    """Spelled out once: wrap-around, MIN / -1, division by zero."""
    cases = [
        ("u64", "a + b", 2**64 - 1, 1, 0),
        ("u64", "a - b", 0, 1, 2**64 - 1),
        ("s64", "a + b", 2**63 - 1, 1, -(2**63)),
        ("s64", "a - b", -(2**63), 1, 2**63 - 1),
        ("s64", "-a", -(2**63), 0, -(2**63)),
        ("s64", "div_trunc(a, b)", -(2**63), -1, -(2**63)),
        ("s64", "rem_trunc(a, b)", -(2**63), -1, 0),
        ("s64", "div_trunc(a, b)", -7, 2, -3),
        ("s64", "rem_trunc(a, b)", -7, 2, -1),
        ("s64", "rem_trunc(a, b)", 7, -2, 1),
        ("s64", "div_trunc(a, b)", -7, 0, 1),
        ("s64", "div_trunc(a, b)", 7, 0, -1),
        ("s64", "rem_trunc(a, b)", -7, 0, -7),
        ("u64", "a // b", 7, 0, 2**64 - 1),
        ("u8", "a // b", 7, 0, 255),
        ("u64", "a % b", 7, 0, 7),
        ("u64", "bit_length(a)", 2**63, 0, 64),
        ("u64", "bit_length(a)", 0, 0, 0),
        ("s8", "a >> u8(b)", -128, 7, -1),
    ]
    for name, text, a, b, want in cases:
        r = rule_from_text(f"def f(a: {name}, b: {name}) -> {name}:\n return {text}", SCOPE)
        assert both(r, a, b) == want, (text, a, b)
