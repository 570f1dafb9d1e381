"""Every operator puts in the fault that it is named after."""

from __future__ import annotations

from typing import Any

import pytest

from bpfsmt.bits import (
    S64_MAX,
    S64_MIN,
    U32_MAX,
    U64_MAX,
    Rule,
    replace,
    rule,
    s32,
    s64,
    u32,
    u64,
)
from bpfsmt.domain import Tnum
from bpfsmt.domain.scalar import Scalar
from bpfsmt.mutation import mutants_of
from bpfsmt.mutation.operators import (
    Operator,
    drop_term,
    missing_case,
    off_by_one,
    swap_min_max,
    swap_operands,
    wrong_operator,
)
from bpfsmt.mutation.words import constant_neighbour, swap_fields, wrong_sign, wrong_width


def says(of: Rule[..., Any], operator: Operator) -> list[str]:
    """What the mutants of one operator change, in reading order."""
    return [m.says for m in mutants_of(of, [operator]).found]


@rule
def stage(r: Scalar) -> Scalar:
    """Something from scalar to scalar."""
    return replace(r, umin=0)


@rule
def bounds(a: Scalar, b: Scalar) -> Scalar:
    """Ranges of both."""
    if a.umin <= b.umin and a.smin != 0:
        return stage(replace(a, umin=max(a.umin, b.umin), umax=min(a.umax, U64_MAX)))
    return a


def test_swap_min_max() -> None:
    """The larger for the smaller, and the other way."""
    assert says(bounds, swap_min_max) == ["max → min", "min → max"]


@rule
def terms(a: Tnum, b: Tnum) -> u64:
    """Three terms of one kind, a chain of comparisons."""
    x = a.value | b.value | a.mask
    return x if 1 <= x <= 5 else x - 1


def test_drop_term() -> None:
    """Each term is forgotten once, each link of a chain, each field of a new record."""
    assert says(terms, drop_term) == [
        "a.value | b.value | a.mask → (a.value | b.value)",
        "a.value | b.value | a.mask → a.mask",
        "a.value | b.value → a.value",
        "a.value | b.value → b.value",
        "1 <= x <= 5 → (1 <= x)",
        "1 <= x <= 5 → (x <= 5)",
        "x - 1 → x",
    ]
    assert [s.split(" → ")[1] for s in says(bounds, drop_term)] == [
        "((a.smin != 0))",
        "((a.umin <= b.umin))",
        "replace(a, umax=min(a.umax, U64_MAX))",
        "replace(a, umin=max(a.umin, b.umin))",
        "b.umin",
        "a.umin",
        "U64_MAX",
        "a.umax",
    ]


def test_off_by_one() -> None:
    """A constant one more and one less, a comparison with its edge or without."""
    assert says(terms, off_by_one) == [
        "1 <= x <= 5 → (1 < x <= 5)",
        "1 <= x <= 5 → (1 <= x < 5)",
        "1 → 2",
        "1 → 0",
        "5 → 6",
        "5 → 4",
        "1 → 2",
        "1 → 0",
    ]
    # U64_MAX + 1 does not fit, and is left out.
    assert "U64_MAX → (U64_MAX - 1)" in says(bounds, off_by_one)
    assert "U64_MAX → (U64_MAX + 1)" not in says(bounds, off_by_one)


def test_wrong_operator() -> None:
    """The opposite one."""
    assert says(terms, wrong_operator) == [
        "a.value | b.value | a.mask → ((a.value | b.value) & a.mask)",
        "a.value | b.value → (a.value & b.value)",
        "x - 1 → (x + 1)",
    ]
    assert says(bounds, wrong_operator) == [
        "a.umin <= b.umin and a.smin != 0 → ((a.umin <= b.umin) or (a.smin != 0))",
        "a.smin != 0 → (a.smin == 0)",
    ]


@rule
def difference(a: Tnum, b: Tnum) -> Tnum:
    """Operands whose order counts."""
    return Tnum(a.value - b.value, a.mask)


