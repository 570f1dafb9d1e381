"""What `sync` makes of an operand of which one part alone is known, in few steps.

Most of the steps of `sync` change nothing then.  Those are left out, each shown to change
nothing where it comes; what is left is the same function, in a quarter of the text.  The part
itself stays as it was, which is shown, too: a rule that reads no other one is then asked about
in few words.  So is one that reads the range of the other sign, of which the ends say the same.
"""

from __future__ import annotations

import functools
from typing import Any

import z3

from bpfsmt.bits import ir, terms
from bpfsmt.bits.types import type_of
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.precision.parts import Part, RangePart, other
from bpfsmt.prover.compose import well_formed
from bpfsmt.prover.solver import Proved, Solver, words_only
from bpfsmt.rules.ruleset import RuleSet

PATIENCE = 5.0
"""Seconds to show of one step that it changes nothing."""


class Alone:
    """`sync` of a rule set, on scalars of which one part is known."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules

    def __call__(self, part: Part, value: Any) -> Any:
        """What `sync` makes of the scalar of which ``value`` (of terms) is known."""
        r = self._stepped(part, value)
        if self.stays(part):
            r = part.put(r, value)
        if isinstance(part, RangePart) and self.mirrors(part):
            r = other(part).put(r, _mirrored(part, value))
        return r

    def _stepped(self, part: Part, value: Any) -> Any:
        r = _lifted(part, value)
        for step in self.steps(part):
            r = self.rules.linked.terms[step](r)
        return r

    @functools.cache  # noqa: B019
    def stays(self, part: Part) -> bool:
        """What is known of the part is, after all steps, what it was: it can be read as such."""
        value, given = _open(part)
        return self._same(part.of(self._stepped(part, value)), value, given)

    @functools.cache  # noqa: B019
    def mirrors(self, part: RangePart) -> bool:
        """The range of the other sign is, after all steps, what the ends alone say of it."""
        value, given = _open(part)
        after = other(part).of(self._stepped(part, value))
        return self._same(after, _mirrored(part, value), given)

    def _same(self, x: Any, y: Any, given: Any) -> bool:
        pairs = zip(terms.leaves(x), terms.leaves(y), strict=True)
        differ = z3.Or(*(a != b for a, b in pairs))
        solver = Solver(make=words_only, cpu=True)
        return isinstance(solver.impossible(z3.And(given, differ), PATIENCE), Proved)

    @functools.cache  # noqa: B019
    def steps(self, part: Part) -> tuple[str, ...]:
        """The steps of `sync` that change something, first to last."""
        value, given = _open(part)
        r = _lifted(part, value)
        found = []
        for step in flat(self.rules, "sync"):
            after = self.rules.linked.terms[step](r)
            changed = z3.And(given, z3.Not(terms.equal(after, r)))
            solver = Solver(make=words_only, cpu=True)
            if not isinstance(solver.impossible(changed, PATIENCE), Proved):
                found.append(step)
                r = after
        return tuple(found)


def chain(rules: RuleSet, stage: str) -> list[str]:
    """The stages that a stage is made of, first to last, if its text is nothing else."""
    rule = rules.linked.rules[stage]
    made: dict[str, list[str] | None] = {rule.params[0][0]: []}
    for line in rule.compiled.body:
        if isinstance(line, ir.Return):
            return _applied(line.value, made) or [stage]
        if not (isinstance(line, ir.Assign) and len(line.targets) == 1):
            break
        made[line.targets[0]] = _applied(line.value, made)
    return [stage]


def _applied(expr: ir.Expr, made: dict[str, list[str] | None]) -> list[str] | None:
    """The stages that make this of the argument, if nothing else does; ``made``: those of names."""
    if isinstance(expr, ir.Var):
        return made.get(expr.name)
    if not (isinstance(expr, ir.Call) and len(expr.args) == 1):
        return None
    before = _applied(expr.args[0], made)
    return None if before is None else [*before, expr.rule]


def flat(rules: RuleSet, stage: str) -> list[str]:
    """The stages that a stage is made of, and those that these are made of, first to last."""
    steps = chain(rules, stage)
    return steps if steps == [stage] else [s for step in steps for s in flat(rules, step)]


def _open(part: Part) -> tuple[Any, Any]:
    """Any value of the part, and that it is one."""
    if isinstance(part, RangePart):
        ends = tuple(z3.BitVecs("lo~ hi~", part.word.bits))
        return ends, part.le(*ends)
    t = terms.fresh(type_of(Tnum), "t~")
    return t, well_formed(t)


def _mirrored(part: RangePart, value: Any) -> Any:
    """The ends, if they are in order as the other range reads them; all there is, if not."""
    word, (lo, hi) = other(part).word, value
    in_order = other(part).le(lo, hi)
    return tuple(z3.If(in_order, end, z3.BitVecVal(limit, word.bits))
                 for end, limit in ((lo, word.min), (hi, word.max)))  # fmt: skip


def _lifted(part: Part, value: Any) -> Any:
    return terms.lift(type_of(Scalar), part.alone(value))
