"""One mutant's outcome: refuted on ints, or proved still sound and compared, or unknown."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bpfsmt.mutation.baseline import Asked
from bpfsmt.mutation.compare import always_equal, compared
from bpfsmt.mutation.mutant import Mutant
from bpfsmt.mutation.trial import Samples, Tried, speaks_of_members
from bpfsmt.prover.cache import Cache
from bpfsmt.prover.decide import Decider, Result
from bpfsmt.prover.obligation import Counterexample, Obligation
from bpfsmt.prover.order import Relation
from bpfsmt.prover.theorems import Theorem, theorems
from bpfsmt.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one formula, first and second try."""

    quick: float = 4.0
    slow: float = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant.

    ``verdict`` is "refuted" (``obligation`` with its ``counterexample``; ``how`` it was found:
    "run" or "solver"), "sound", or "unknown" (``why``).  A sound one is ``relation`` to the
    original, which is "proved" or, where the solver did not settle it, only "sampled"
    (``compared``), and ``proofs`` are the results that make it sound; or if it is the original
    for all arguments, ``equal`` is the formula that says so, and the original's proofs are its
    own.  ``seconds`` are of processor time.
    """

    mutant: Mutant
    verdict: str
    obligation: str = ""
    counterexample: Counterexample | None = None
    how: str = ""
    relation: str = ""
    compared: str = ""
    proofs: tuple[Result, ...] = ()
    equal: str = ""
    why: str = ""
    asked: tuple[str, ...] = ()
    runs: int = 0
    seconds: float = 0.0


@dataclass
class Prover:
    """Asks the prover; tests put another in its place.

    ``samples`` holds the original; formulas that were shown impossible are remembered
    in the file ``path``.
    """

    samples: Samples
    limits: Limits = field(default_factory=Limits)
    path: Path | None = None

    def run(self, changed: RuleSet, theorem: str, spared: frozenset[str]) -> Tried:
        """Look for a counterexample by running."""
        return self.samples.try_(theorem, changed, spared)

    def prove(self, changed: RuleSet, theorem: Theorem, spared: frozenset[str]) -> Iterator[Result]:
        """The results of a theorem's obligations but those spared, as they come."""
        memory = Cache(self.path)
        kept: list[tuple[str, str]] = []
        decider = Decider(
            self.limits.quick, self.limits.slow, memory.impossible,
            keep=lambda name, key, _: kept.append((name, key)),
        )  # fmt: skip
        try:
            for o in theorem.obligations():
                if o.name not in spared:
                    yield decider.decide(o)
            memory.learn(key for _, key in kept)
        finally:
            memory.close()


def judge(original: RuleSet, mutant: Mutant, asked: Asked, prover: Prover) -> Outcome:
    """The outcome of one mutant, which the theorems in ``asked`` are asked of."""
    start = time.process_time()
    made = mutant.compile(original.linked.rules[mutant.rule])
    changed = original.derive(mutant.name, made)
    out = _judged(original, changed, mutant, asked, prover)
    seconds = round(time.process_time() - start, 3)
    return replace(out, asked=tuple(asked), seconds=seconds)


def _judged(
    original: RuleSet, changed: RuleSet, mutant: Mutant, asked: Asked, prover: Prover
) -> Outcome:
    if not asked.near:
        return Outcome(mutant, "unknown", why=f"no theorem speaks of {mutant.rule}")
    near = _tried(changed, asked.near, asked, prover)
    if near.broken is None and not near.differs:
        same = always_equal(original, changed, mutant.rule)
        if same is not None:
            return Outcome(mutant, "sound", relation="equal", compared="proved", equal=same)
    far = _tried(changed, asked.far, asked, prover) if near.broken is None else Tried()
    runs = near.runs + far.runs
    broken = near.broken or far.broken
    if broken is not None:
        return Outcome(mutant, "refuted", *broken, how="run", runs=runs)
    results = list(_results(changed, asked, prover))
    if not results:
        why = f"nothing that is proved of the original reads {mutant.rule}"
        return Outcome(mutant, "unknown", why=why, runs=runs)
    last = results[-1]
    if last.verdict == "refuted":
        found = last.counterexample
        return Outcome(mutant, "refuted", last.name, found, how="solver", runs=runs)
    unknown = next((r for r in results if r.verdict == "unknown"), None)
    if unknown is not None:
        return Outcome(mutant, "unknown", unknown.name, why=unknown.why, runs=runs)
    return replace(
        _compared(original, changed, mutant, asked, near, prover),
        proofs=tuple(results), runs=runs,
    )  # fmt: skip


def _tried(changed: RuleSet, names: Iterable[str], asked: Asked, prover: Prover) -> Tried:
    """All of them run, until one is broken."""
    out = Tried()
    for name in names:
        tried = prover.run(changed, name, asked.spared)
        out.relations |= tried.relations
        out.differs |= tried.differs
        out.runs += tried.runs
        out.members += tried.members
        out.broken = tried.broken
        if out.broken is not None:
            break
    return out


def _results(changed: RuleSet, asked: Asked, prover: Prover) -> Iterator[Result]:
    """The prover's results, until one is a refutation."""
    about = {t.name: t for t in theorems(changed)}
    for name in asked:
        for result in prover.prove(changed, about[name], asked.spared):
            yield result
            if result.verdict == "refuted":
                return


def _compared(
    original: RuleSet, changed: RuleSet, mutant: Mutant, asked: Asked,
    near: Tried, prover: Prover,
) -> Outcome:  # fmt: skip
    """A sound mutant with its relation to the original: what was seen, and what is proved."""
    about = [o for name in asked.near for o in _one_of_each(prover.samples.obligations(name))]
    found, proved = compared(original, changed, mutant.rule, about, near.relations)
    if not proved and not near.members:
        return Outcome(mutant, "sound", relation=Relation.OPEN.value)
    how = "proved" if proved else "sampled"
    return Outcome(mutant, "sound", relation=found.value, compared=how)


def _one_of_each(obligations: Iterable[Obligation]) -> list[Obligation]:
    """One obligation for each kind of input."""
    found: dict[str, Obligation] = {}
    for o in obligations:
        if o.trial is not None and speaks_of_members(o):
            found.setdefault(o.trial.kind, o)
    return list(found.values())
