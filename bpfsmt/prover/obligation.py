"""An obligation: a named closed formula, *whatever is given, the goal holds*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits.terms import constant
from bpfsmt.bits.types import RecordType, TupleType, Type
from bpfsmt.bits.words import Word
from bpfsmt.prover.solver import Answer, Solver


@dataclass(frozen=True, slots=True)
class Obligation:
    """``given`` implies ``goal``, for every value of the free variables.

    >>> x = z3.BitVec("x", 64)
    >>> Obligation("no carry out of a zero", (x == 0,), x + 1 == 1).answer(Solver())
    Proved(seconds=0.0)
    """

    name: str
    given: tuple[Any, ...]
    goal: Any

    def answer(self, solver: Solver) -> Answer:
        """Proved if nothing violates it, else a model that does, or unknown."""
        return solver.impossible(z3.And(*self.given, z3.Not(self.goal)))


def value_in(model: Any, type_: Type, term: Any) -> Any:
    """What a model says of a term, or a record of terms, as Python numbers of its type."""
    if isinstance(type_, RecordType):
        parts = zip(type_.fields, term, strict=True)
        return type_.cls(*(value_in(model, t, part) for (_, t), part in parts))
    if isinstance(type_, TupleType):
        return tuple(value_in(model, t, x) for t, x in zip(type_.items, term, strict=True))
    found = model.eval(term if z3.is_expr(term) else constant(type_, term), model_completion=True)
    if isinstance(type_, Word):
        return type_(found.as_long())
    return z3.is_true(found)
