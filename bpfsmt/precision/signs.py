"""The one step of `sync` in which a signed and an unsigned range learn from each other.

A sum may be known better read one way than the other until this step.  Then the step alone is read
of all of `sync`, where what it gives is what one of the two ranges says by itself (`Signs.of_one`)
and the best there is:

1. the stages before it make neither range wider (`Signs.shrinks`);
2. the stage with the step in it makes, of two ranges that lie in others and of whatever else is
   known, nothing that does not lie in what the step makes of those others (`Signs.more_of_less`);
3. so behind that stage the range is the best, and the stages that follow keep it (`kept`).

That the numbers at its ends stay in the record from stage to stage is what the stages' soundness
says.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.precision.alone import chain, flat
from bpfsmt.precision.parts import Part, RangePart, other
from bpfsmt.prover.compose import SCALAR, parts_of_gamma
from bpfsmt.prover.solver import Proved, Solver, words_only
from bpfsmt.rules.ruleset import RuleSet

PATIENCE = 10.0
"""Seconds for one question."""

STEPS = {64: "bounds64_from_sign", 32: "bounds32_from_sign"}
"""The step, by the width of the ranges."""


@dataclass(frozen=True, slots=True)
class Split:
    """`sync` as the stages before, the one that has the step in it, and those behind."""

    before: tuple[str, ...]
    stage: str
    behind: tuple[str, ...]


class Signs:
    """What is shown of this step of a rule set; each question is asked once."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules

    def split(self, part: Part) -> Split | None:
        """`sync` around the first stage in which ``part`` learns; `None` if there is none."""
        have = self.rules.linked.rules
        if not isinstance(part, RangePart) or "sync" not in have:
            return None
        stages = chain(self.rules, "sync")
        for i, stage in enumerate(stages):
            if STEPS[part.word.bits] in flat(self.rules, stage):
                return Split(tuple(stages[:i]), stage, tuple(stages[i + 1 :]))
        return None

    def step(self, part: RangePart, r: Any) -> Any:
        """What the step makes of r."""
        return self._run(STEPS[part.word.bits])(r)

    def of_one(self, part: RangePart, r: Any) -> Any:
        """What the step gives is what one of the two ranges of r says by itself."""
        made = part.of(self.step(part, r))
        return z3.Or(*(z3.And(*(x == y for x, y in zip(made, p.of(r), strict=True)))
                       for p in _both(part)))  # fmt: skip

    @functools.cache  # noqa: B019
    def stands_for_more(self, part: RangePart) -> bool:
        """Whether it is shown that the step alone may stand for `sync` up to and with its stage."""
        found = self.split(part)
        if found is None:
            return False
        steps = dict.fromkeys(s for stage in found.before for s in flat(self.rules, stage))
        shrinks = (self.shrinks(s, p) for s in steps for p in _both(part))
        return all(shrinks) and self._impossible(self.more_of_less(found.stage, part))

    def shrinks(self, step: str, part: RangePart) -> bool:
        """Whether the step never makes the range wider, of a record with a number in it."""
        r = terms.fresh(SCALAR, "r")
        out = self._run(step)(r)
        x = z3.BitVec("x~", 64)
        given = [*parts_of_gamma(r, x).values(), *parts_of_gamma(out, x).values()]
        return self._impossible(z3.And(*given, z3.Not(_within(part, out, r))))

    def more_of_less(self, stage: str, part: RangePart) -> Any:
        """That the stage makes a wider range of tight ranges than the step of wide ones.

        The latter is of one of the wide ranges, and its ends are numbers in the tight record.
        """
        wide, tight = (terms.fresh(SCALAR, name) for name in ("wide", "tight"))
        made = part.of(self.step(part, wide))
        x, y = z3.BitVecs("x~ y~", 64)
        given = [_within(p, tight, wide) for p in _both(part)]
        given += [g for n in (x, y) for g in parts_of_gamma(tight, n).values()]
        given += [part.read_term(n) == end for n, end in zip((x, y), made, strict=True)]
        out = part.of(self._run(stage)(tight))
        inside = z3.And(part.le(made[0], out[0]), part.le(out[1], made[1]))
        return z3.And(*given, self.of_one(part, wide), z3.Not(inside))

    def _run(self, name: str) -> Any:
        return self.rules.linked.terms[name]

    def _impossible(self, formula: Any) -> bool:
        solver = Solver(make=words_only, cpu=True)
        return isinstance(solver.impossible(formula, PATIENCE), Proved)


def _both(part: RangePart) -> tuple[RangePart, RangePart]:
    return part, other(part)


def _within(part: RangePart, r: Any, other: Any) -> Any:
    (lo, hi), (low, high) = part.of(other), part.of(r)
    return z3.And(part.le(lo, low), part.le(high, hi))
