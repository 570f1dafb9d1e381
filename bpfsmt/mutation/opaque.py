"""Rules taken for functions of which nothing is known: what is equal then is equal anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import z3

from bpfsmt.bits import Rule, terms
from bpfsmt.rules.ruleset import RuleSet


class Opaque:
    """All rules of a set as functions of which nothing is known but that they are functions."""

    def __init__(self, rules: RuleSet) -> None:
        self._calls: dict[str, list[tuple[list[Any], Any]]] = {}
        self.namespace = {n: self._function(n, r) for n, r in rules.linked.rules.items()}

    def _function(self, name: str, rule: Rule[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            lifted = (terms.lift(t, a) for (_, t), a in zip(rule.params, args, strict=True))
            leaves = [z3.simplify(x) for x in _leaves(lifted)]
            calls = self._calls.setdefault(name, [])
            for before, result in calls:
                if all(x.eq(y) for x, y in zip(before, leaves, strict=True)):
                    return result
            calls.append((leaves, terms.fresh(rule.result, f"{name}!{len(calls)}")))
            return calls[-1][1]

        return call

    def reading(self, rules: RuleSet, names: Iterable[str]) -> dict[str, Any]:
        """The same with some rules as a rule set has them, calling each other and the rest."""
        made = dict(self.namespace)
        for n in names:
            made[n] = terms.define(rules.linked.rules[n].compiled, made)
        return made

    def facts(self) -> Iterator[Any]:
        """Equal arguments give equal results."""
        for calls in self._calls.values():
            for i, (args, result) in enumerate(calls):
                for others, other in calls[:i]:
                    same = z3.And(*(p == q for p, q in zip(args, others, strict=True)))
                    yield z3.Implies(same, terms.equal(result, other))


def _leaves(values: Iterable[Any]) -> list[Any]:
    return [x for v in values for x in (_leaves(v) if isinstance(v, tuple) else [v])]
