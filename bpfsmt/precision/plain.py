"""Stages that change nothing but to leave a single number, read as if they changed nothing.

A single number that a sound stage leaves is all that there was.  So it is the best in every part,
and stages that keep what is the best keep it: where a proof asks whether the result is the best,
such a stage may be taken for one that does nothing (in Linux 6.18 `single_value`, most of whose
text is arithmetic with tnums).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.precision.alone import flat
from bpfsmt.precision.shared import one_number
from bpfsmt.prover.compose import SCALAR
from bpfsmt.prover.solver import Proved, Solver, words_only
from bpfsmt.rules.ruleset import RuleSet, reached

PATIENCE = 5.0
"""Seconds to show of one stage that it is such a one."""


class Plain:
    """Texts of a rule set in which such stages, called by ``steps`` of `sync`, are left out."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules

    @functools.cached_property
    def left_out(self) -> frozenset[str]:
        """The stages that leave their argument, or a single number, and are no step themselves."""
        steps = set(flat(self.rules, "sync")) if "sync" in self.rules.linked.rules else set()
        return frozenset(n for n in reached(self.rules, steps) - steps if self._leaves_one(n))

    def _leaves_one(self, name: str) -> bool:
        rule = self.rules.linked.rules[name]
        if [t for _, t in rule.params] != [SCALAR] or rule.result != SCALAR:
            return False
        r = terms.fresh(SCALAR, "r")
        out = self.rules.linked.terms[name](r)
        other = z3.And(z3.Not(terms.equal(out, r)), z3.Not(one_number(out)))
        return isinstance(Solver(make=words_only, cpu=True).impossible(other, PATIENCE), Proved)

    def matters(self, step: str) -> bool:
        """Whether the step calls a stage that is left out."""
        return not self.left_out.isdisjoint(reached(self.rules, [step]))

    @functools.cached_property
    def terms(self) -> dict[str, Callable[..., Any]]:
        """The texts on terms, by name."""
        texts: dict[str, Callable[..., Any]] = {}
        for name, rule in self.rules.linked.rules.items():
            out = name in self.left_out
            texts[name] = (lambda r: r) if out else terms.define(rule.compiled, texts)
        return texts
