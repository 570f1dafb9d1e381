"""What `zext32` makes of a low half lies in what it makes of a wider one.

`sync` is not monotone: of less it may make more.  Of a low half that was zero-extended its
rounds make the best ranges there are, and the best of less is no more.  For two rule sets, and
what one makes of a wide record and the other of a tight one that lies in it:

1. what both hand to `sync`, and what its first stage makes of it, lies one in the other (*head*,
   *bits*; or the tight one is a single number by then, and stays one);
2. in each set these ranges have one *shape*: of it some rounds of deduction make ranges of which
   every end is a number in all that were there (*end*), none of these rounds loses such a number
   (*kept*), and more rounds change no range (*rest*).
   So each end on the tight side is a number in all ranges of the tight record, hence of the wide
   one, hence within what was made of that: the ranges lie one in the other;
3. rounds tell the bits nothing but the range that they leave (*told*), which the stage after them
   tells the bits anyway; telling a wider range before makes no difference (*twice*), and that stage
   reads bits and range together only (*reads*);
4. so what it makes of both lies one in the other (*ends*), and the last stage is the first again.

Each of these is asked of the rules' texts (`Nested.questions`), but for one: that a number in the
tight record stays in it from stage to stage is what the stages' soundness says.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import z3

from bpfsmt.bits import U32_MAX, ir, terms
from bpfsmt.bits.types import type_of
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.precision.alone import chain
from bpfsmt.precision.shared import LEFT, RIGHT, Shared, one_number
from bpfsmt.prover.compose import contains, parts_of_gamma, well_formed
from bpfsmt.prover.obligation import conjuncts
from bpfsmt.prover.order import scalar_covers
from bpfsmt.prover.solver import Proved, Solver, words_only
from bpfsmt.rules.ruleset import RuleSet

PATIENCE = 20.0
"""Seconds for one question."""

ENDS = tuple(f for f in Scalar._fields if f != "var_off")

Question = tuple[str, Any]
"""What is shown, and the formula that must have no model."""


def handed_on(rules: RuleSet, name: str, args: Sequence[Any]) -> Any:
    """What a rule hands to `zext32`, if that is another rule's result and `zext32` has the rest."""
    rule = rules.linked.rules[name]
    body = rule.compiled.body
    last = body[0].value if len(body) == 1 and isinstance(body[0], ir.Return) else None
    if not (isinstance(last, ir.Call) and last.rule == "zext32"):
        return None
    core = last.args[0]
    if not isinstance(core, ir.Call):
        return None
    named = dict(zip((n for n, _ in rule.params), args, strict=True))
    its = [named.get(a.name) if isinstance(a, ir.Var) else None for a in core.args]
    return None if any(x is None for x in its) else rules.linked.terms[core.rule](*its)


def low_holds(r: Any, y: Any) -> Any:
    """y is a low half of something in r, for all that r says of low halves alone."""
    ranges = _ranges(r, y)
    return z3.And(contains(_low_bits(r), z3.ZeroExt(32, y)), ranges["u32"], ranges["s32"])


def low_covers(wide: Any, tight: Any) -> list[Any]:
    """What must hold for all that ``tight`` says of its low half to lie in what ``wide`` says."""
    any_whole = (z3.BitVecVal(0, 64),) * 4
    low = [Scalar(_low_bits(r), *any_whole, *r[5:]) for r in (wide, tight)]
    return _covers(*low)


