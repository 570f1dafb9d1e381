"""Hard formulas, taken apart: what is impossible in all cases, and models of one of them."""

from __future__ import annotations

from typing import Any

import z3

from bpfsmt.mutation.cases import ByCases, most_used, supposed
from bpfsmt.prover.solver import Answer, Proved, Refuted, Unknown

X, Y = z3.BitVecs("x y", 64)
LOW = z3.If(z3.ULT(X, Y), X, Y)
HIGH = z3.If(z3.ULT(X, Y), Y, X)
SIGN = z3.If(X < 0, z3.BitVecVal(1, 64), z3.BitVecVal(0, 64))


class Narrow(ByCases):
    """A solver that knows nothing of a formula with a choice in it."""

    def _ask(self, formula: Any, limit: float) -> Answer:
        if most_used(formula) is not None:
            return Unknown("too hard")
        return super()._ask(formula, limit)


def test_the_cases_are_the_whole() -> None:
    formula = z3.And(LOW + HIGH + SIGN == 7, z3.ULT(LOW, 3))
    condition = most_used(formula)
    assert condition.eq(z3.ULT(X, Y))
    yes, no = supposed(formula, condition)
    solver = z3.Solver()
    solver.add(formula != z3.Or(yes, no))
    assert solver.check() == z3.unsat


def test_impossible_in_every_case() -> None:
    formula = z3.And(z3.UGT(LOW + SIGN, HIGH + SIGN), z3.ULT(HIGH, 10))
    assert isinstance(Narrow(patience=0).impossible(formula, 0), Unknown)
    assert isinstance(Narrow(patience=1).impossible(formula, 30), Proved)


def test_a_model_of_one_case_is_one_of_the_whole() -> None:
    formula = z3.And(HIGH - LOW == 5, SIGN == 1, X != 3)
    found = Narrow(patience=1).impossible(formula, 30)
    assert isinstance(found, Refuted)
    assert z3.is_true(found.model.eval(formula, model_completion=True))
