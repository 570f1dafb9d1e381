"""What two rule sets share: rules whose text, and that of all they call, is the same.

And what they nearly share: a *stage* (scalar to scalar) may give the same in both sets, but
for where one of them leaves a single number.  Nothing sound says more than that, so what
follows is no looser: a later stage that both have makes a single number of it again.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits import Rule, ir, terms
from bpfsmt.bits.types import RecordType, type_of
from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import Scalar
from bpfsmt.prover.obligation import Attempt
from bpfsmt.prover.solver import Proved, Solver, words_only
from bpfsmt.rules.ruleset import RuleSet, reached

LEFT, RIGHT = "A", "B"
SIDES = (LEFT, RIGHT)

QUICK = 10.0
"""Seconds to show that two texts agree on all arguments whatever."""

_SCALAR = type_of(Scalar)


class Shared:
    """Two rule sets, and which rules mean the same in both.

    ``equal`` are rules of different text that were shown to agree on all arguments whatever,
    ``nearly`` stages that agree but for where A's, or B's, leaves a single number.
    """

    def __init__(self, left: RuleSet, right: RuleSet) -> None:
        self.left, self.right = left, right
        self.equal: set[str] = set()
        self.nearly: dict[str, set[str]] = {side: set() for side in SIDES}
        self._same: dict[str, bool] = {}

    def of(self, side: str) -> RuleSet:
        """The rule set A or B."""
        return self.left if side == LEFT else self.right

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

    def settle(self, names: Iterable[str], seconds: float = QUICK) -> None:
        """Find what agrees of rules that are not the same, callees first.

        A stage is asked also if only its callees differ: another may make up for one of them.
        """
        both = [n for n in names if n in self.right.linked.rules]
        for name in sorted(both, key=self._depth):
            if self.same(name) or not self._one_type(name):
                continue
            if not self.own_text(name) or self.is_stage(name):
                self._settle(name, seconds)

    def _settle(self, name: str, seconds: float) -> None:
        if self._agree(name, None, seconds):
            self.equal.add(name)
            self._same.clear()
        elif self.is_stage(name):
            for side in SIDES:
                if self._agree(name, side, seconds):
                    self.nearly[side].add(name)

    def _agree(self, name: str, side: str | None, seconds: float) -> bool:
        """On all arguments whatever; but for where that ``side`` leaves a single number."""
        if self.loops(name):
            return False
        read = self.own_text(name) and side is None
        opaque = Opaque(self, self.same_and_loops if read else self.known_enough)
        rule = self.left.linked.rules[name]
        args = [terms.fresh(t, n) for n, t in rule.params]
        x, y = (opaque.text(s, name, args) for s in SIDES)
        given = opaque.facts()
        if side is not None:
            given.append(z3.Not(one_number(x if side == LEFT else y)))
        differ = Attempt(tuple(given), terms.equal(x, y), "texts").violations()
        solver = Solver(make=words_only, cpu=True)
        return all(
            isinstance(solver.impossible(z3.And(*given, way), seconds), Proved) for way in differ
        )

    def _one_type(self, name: str) -> bool:
        a, b = (s.linked.rules[name] for s in (self.left, self.right))
        return [t for _, t in a.params] == [t for _, t in b.params] and a.result == b.result

    def is_stage(self, name: str) -> bool:
        """The rule takes a scalar to a scalar."""
        rule = self.left.linked.rules.get(name)
        return rule is not None and [t for _, t in rule.params] == [_SCALAR] == [rule.result]

    def known_enough(self, name: str) -> bool:
        """The text need not be read: it is shared or nearly so, or one set alone has the number.

        But for what makes a record of words, which is short and says much.
        """
        if any(name in self.nearly[side] for side in SIDES) or self._aside(name):
            return True
        params = self.left.linked.rules[name].params if self.same(name) else ()
        return any(isinstance(t, RecordType) for _, t in params)

    def _aside(self, name: str) -> bool:
        """A rule of one set only, for a number: most often a condition of what follows."""
        have = [s.linked.rules[name] for s in (self.left, self.right) if name in s.linked.rules]
        return len(have) == 1 and isinstance(have[0].result, Word)

    @functools.cache  # noqa: B019
    def keeps_one_number(self, side: str, name: str) -> bool:
        """A stage makes a single number of a single number."""
        r = terms.fresh(_SCALAR, "r")
        out = self.of(side).linked.terms[name](r)
        formula = z3.And(one_number(r), z3.Not(one_number(out)))
        return isinstance(Solver(make=words_only, cpu=True).impossible(formula, QUICK), Proved)

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


@dataclass(frozen=True, slots=True)
class _Made:
    """A call of a rule that is hidden: by which set, of what, and its fresh result."""

    side: str
    args: tuple[Any, ...]
    leaves: tuple[Any, ...]
    result: Any


class Opaque:
    """The rules of both sets on terms, those ``hidden`` as functions of which little is known.

    Such a function gives the same result for the same arguments, in both sets; of a rule
    that they nearly share, the same or, on one side, a single number.  What a stage makes of
    a single number is one too, where that was shown.
    """

    def __init__(self, shared: Shared, hidden: Callable[[str], bool]) -> None:
        self._shared = shared
        self._made: dict[str, list[_Made]] = {}
        self._texts: dict[str, dict[str, Any]] = {}
        self._calls = {side: self._namespace(side, hidden) for side in SIDES}

    def text(self, side: str, name: str, args: Sequence[Any]) -> Any:
        """What a set's rule gives for these arguments, by its own text."""
        return terms.lift(
            self._shared.of(side).linked.rules[name].result, self._texts[side][name](*args)
        )

    def run(self, side: str, name: str, args: Sequence[Any]) -> Any:
        """The same, by a function if the rule is hidden."""
        return self._calls[side][name](*args)

    def _namespace(self, side: str, hidden: Callable[[str], bool]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        texts = self._texts.setdefault(side, {})
        for name, rule in self._shared.of(side).linked.rules.items():
            texts[name] = terms.define(rule.compiled, found)
            call = functools.partial(self._call, side, rule)
            found[name] = call if hidden(name) else texts[name]
        return found

    def _call(self, side: str, rule: Any, *args: Any) -> Any:
        lifted = tuple(terms.lift(t, a) for (_, t), a in zip(rule.params, args, strict=True))
        leaves = tuple(z3.simplify(x) for x in _leaves(lifted))
        made = self._made.setdefault(rule.name, [])
        for m in made:
            one = m.side == side or self._shared.same(rule.name)
            if one and all(x.eq(y) for x, y in zip(m.leaves, leaves, strict=True)):
                return m.result
        result = terms.fresh(rule.result, f"{rule.name}!{len(made)}")
        made.append(_Made(side, lifted, leaves, result))
        return result

    def facts(self) -> list[Any]:
        """What is known of the functions."""
        found = []
        for name, made in self._made.items():
            for m in made:
                if self._shared.is_stage(name) and self._shared.keeps_one_number(m.side, name):
                    found.append(z3.Implies(one_number(m.args[0]), one_number(m.result)))
            found += [self._together(name, *pair) for pair in itertools.combinations(made, 2)]
        return found

    def _together(self, name: str, m: _Made, o: _Made) -> Any:
        """Of equal arguments."""
        agree = z3.And(*(p == q for p, q in zip(m.leaves, o.leaves, strict=True)))
        ways = [terms.equal(m.result, o.result)]
        if m.side != o.side and not self._shared.same(name):
            ways += [one_number(c.result) for c in (m, o) if name in self._shared.nearly[c.side]]
        return z3.Implies(agree, z3.Or(*ways))


def one_number(r: Scalar) -> Any:
    """Each part of r holds one number, the same, as a term."""
    x = r.var_off.value
    low = z3.Extract(31, 0, x)
    whole = [e == x for e in (r.umin, r.umax, r.smin, r.smax)]
    half = [e == low for e in (r.u32min, r.u32max, r.s32min, r.s32max)]
    return z3.And(r.var_off.mask == 0, *whole, *half)


def _has_loop(rule: Rule[..., Any]) -> bool:
    return any(isinstance(s, ir.For) for s in rule.compiled.body)


def _leaves(values: Iterable[Any]) -> list[Any]:
    return [x for v in values for x in (_leaves(v) if isinstance(v, tuple) else [v])]
