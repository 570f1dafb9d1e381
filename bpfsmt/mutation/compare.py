"""Original and mutant compared by the solver: equal everywhere, or nowhere tighter or looser."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits import Rule, ir, terms
from bpfsmt.domain.scalar import Scalar
from bpfsmt.mutation.opaque import Opaque
from bpfsmt.mutation.trial import Example
from bpfsmt.prover.decide import smtlib
from bpfsmt.prover.loop import Loop, NoLoop
from bpfsmt.prover.obligation import Attempt, Obligation, value_in
from bpfsmt.prover.order import Relation, covers, joined, relation
from bpfsmt.prover.solver import Answer, Proved, Refuted, Solver, words_only
from bpfsmt.rules.ruleset import RuleSet, reached

PATIENCE = 4.0
"""Seconds for one comparison; what is not settled by then is left to samples."""

PROVED, BEFORE_SYNC = "proved", "proved before sync"


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


@dataclass(frozen=True, slots=True)
class Compared:
    """How two rule sets' results compare, and ``how`` it is known that nothing else is anywhere.

    That is "proved"; or "proved before sync", of texts in which `sync` leaves everything as it
    is (it is the same in both, but may make more of less: it is not monotone); or "" if the
    solver does not know.  ``examples`` were run: where one says less than the other, or more.
    """

    relation: Relation
    how: str
    examples: Mapping[Relation, Example]


def compared(
    original: RuleSet,
    changed: RuleSet,
    mutated: str,
    about: Sequence[Obligation],
    seen: Mapping[Relation, Example],
) -> Compared:
    """How the changed set's results compare on the inputs of the obligations.

    What was ``seen`` where both ran is so; that nothing else is anywhere takes a proof.
    """
    pair = _Pair(original, changed, mutated)
    examples: dict[Relation, Example] = dict(seen)
    examples.pop(Relation.EQUAL, None)
    if about and not examples and pair.equal_on(about):
        return Compared(Relation.EQUAL, PROVED, {})
    how = PROVED if about else ""
    for o, which in itertools.product(about, (Relation.LOOSER, Relation.TIGHTER)):
        if which not in examples and joined(set(examples)) is not Relation.OTHER:
            found = pair.nowhere(which, o)
            if isinstance(found, Example):
                examples[found.relation] = found
                # An example of the opposite says nothing of the one that was looked for.
                found = PROVED if found.relation in (which, Relation.OTHER) else ""
            if found != PROVED:
                how = found
        if not how:
            break
    relation_ = joined(set(examples))
    return Compared(relation_, PROVED if relation_ is Relation.OTHER else how, examples)


@dataclass(frozen=True)
class _Pair:
    """Two rule sets, of which one has another text for the rule ``mutated``."""

    original: RuleSet
    changed: RuleSet
    mutated: str

    def equal_on(self, about: Iterable[Obligation]) -> bool:
        """Proved: on all inputs of the obligations both give the same.

        Rules that do not read the mutated one are taken for functions of which nothing is
        known.  False if the solver does not know.
        """
        original = self.original
        readers = {n for n in original.linked.rules if self.mutated in reached(original, [n])}
        calls = Opaque(original)
        spaces = [calls.reading(r, readers) for r in (original, self.changed)]
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

    def nowhere(self, which: Relation, o: Obligation) -> Example | str:
        """How it is proved that on no input of the obligation the two differ ``which`` way.

        Or an example of how they do differ there, looked for as if they were ``which``; "" if the
        solver does not know, or running its example shows nothing.
        """
        if _loops(self.original, reached(self.original, [o.rule])):
            return ""
        if self._same_sync(o):
            found = self._nowhere(which, o, _without_sync)
            if found:
                return found if isinstance(found, Example) else BEFORE_SYNC
        return self._nowhere(which, o, lambda rules: rules.linked.terms)

    def _same_sync(self, o: Obligation) -> bool:
        """The obligation's rule goes through `sync`, which is the same in both sets."""
        through = "sync" in reached(self.original, [o.rule])
        return through and self.mutated not in reached(self.original, ["sync"])

    def _nowhere(
        self, which: Relation, o: Obligation, texts: Callable[[RuleSet], Mapping[str, Any]]
    ) -> Example | str:
        order = covers(o.rule, self.original.linked.rules[o.rule].result, terms=True)
        runs = [texts(r)[o.rule] for r in (self.original, self.changed)]
        for attempt in (a for a in o.attempts() if a.exact and a.args):
            before, after = (run(*attempt.args) for run in runs)
            holds = order(after, before) if which is Relation.TIGHTER else order(before, after)
            # Part by part: most are alike, and then it is soon known.
            for way in Attempt(attempt.given, holds).violations():
                answer = _ask(z3.And(*attempt.given, way))
                if isinstance(answer, Refuted):
                    return self._ran(o, attempt, answer.model) or ""
                if not isinstance(answer, Proved):
                    break
            else:
                return PROVED
        return ""

    def _ran(self, o: Obligation, attempt: Attempt, model: Any) -> Example | None:
        """A model's arguments, run: an example if the results differ there."""
        rule = self.original.linked.rules[o.rule]
        pairs = zip(rule.params, attempt.args, strict=True)
        args = [value_in(model, t, x) for (_, t), x in pairs]
        if o.trial is not None and o.trial.synced:
            sync = self.original.linked.ints["sync"]
            args = [sync(a) if isinstance(a, Scalar) else a for a in args]
        before, after = (r.linked.ints[o.rule](*args) for r in (self.original, self.changed))
        found = relation(covers(o.rule, rule.result), after, before)
        if found is Relation.EQUAL:
            return None
        return Example(o.rule, tuple(args), before, after, found)


def _without_sync(rules: RuleSet) -> Mapping[str, Any]:
    """All rules by their texts, but `sync` leaves everything as it is."""
    made: dict[str, Any] = {}
    made |= {n: terms.define(r.compiled, made) for n, r in rules.linked.rules.items()}
    made["sync"] = lambda r: r
    return made


def _loops(rules: RuleSet, names: Iterable[str]) -> bool:
    """Whether one of the rules has a loop, which would have to be unrolled."""
    bodies = (rules.linked.rules[n].compiled.body for n in names)
    return any(isinstance(s, ir.For) for body in bodies for s in body)


def _differ(rules: RuleSet, old: Rule[..., Any], new: Rule[..., Any], opaque: bool) -> Any:
    """That the two texts give different results, as a formula; `None` if they are too different."""
    calls = Opaque(rules) if opaque else None
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


def _ask(formula: Any) -> Answer:
    return Solver(make=words_only).impossible(formula, PATIENCE)


def _impossible(formula: Any) -> bool:
    return isinstance(_ask(formula), Proved)
