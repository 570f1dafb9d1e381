"""Original and mutant compared by the solver: equal everywhere, or nowhere tighter or looser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import z3

from bpfsmt.bits import Rule, ir, terms
from bpfsmt.mutation.order import Covers, covers
from bpfsmt.prover.decide import smtlib
from bpfsmt.prover.loop import Loop, NoLoop
from bpfsmt.prover.obligation import Attempt, Obligation
from bpfsmt.prover.solver import Proved, Solver, words_only
from bpfsmt.rules.ruleset import RuleSet, reached

PATIENCE = 4.0
"""Seconds for one comparison; what is not settled by then is left to samples."""


def always_equal(original: RuleSet, changed: RuleSet, name: str) -> str | None:
    """A formula (SMT-LIB) that has no model because the rule's two texts always agree, or `None`.

    For all arguments whatever, also such as stand for nothing.  Callees are first taken for
    functions of which nothing is known, then for what they are.
    """
    old, new = (r.linked.rules[name] for r in (original, changed))
    for opaque in (True, False):
        if not opaque and _loops(original, reached(original, old.callees)):
            break
        differ = _differ(original, old, new, opaque)
        if differ is not None and _impossible(differ):
            return smtlib(differ)
    return None


def equal_on(
    original: RuleSet, changed: RuleSet, mutated: str, about: Iterable[Obligation]
) -> bool:
    """Proved: on all inputs of the obligations both give the same.

    Rules that do not read the mutated one are taken for functions of which nothing is known.
    False if the solver does not know.
    """
    readers = {n for n in original.linked.rules if mutated in reached(original, [n])}
    calls = _Opaque(original)
    spaces = [_texts(r, readers, calls.namespace) for r in (original, changed)]
    for o in about:
        if _loops(original, reached(original, [o.rule]) & readers):
            return False

        def impossible(attempt: Attempt, o: Obligation = o) -> bool:
            before, after = (s[o.rule](*attempt.args) for s in spaces)
            differ = z3.Not(terms.equal(before, after))
            return _impossible(z3.And(*attempt.given, *calls.facts(), differ))

        if not any(impossible(a) for a in o.attempts() if a.exact and a.args):
            return False
    return True


def _texts(rules: RuleSet, names: Iterable[str], others: dict[str, Any]) -> dict[str, Any]:
    """Some rules as they are written, calling each other and the ``others``."""
    made = dict(others)
    for n in names:
        made[n] = terms.define(rules.linked.rules[n].compiled, made)
    return made


def nowhere(which: str, original: RuleSet, changed: RuleSet, about: Iterable[Obligation]) -> bool:
    """Proved: on no input of the obligations is the result ``which``, "tighter" or "looser".

    False if it is somewhere, or if the solver does not know.
    """
    for o in about:
        if _loops(original, reached(original, [o.rule])):
            return False
        order = covers(o.rule, original.linked.rules[o.rule].result, terms=True)

        def impossible(attempt: Attempt, o: Obligation = o, order: Covers = order) -> bool:
            before, after = (r.linked.terms[o.rule](*attempt.args) for r in (original, changed))
            holds = order(after, before) if which == "tighter" else order(before, after)
            return _impossible(z3.And(*attempt.given, z3.Not(holds)))

        if not any(impossible(a) for a in o.attempts() if a.exact and a.args):
            return False
    return True


def _loops(rules: RuleSet, names: Iterable[str]) -> bool:
    """Whether one of the rules has a loop, which would have to be unrolled."""
    bodies = (rules.linked.rules[n].compiled.body for n in names)
    return any(isinstance(s, ir.For) for body in bodies for s in body)


def _differ(rules: RuleSet, old: Rule[..., Any], new: Rule[..., Any], opaque: bool) -> Any:
    """That the two texts give different results, as a formula; `None` if they are too different."""
    calls = _Opaque(rules) if opaque else None
    namespace = calls.namespace if calls else rules.linked.terms
    if any(isinstance(s, ir.For) for r in (old, new) for s in r.compiled.body):
        equal = _loops_equal(old, new, namespace)
        if equal is None:
            return None
    else:
        args = [terms.fresh(t, n) for n, t in old.params]
        equal = terms.equal(*(terms.define(r.compiled, namespace)(*args) for r in (old, new)))
    return z3.And(*(calls.facts() if calls else ()), z3.Not(equal))


def _loops_equal(old: Rule[..., Any], new: Rule[..., Any], namespace: Any) -> Any:
    """Two loops of as many rounds agree in every part: start, break, round, end."""
    try:
        loops = [Loop(r, namespace) for r in (old, new)]
    except NoLoop:
        return None
    args = [terms.fresh(t, n) for n, t in old.params]
    a, b = (loop.before(*args) for loop in loops)
    if a.keys() != b.keys() or loops[0].rounds != loops[1].rounds:
        return None
    env = {n: _like(v, n) for n, v in a.items()}
    c, d = (loop.round(env, z3.BitVec("round", 64)) for loop in loops)
    pairs = [*((a[n], b[n]) for n in env), *((c[n], d[n]) for n in env)]
    pairs.append((loops[0].leaves(env), loops[1].leaves(env)))
    pairs.append((loops[0].after(env), loops[1].after(env)))
    return z3.And(*(terms.equal(x, y) for x, y in pairs))


def _like(value: Any, name: str) -> Any:
    """A fresh term, or record of terms, of the same sorts."""
    if isinstance(value, tuple):
        parts = [_like(v, f"{name}.{i}") for i, v in enumerate(value)]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return z3.Const(name, value.sort())


class _Opaque:
    """Callees as functions of which nothing is known but that they are functions."""

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

    def facts(self) -> Iterator[Any]:
        """Equal arguments give equal results."""
        for calls in self._calls.values():
            for i, (args, result) in enumerate(calls):
                for others, other in calls[:i]:
                    same = z3.And(*(p == q for p, q in zip(args, others, strict=True)))
                    yield z3.Implies(same, terms.equal(result, other))


def _leaves(values: Iterable[Any]) -> list[Any]:
    return [x for v in values for x in (_leaves(v) if isinstance(v, tuple) else [v])]


def _impossible(formula: Any) -> bool:
    answer = Solver(make=words_only).impossible(formula, PATIENCE)
    return isinstance(answer, Proved)
