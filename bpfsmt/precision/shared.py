"""What two rule sets share: rules whose text, and that of all they call, is the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import z3

from bpfsmt.bits import Rule, ir, terms
from bpfsmt.rules.ruleset import RuleSet, reached


class Shared:
    """Two rule sets, and which rules mean the same in both.

    ``equal`` are rules of different text that were shown to agree on all arguments whatever.
    """

    def __init__(self, left: RuleSet, right: RuleSet) -> None:
        self.left, self.right = left, right
        self.equal: set[str] = set()
        self._same: dict[str, bool] = {}

    def own_text(self, name: str) -> bool:
        """The compiled text is the same, whatever it calls."""
        a, b = (s.linked.rules.get(name) for s in (self.left, self.right))
        return a is not None and b is not None and (
            a.params == b.params and a.result == b.result and a.compiled.body == b.compiled.body
        )  # fmt: skip

    def same(self, name: str) -> bool:
        """The rule and all that it calls mean the same: one text, or shown to be equal."""
        if name in self.equal:
            return True
        if name not in self._same:
            callees = self.left.linked.rules[name].callees if self.own_text(name) else ()
            self._same[name] = self.own_text(name) and all(map(self.same, callees))
        return self._same[name]

    def settle(self, names: Iterable[str], agree: Callable[[str], bool]) -> None:
        """Ask of each rule whose own text differs if it agrees all the same, callees first."""
        both = [n for n in names if n in self.right.linked.rules]
        for name in sorted(both, key=self._depth):
            if not self.same(name) and not self.own_text(name) and agree(name):
                self.equal.add(name)
                self._same.clear()

    @functools.cache  # noqa: B019
    def _depth(self, name: str) -> int:
        return 1 + max(map(self._depth, self.left.linked.rules[name].callees), default=0)

    def same_and_loops(self, name: str) -> bool:
        """Shared, and with a loop in it or in what it calls."""
        have = self.left.linked.rules
        return self.same(name) and any(_has_loop(have[n]) for n in reached(self.left, [name]))

    @functools.cache  # noqa: B019
    def loops(self, name: str) -> bool:
        """In one of the sets the rule, or one that it calls and that is not shared, loops."""
        return any(self._loops(s, name) for s in (self.left, self.right))

    def _loops(self, rules: RuleSet, name: str) -> bool:
        rule = rules.linked.rules[name]
        if _has_loop(rule):
            return True
        return any(self._loops(rules, c) for c in rule.callees if not self.same(c))


class Opaque:
    """The rules of both sets on terms, those ``hidden`` as functions of which nothing is known.

    Such a function still gives the same result for the same arguments.
    """

    def __init__(self, shared: Shared, hidden: Callable[[str], bool]) -> None:
        self._made: dict[str, list[tuple[list[Any], Any]]] = {}
        self.left = self._namespace(shared.left, hidden)
        self.right = self._namespace(shared.right, hidden)

    def _namespace(self, rules: RuleSet, hidden: Callable[[str], bool]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, rule in rules.linked.rules.items():
            text = terms.define(rule.compiled, found)
            found[name] = functools.partial(self._call, rule) if hidden(name) else text
        return found

    def _call(self, rule: Any, *args: Any) -> Any:
        lifted = (terms.lift(t, a) for (_, t), a in zip(rule.params, args, strict=True))
        leaves = [z3.simplify(x) for x in _leaves(lifted)]
        calls = self._made.setdefault(rule.name, [])
        for before, result in calls:
            if all(x.eq(y) for x, y in zip(before, leaves, strict=True)):
                return result
        calls.append((leaves, terms.fresh(rule.result, f"{rule.name}!{len(calls)}")))
        return calls[-1][1]

    def facts(self) -> list[Any]:
        """Equal arguments give equal results."""
        found = []
        for calls in self._made.values():
            for i, (args, result) in enumerate(calls):
                for others, other in calls[:i]:
                    agree = z3.And(*(p == q for p, q in zip(args, others, strict=True)))
                    found.append(z3.Implies(agree, terms.equal(result, other)))
        return found


def _has_loop(rule: Rule[..., Any]) -> bool:
    return any(isinstance(s, ir.For) for s in rule.compiled.body)


def _leaves(values: Iterable[Any]) -> list[Any]:
    return [x for v in values for x in (_leaves(v) if isinstance(v, tuple) else [v])]
