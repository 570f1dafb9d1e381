"""What the soundness tests share: the numbers x and y, and verdicts that fail a test.

``members`` builds the obligations "the number z is in γ of each part of r"; `assert_proved`
fails on a counterexample and on an unknown alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import z3

from bpfsmt.bits import Rule
from bpfsmt.prover.compose import TNUM, Composition, parts_of_gamma
from bpfsmt.prover.obligation import Obligation, value_in
from bpfsmt.prover.solver import Proved, Refuted, Solver
from bpfsmt.rules import RuleSet, rule_set

PAPER = rule_set("xdp-paper")
X, Y = z3.BitVecs("x y", 64)
SOLVER = Solver(timeout=20)

Meaning = Callable[..., Any]


def binary(rule: Rule[..., Any]) -> Meaning:
    """A concrete operation (dst, src) as a function of two terms."""
    return lambda x, y: rule.terms(x, y)


def unary(rule: Rule[..., Any], operand: str = "dst") -> Meaning:
    """A concrete operation that reads one operand only, as a function of that one."""
    return lambda x: rule.terms(x, 0) if operand == "dst" else rule.terms(0, x)


def two_scalars(rules: RuleSet = PAPER) -> tuple[Composition, Any, Any]:
    """Terms of the rule set, and operands a ∋ x, b ∋ y."""
    c = Composition(rules)
    return c, c.operand("a", X), c.operand("b", Y)


def two_tnums(rules: RuleSet = PAPER) -> tuple[Composition, Any, Any]:
    """As `two_scalars`, with tnums."""
    c = Composition(rules)
    return c, c.operand("a", X, TNUM), c.operand("b", Y, TNUM)


def members(name: str, given: Iterable[Any], r: Any, z: Any) -> list[Obligation]:
    """z ∈ γ(r), one obligation for each part of r; r stays well-formed."""
    given = tuple(given)
    return [Obligation(f"{name}/{part}", given, g) for part, g in parts_of_gamma(r, z).items()]


def assert_proved(*obligations: Obligation) -> None:
    """Every obligation is proved; anything else fails, and says which and why."""
    assert obligations
    bad = []
    for o in obligations:
        answer = o.answer(SOLVER)
        if not isinstance(answer, Proved):
            bad.append(f"{o.name}: {type(answer).__name__} {getattr(answer, 'why', answer)}")
    assert not bad, "\n".join(bad)


def assert_integer_lemma(goal: Any, *given: Any) -> None:
    """An implication over the integers (`SOLVER` knows bit-vectors only)."""
    solver = z3.Solver()
    solver.set("timeout", 20_000)
    solver.add(*given, z3.Not(goal))
    assert solver.check() == z3.unsat, f"{goal}: {solver.check()}"


def refutation(*obligations: Obligation) -> Callable[[Any, Any], Any]:
    """A counterexample to one of the obligations, as a function from (type, term) to numbers."""
    for o in obligations:
        answer = o.answer(SOLVER)
        if isinstance(answer, Refuted):
            model = answer.model
            return lambda type_, term: value_in(model, type_, term)
    raise AssertionError("nothing was refuted")