class Nested:
    """Whether a set's `zext32` of a low half covers the other's of one that lies in it."""

    def __init__(self, shared: Shared, wide: str) -> None:
        self.shared, self.wide, self.tight = shared, wide, RIGHT if wide == LEFT else LEFT

    @functools.cached_property
    def shown(self) -> bool:
        """Every question was answered."""
        if not all(self._shaped(side) for side in (self.wide, self.tight)):
            return False
        stays = (self.shared.keeps_one_number(self.tight, s) for s in _Stages(self._tight).all)
        return all(self._impossible(q) for _, q in self.questions()) and all(stays)

    def _impossible(self, formula: Any) -> bool:
        solver = Solver(make=words_only, cpu=True)
        return isinstance(solver.impossible(formula, PATIENCE), Proved)

    def _shaped(self, side: str) -> bool:
        rules = self.shared.of(side)
        have = rules.linked.rules.keys() >= {"zext32", "sync", "tnum_range", "tnum_intersect"}
        return have and _Stages.fits(chain(rules, "sync"))

    @property
    def _wide(self) -> RuleSet:
        return self.shared.of(self.wide)

    @property
    def _tight(self) -> RuleSet:
        return self.shared.of(self.tight)

    def questions(self) -> Iterator[Question]:
        """Each must be impossible; those of both sets first, they are quick to fail."""
        a, b = _Stages(self._wide), _Stages(self._tight)
        yield from _order(a, b)
        for stages in [a] if self.shared.same("zext32") else [a, b]:
            yield from _bits_told(stages)
            yield from _best(stages)


