"""A rule set that is proved in a second, and what the tests do with it."""

from __future__ import annotations

import functools

from bpfsmt.bits import rule, u64
from bpfsmt.domain import Tnum
from bpfsmt.mutation.ask import Prover
from bpfsmt.mutation.baseline import Baseline
from bpfsmt.mutation.judge import judge
from bpfsmt.mutation.mutant import Mutant, mutants_of
from bpfsmt.mutation.outcome import Outcome
from bpfsmt.mutation.trial import Samples
from bpfsmt.prover.prove import prove
from bpfsmt.rules import RuleSet
from bpfsmt.rules.tnum import tnum_add, tnum_and, tnum_lshift, tnum_umax


@rule
def keep_low(x: u64) -> u64:
    """Part of the next rule, which has a theorem where this one has none."""
    return x & 0xFFFF_FFFF


@rule
def tnum_zext32(a: Tnum) -> Tnum:
    """The low 32 bits, zero-extended.  (The first case is the second again.)"""
    if a.mask == 0:
        return Tnum(keep_low(a.value), 0)
    return Tnum(keep_low(a.value), keep_low(a.mask))


SMALL = RULES = RuleSet(
    "small", {r.name: r for r in (tnum_add, tnum_and, tnum_lshift, tnum_umax, tnum_zext32)}
)


@functools.cache
def baseline() -> Baseline:
    """The small rule set with its proofs."""
    made = Baseline(SMALL)
    made.done = {d.theorem: d for d in prove(SMALL, jobs=1)}
    return made


def mutant(rule_name: str, says: str) -> Mutant:
    """The mutant of a rule that is described so."""
    found = mutants_of(SMALL.linked.rules[rule_name]).found
    return next(m for m in found if m.says == says)


def outcome(m: Mutant, prover: Prover | None = None) -> Outcome:
    """What becomes of a mutant."""
    return judge(SMALL, m, baseline().asked(m.rule), prover or Prover(Samples(SMALL)))
