"""That `sync` loses nothing of a part that is already the best there is.

`sync` comes last in most rules, and first in what operands are.  A range both ends of which
are members is kept by it: no stage widens it, and no sound stage can narrow it.  So what is
best before `sync` is best after it, and the proof need not look inside.  A tnum is kept if no
known bit becomes unknown.
"""

from __future__ import annotations

import functools
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.precision.alone import Alone, chain
from bpfsmt.precision.parts import PARTS, TNUM_PART, Part, TnumPart
from bpfsmt.precision.plain import Plain
from bpfsmt.precision.signs import Signs
from bpfsmt.prover.compose import SCALAR, parts_of_gamma
from bpfsmt.prover.solver import Proved, Solver, words_only, words_usual
from bpfsmt.rules.ruleset import RuleSet

PATIENCE = 30.0
"""Seconds for one stage and one end, for each of two strategies."""

BEGIN = 2
"""How many first steps of `sync` may be read: in Linux the bits and one round of deduction."""


class Keeper:
    """What the stages of a rule set keep; each is asked once."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.alone = Alone(rules)
        self.plain = Plain(rules)
        self.signs = Signs(rules)
        self.seconds = 0.0

    @functools.cache  # noqa: B019
    def keeps(self, stage: str, part: Part) -> bool:
        """Whether the stage keeps the part: shown of each of its stages, or of its text."""
        steps = chain(self.rules, stage)
        if len(steps) > 1 and all(self.keeps(s, part) for s in dict.fromkeys(steps)):
            return True
        return all(self._impossible(f) for f in self._lost(stage, part))

    @functools.cached_property
    def tells_one(self) -> bool:
        """Whether `sync` makes one number of what has an unsigned range of one: every bit of it.

        One of its last steps does, all before keep the range, and all after what is known of bits.
        """
        steps = chain(self.rules, "sync")[BEGIN:]
        tells = next((i for i, s in enumerate(steps) if self._impossible(self._untold(s))), None)
        if tells is None:
            return False
        before, after = steps[:tells], steps[tells + 1 :]
        return all(self.keeps(s, PARTS["u64"]) for s in dict.fromkeys(before)) and all(
            self.keeps(s, TNUM_PART) for s in dict.fromkeys(after)
        )

    def _untold(self, step: str) -> Any:
        """That some bit stays unknown of what has an unsigned range of one number."""
        r, x = terms.fresh(SCALAR, "r"), z3.BitVec("x~", 64)
        out = self.rules.linked.terms[step](r)
        return z3.And(*parts_of_gamma(r, x).values(), r.umin == r.umax, out.var_off.mask != 0)

    def _impossible(self, formula: Any) -> bool:
        for make in (words_only, words_usual):
            answer = Solver(make=make, cpu=True).impossible(formula, PATIENCE)
            self.seconds += answer.seconds
            if isinstance(answer, Proved):
                return True
            if not hasattr(answer, "why"):
                return False
        return False

    def _lost(self, stage: str, part: Part) -> list[Any]:
        """The ways to lose something, as formulas."""
        r = terms.fresh(SCALAR, "r")
        out = self.rules.linked.terms[stage](r)
        x, y = z3.BitVecs("x~ y~", 64)
        given = [*parts_of_gamma(r, x).values(), *parts_of_gamma(r, y).values()]
        if isinstance(part, TnumPart):
            return [z3.And(*given, part.of(out).mask & ~part.of(r).mask != 0)]
        (lo, hi), (low, high) = part.of(r), part.of(out)
        given += [part.read_term(x) == lo, part.read_term(y) == hi]
        return [z3.And(*given, z3.Not(g)) for g in (part.le(lo, low), part.le(high, hi))]