class _Stages:
    """The stages of `zext32` of one rule set, as functions on terms."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.calls = rules.linked.terms
        self.first, *self._rounds, self.bound, _ = self.all = chain(rules, "sync")
        self.name = rules.name

    @staticmethod
    def fits(found: list[str]) -> bool:
        """First stage, rounds of one other, a third, and the first again."""
        return len(found) > 3 and found[0] == found[-1] and len(set(found[1:-2])) == 1

    def head(self, r: Any) -> Any:
        """What `zext32` hands to `sync`."""
        calls = {name: self.calls[name] for name in self.rules.linked.rules}
        calls["sync"] = lambda r: r
        text = terms.define(self.rules.linked.rules["zext32"].compiled, calls)
        return terms.lift(type_of(Scalar), text(r))

    def run(self, stage: str, r: Any) -> Any:
        """A stage of `sync`."""
        return terms.lift(type_of(Scalar), self.calls[stage](r))

    def deduce(self, r: Any) -> Any:
        """One round."""
        return self.run(self._rounds[0], r)

    @property
    def enough(self) -> int:
        """Rounds after which ranges are the best: two, if there are so many."""
        return min(2, len(self._rounds))

    @property
    def more(self) -> bool:
        """There are more rounds than that."""
        return len(self._rounds) > self.enough


def _order(a: _Stages, b: _Stages) -> Iterator[Question]:
    """The stages but for the rounds of deduction keep the order (a's of the wide record)."""
    wide, tight = (terms.fresh(type_of(Scalar), n) for n in ("wide", "tight"))
    y, x = z3.BitVec("y", 32), z3.BitVec("x", 64)
    given = z3.And(*low_covers(wide, tight), low_holds(tight, y))
    yield from _nested("head", given, a.head(wide), b.head(tight))
    given = z3.And(scalar_covers.terms(wide, tight), *parts_of_gamma(tight, x).values())
    yield from _nested("bits", given, a.run(a.first, wide), b.run(b.first, tight))
    yield from _nested("ends", given, a.run(a.bound, wide), b.run(b.bound, tight))


def _nested(name: str, given: Any, wide: Any, tight: Any) -> Iterator[Question]:
    """``wide`` covers ``tight``, or that is a single number."""
    for i, goal in enumerate(_covers(wide, tight)):
        yield f"{name} {i}", z3.And(given, z3.Not(goal), z3.Not(one_number(tight)))


def _bits_told(s: _Stages) -> Iterator[Question]:
    """What rounds do to the bits is nothing that the stage after them does not do."""
    meet, of_range = s.calls["tnum_intersect"], s.calls["tnum_range"]
    r, bits = terms.fresh(type_of(Scalar), "r"), terms.fresh(type_of(Tnum), "bits")
    after = s.deduce(r)
    told = meet(r.var_off, of_range(after.umin, after.umax))
    same = [terms.equal(after.var_off, t) for t in (r.var_off, told)]
    yield f"told: {s.name}", z3.Not(z3.Or(*same))
    lo, hi, x = z3.BitVecs("lo hi x", 64)
    wider = z3.And(z3.ULE(lo, r.umin), z3.ULE(r.umax, hi))
    inside = z3.And(contains(bits, x), well_formed(bits), z3.ULE(r.umin, x), z3.ULE(x, r.umax))
    twice = meet(meet(bits, of_range(lo, hi)), of_range(r.umin, r.umax))
    once = meet(bits, of_range(r.umin, r.umax))
    yield f"twice: {s.name}", z3.And(wider, inside, z3.Not(terms.equal(twice, once)))
    alike = terms.equal(meet(bits, of_range(r.umin, r.umax)),
                        meet(r.var_off, of_range(r.umin, r.umax)))  # fmt: skip
    other = s.run(s.bound, r._replace(var_off=bits))
    differ = z3.Not(terms.equal(other, s.run(s.bound, r)))
    yield f"reads: {s.name}", z3.And(alike, differ)


def _best(s: _Stages) -> Iterator[Question]:
    """Rounds of deduction leave the best ranges of a zero-extended low half."""
    r, y, other = terms.fresh(type_of(Scalar), "r"), z3.BitVec("y", 32), z3.BitVec("other", 32)
    before = s.run(s.first, s.head(r))
    for part, goal in _zero_extended(before).items():
        yield f"shape: {part}, {s.name}", z3.And(low_holds(r, y), z3.Not(goal))
    given = z3.And(*_zero_extended(r).values(), _inside(r, y))
    after = r
    for i in range(s.enough):
        after = s.deduce(after)
        for part, goal in _ranges(after, other).items():
            lost = z3.And(given, _inside(r, other), z3.Not(goal))
            yield f"kept {i + 1}: {part}, {s.name}", lost
    for end in ENDS:
        yield f"end: {end}, {s.name}", z3.And(given, z3.Not(_inside(r, getattr(after, end))))
    if s.more:
        ends = z3.And(*(_inside(r, getattr(r, end)) for end in ENDS))
        again = s.deduce(r)
        for end in ENDS:
            yield f"rest: {end}, {s.name}", z3.And(ends, getattr(again, end) != getattr(r, end))


def _zero_extended(r: Any) -> dict[str, Any]:
    """How ranges look that come of a low half alone; what u64 and s32 share is in s64."""
    lo, hi = z3.ZeroExt(32, r.s32min), z3.ZeroExt(32, r.s32max)
    from_u = z3.And(r.smin <= r.umin, r.umax <= r.smax)
    from_s = z3.And(
        r.s32min >= 0,
        z3.Or(r.smin <= r.umin, r.smin <= lo),
        z3.Or(r.umax <= r.smax, hi <= r.smax),
    )
    return {
        "u64": z3.And(r.umin == z3.ZeroExt(32, r.u32min), r.umax == z3.ZeroExt(32, r.u32max)),
        "s64": z3.And(r.smin >= 0, r.smin <= r.smax, r.smax <= U32_MAX),
        "both": z3.Or(from_u, from_s),
    }


def _covers(wide: Any, tight: Any) -> list[Any]:
    """Each condition of the order by itself."""
    return list(conjuncts([scalar_covers.terms(wide, tight)]))


def _inside(r: Any, x: Any) -> Any:
    """x, a low half or a whole number, is in all ranges of r, zero-extended."""
    y = _low(x)
    whole = [] if x.size() == 32 else [z3.ZeroExt(32, y) == x]
    return z3.And(*whole, *_ranges(r, y).values())


def _ranges(r: Any, y: Any) -> dict[str, Any]:
    """What each range of r says of y, zero-extended."""
    parts = parts_of_gamma(r, z3.ZeroExt(32, y))
    return {p: parts[p] for p in ("u64", "s64", "u32", "s32")}


def _low(x: Any) -> Any:
    return x if x.size() == 32 else z3.Extract(31, 0, x)


def _low_bits(r: Any) -> Tnum:
    """The bits of r's low half, zero-extended."""
    return Tnum(*(z3.ZeroExt(32, _low(x)) for x in r.var_off))
