"""Formulas that are too hard in one piece, decided case by case.

A rule's term is full of choices.  For one of their conditions at a time it is first supposed that
it holds, then that it does not, and what is left of the formula is asked again: smaller, since
a side of every choice on that condition is gone.  Impossible in both cases is impossible.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.prover.mentions import inside
from bpfsmt.prover.solver import Answer, Proved, Solver, Unknown

DEPTH = 7
"""So many conditions are decided one after the other."""


@dataclass
class ByCases(Solver):
    """A solver that takes formulas apart if they take longer than ``patience`` seconds."""

    patience: float = 4.0

    def impossible(self, formula: Any, seconds: float | None = None) -> Answer:
        """Whether ``formula`` has no model."""
        limit = self.timeout if seconds is None else seconds
        answer = super().impossible(formula, min(self.patience, limit))
        if not isinstance(answer, Unknown) or limit <= self.patience:
            return answer
        return self._apart(z3.simplify(formula), time.perf_counter() + limit, DEPTH)

    def _apart(self, formula: Any, end: float, depth: int) -> Answer:
        condition = most_used(formula) if depth else None
        if condition is None:
            return super().impossible(formula, max(end - time.perf_counter(), 0.1))
        found: Answer = Proved()
        for case in supposed(formula, condition):
            left = end - time.perf_counter()
            if left <= 0:
                return Unknown("timeout")
            answer = super().impossible(case, min(self.patience, left))
            if isinstance(answer, Unknown) and time.perf_counter() < end:
                answer = self._apart(case, end, depth - 1)
            if not isinstance(answer, Proved):
                # A model of one case is one of the whole; what else there is does not matter.
                return answer
            found = answer
        return found


def supposed(formula: Any, condition: Any) -> tuple[Any, Any]:
    """The formula where a condition holds, and where it does not: one of them, if it does."""
    no = z3.Not(condition)
    cases = ((condition, True), (no, False))
    return tuple(
        z3.simplify(z3.And(c, z3.substitute(formula, (condition, z3.BoolVal(holds)))))
        for c, holds in cases
    )


def most_used(formula: Any) -> Any:
    """The condition on which most choices of words depend, of those that hold none; or None."""
    count: Counter[int] = Counter()
    found: dict[int, Any] = {}
    for term in inside(formula):
        if z3.is_app_of(term, z3.Z3_OP_ITE):
            condition = term.arg(0)
            while z3.is_not(condition):
                condition = condition.arg(0)
            found[condition.get_id()] = condition
            count[condition.get_id()] += 1
    for key, _ in count.most_common():
        if not any(z3.is_app_of(t, z3.Z3_OP_ITE) for t in inside(found[key])):
            return found[key]
    return None
