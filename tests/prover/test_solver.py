"""The strategies agree with each other and with plain counting, and each has its use."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from bpfsmt.prover.decide import Decider
from bpfsmt.prover.obligation import Kind, Obligation, fixed
from bpfsmt.prover.solver import (
    Proved,
    Refuted,
    Solver,
    Unknown,
    words_as_integers,
    words_only,
    words_usual,
)

WIDTH = 4
NAMES = ("x", "y")

words: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([z3.BitVec(n, WIDTH) for n in NAMES])
    | st.integers(0, 15).map(lambda n: z3.BitVecVal(n, WIDTH)),
    lambda w: st.one_of(
        st.builds(lambda a, b: a + b, w, w),
        st.builds(lambda a, b: a - b, w, w),
        w.map(lambda a: -a),
        w.map(lambda a: z3.SignExt(2, z3.Extract(1, 0, a))),
        w.map(lambda a: z3.ZeroExt(1, z3.Extract(3, 1, a))),
        w.map(lambda a: z3.Extract(3, 0, z3.SignExt(2, a) + z3.ZeroExt(2, a))),
        st.builds(lambda a, b: z3.If(z3.ULT(a, b), a, b), w, w),
        st.builds(lambda a, b: z3.If(a < b, b, a), w, w),
    ),
    max_leaves=6,
)
compares = st.builds(
    lambda op, a, b: op(a, b),
    st.sampled_from([z3.ULE, z3.ULT, lambda a, b: a <= b, lambda a, b: a < b,
                     lambda a, b: a == b, lambda a, b: a != b]),
    words, words,
)  # fmt: skip


def holds_somewhere(formula: Any) -> bool:
    """By counting through all values."""
    variables = [z3.BitVec(n, WIDTH) for n in NAMES]
    values = [z3.BitVecVal(n, WIDTH) for n in range(1 << WIDTH)]
    return any(
        z3.is_true(z3.simplify(z3.substitute(formula, *zip(variables, chosen, strict=True))))
        for chosen in itertools.product(values, repeat=len(NAMES))
    )


@pytest.mark.parametrize("make", [words_only, words_usual, words_as_integers])
@given(st.lists(compares, min_size=1, max_size=4))
def test_an_answer_is_true(make: Any, parts: list[Any]) -> None:
    formula = z3.And(*parts)
    answer = Solver(make=make, simplify=False).impossible(formula)
    if holds_somewhere(formula):
        assert not isinstance(answer, Proved)
    else:
        assert not isinstance(answer, Refuted)


def five_terms_grow(more: int) -> Obligation:
    """A sum does not shrink where each term grows; with ``more`` it is said to grow."""
    small = [z3.BitVec(f"x{i}", 64) for i in range(5)]
    large = [z3.BitVec(f"y{i}", 64) for i in range(5)]
    s, t = (sum(z3.ZeroExt(4, x) for x in xs) for xs in (small, large))
    each = tuple(z3.ULE(x, y) for x, y in zip(small, large, strict=True))
    return fixed("grows", Kind.LEMMA, "", each, z3.ULE(s + more, t))


def test_sums_are_decided_as_integers() -> None:
    """What adds and compares only is out of the reach of bits, and at once seen of integers."""
    with_bits = Decider(0.3, 0.3, sums=())
    assert with_bits.decide(five_terms_grow(0)).verdict == "unknown"
    assert Decider(0.3, 0.3).decide(five_terms_grow(0)).verdict == "proved"
    assert Decider(0.3, 0.3).decide(five_terms_grow(1)).verdict != "proved"


def test_work_is_a_limit() -> None:
    """An answer that takes more is none."""
    attempt = next(five_terms_grow(0).attempts())
    formula = z3.And(*attempt.given, *attempt.violations())
    little = Solver(make=words_only, simplify=False, work=1000)
    assert isinstance(little.impossible(formula), Unknown)
    enough = Solver(make=words_as_integers, simplify=False, work=100_000)
    assert isinstance(enough.impossible(formula), Proved)


def test_apart_it_gives_the_same_answers_and_models_of_our_terms() -> None:
    x, y = z3.BitVecs("x y", 64)
    solver = Solver(make=words_only, simplify=False, apart=True)
    assert isinstance(solver.impossible(z3.ULT(x | y, x)), Proved)
    formula = z3.And(x + y == 7, z3.UGT(x, y))
    answer = solver.impossible(formula)
    assert isinstance(answer, Refuted)
    assert z3.is_true(answer.model.eval(formula, model_completion=True))