def test_swap_operands() -> None:
    """Sides exchanged, arguments exchanged, one parameter for the other of its type."""
    assert says(difference, swap_operands) == [
        "a.value - b.value; a.mask → a.mask; a.value - b.value",
        "a.value; b.value → b.value; a.value",
        "a → b",
        "b → a",
        "a → b",
    ]


def test_missing_case() -> None:
    """A branch never or always taken, a stage left out."""
    assert says(bounds, missing_case) == [
        "a.umin <= b.umin and a.smin != 0 → False",
        "a.umin <= b.umin and a.smin != 0 → True",
        "stage(replace(a, umin=max(a.umin, b.umin), umax=min(a.umax, U64_MAX))) → "
        "replace(a, umin=max(a.umin, b.umin), umax=min(a.umax, U64_MAX))",
        "replace(a, umin=max(a.umin, b.umin), umax=min(a.umax, U64_MAX)) → a",
    ]


@rule
def casts(x: u64, y: s32, n: u64) -> s64:
    """Comparisons, shifts and casts."""
    wide = s64(y)
    return wide if x < n else s64(x >> n) + wide


def test_wrong_sign() -> None:
    """Compared, shifted or widened with the other sign."""
    assert says(casts, wrong_sign) == [
        "y → u32(y)",
        "x < n → (s64(x) < s64(n))",
        "x >> n → u64(s64(x) >> n)",
    ]
    assert "max(a.umin, b.umin) → u64(max(s64(a.umin), s64(b.umin)))" in says(bounds, wrong_sign)


def test_wrong_width() -> None:
    """Compared, computed or cast at 32 bits instead of 64."""
    assert says(casts, wrong_width) == [
        "x < n → (u32(x) < u32(n))",
        "s64(x >> n) + wide → s64(s32(s64(x >> n)) + s32(wide))",
        "x >> n → u32(x >> n)",
        "x >> n → u64(u32(x) >> u32(n))",
    ]


def test_swap_fields() -> None:
    """The other end, the other sign, the other width; value for mask."""
    assert says(difference, swap_fields) == [
        "a.value → a.mask",
        "b.value → b.mask",
        "a.mask → a.value",
    ]
    found = says(stage, swap_fields)
    assert found == ["umin=0 → umax=0", "umin=0 → smin=s64(0)", "umin=0 → u32min=u32(0)"]
    assert "a.umax → a.umin" in says(bounds, swap_fields)
    assert "a.smin → s64(a.umin)" in says(bounds, swap_fields)
    assert "a.smin → s64(a.s32min)" in says(bounds, swap_fields)
    assert any(s.endswith("umax=max(a.umin, b.umin); umin=min(a.umax, U64_MAX)")
               for s in says(bounds, swap_fields))  # fmt: skip


@rule
def constants(x: s64) -> bool:
    """Limits, and an answer."""
    if x > S64_MAX - 1:
        return True
    return u32(x) != U32_MAX and x != S64_MIN


def test_constant_neighbour() -> None:
    """One trait of a constant changed; yes for no.  What does not fit the word is left out.

    So is S64_MIN - 1.
    """
    assert says(constants, constant_neighbour) == [
        "S64_MAX → S32_MAX",
        "True → False",
        "U32_MAX → S32_MAX",
        "S64_MIN → S32_MIN",
        "S64_MIN → S64_MAX",
    ]


@pytest.mark.parametrize("of", [bounds, terms, difference, casts, constants, stage])
def test_mutants_differ(of: Rule[..., Any]) -> None:
    """No two mutants mean the same, none means the original, and each is reproducible."""
    found = mutants_of(of)
    bodies = [repr(m.compile(of).compiled.body) for m in found.found]
    assert len({*bodies, repr(of.compiled.body)}) == len(bodies) + 1
    assert [m.name for m in mutants_of(of).found] == [m.name for m in found.found]
    lines = {m.line for m in found.found}
    first = int(of.where.rsplit(":", 1)[1])
    assert min(lines) > first
    assert max(lines) < first + 10
