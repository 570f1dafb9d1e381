"""Each fact about products is needed: without it a true claim is not shown."""

from __future__ import annotations

from typing import Any

import pytest
import z3

from bpfsmt.prover.obligation import Attempt
from bpfsmt.prover.products import Grid, Table, unknowns_first
from bpfsmt.prover.solver import Proved, Solver, words_only

A, B, X, Y = z3.BitVecs("a b x y", 64)


def low(x: Any) -> Any:
    return z3.Extract(31, 0, x)


def shown(*given: Any, goal: Any) -> bool:
    """Whether one of the attempts with products as unknowns proves it."""
    solver = Solver(make=words_only, timeout=20)
    attempts = [a for a in unknowns_first([Attempt(given, goal)]) if not a.exact]
    assert attempts
    return any(
        all(isinstance(solver.impossible(z3.And(*a.given, v)), Proved) for v in a.violations())
        for a in attempts
    )


def test_a_low_half_is_that_of_the_low_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    goal = low(X * Y) == low(X) * low(Y)
    assert shown(goal=goal)
    monkeypatch.setattr(Table, "_low_halves", lambda *_: [])
    monkeypatch.setattr(Table, "_wholes", lambda *_: [])
    assert not shown(goal=goal)


def test_a_product_of_low_halves_is_that_of_the_wholes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of small factors: then it can be compared with products whose low halves wrap."""
    small, large = 0xFFFF, 0xFFFF_FFFF
    given = (z3.ULE(A, X), z3.ULE(B, Y), z3.ULE(A, small), z3.ULE(B, small),
             z3.ULE(X, large), z3.ULE(Y, large))  # fmt: skip
    goal = z3.ULE(z3.ZeroExt(32, low(A) * low(B)), X * Y)
    assert shown(*given, goal=goal)
    monkeypatch.setattr(Table, "_wholes", lambda *_: [])
    assert not shown(*given, goal=goal)


def test_which_factors_make_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """2^31 - 1 is prime, and above what 16 bits hold."""
    x, y = low(X), low(Y)
    given = (z3.ULE(x, 0xFFFF), z3.ULE(y, 0xFFFF))
    goal = x * y != 0x7FFF_FFFF
    assert shown(*given, goal=goal)
    monkeypatch.setattr(Grid, "divisors", lambda *_: iter(()))
    assert not shown(*given, goal=goal)


def test_nothing_false_is_shown() -> None:
    x, y = low(X), low(Y)
    given = (z3.ULE(x, 0xFFFF), z3.ULE(y, 0xFFFF))
    for product in (46339 * 46341, 0xFFFF * 0xFFFF, 2):
        assert not shown(*given, goal=x * y != product)
