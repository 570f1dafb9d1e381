"""One mutant's outcome: refuted on ints, or proved still sound and compared, or unknown."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bpfsmt.mutation.baseline import Asked
from bpfsmt.mutation.cases import ByCases
from bpfsmt.mutation.compare import always_equal, compared
from bpfsmt.mutation.mutant import Mutant
from bpfsmt.mutation.trial import MORE, SAMPLES, Example, Samples, Tried, speaks_of_members
from bpfsmt.prover.cache import Cache
from bpfsmt.prover.decide import Decider, Result
from bpfsmt.prover.obligation import Attempt, Counterexample, Obligation
from bpfsmt.prover.order import Relation
from bpfsmt.prover.settled import SYNCED, needing, settled
from bpfsmt.prover.solver import words_only
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
    "run" or "solver"), "sound", or "unknown" (``why``).

    A sound one is ``relation`` to the original, which is "proved" (perhaps "proved before sync")
    or, where the solver did not settle it, only "sampled" (``compared``), with ``examples`` of
    where it says less or more; and ``proofs`` are the results that make it sound; or if it is
    the original for all arguments, ``equal`` is the formula that says so, and the original's
    proofs are its own.  ``needs_synced`` says that these proofs need operands that went through
    `sync` where the original's do not: then ``proofs`` are also of the callers that hand it
    other records.  ``seconds`` are of processor time.
    """

    mutant: Mutant
    verdict: str
    obligation: str = ""
    counterexample: Counterexample | None = None
    how: str = ""
    relation: str = ""
    compared: str = ""
    examples: tuple[Example, ...] = ()
    proofs: tuple[Result, ...] = ()
    equal: str = ""
    needs_synced: bool = False
    why: str = ""
    asked: tuple[str, ...] = ()
    runs: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hint:
    """How a mutant of this text was refuted before; it only counts if it does so again."""

    obligation: str
    counterexample: Counterexample


@dataclass
class Prover:
    """Asks the prover; tests put another in its place.

    ``samples`` holds the original; formulas that were shown impossible are remembered
    in the file ``path``.
    """

    samples: Samples
    limits: Limits = field(default_factory=Limits)
    path: Path | None = None

    def run(
        self, changed: RuleSet, theorem: str, spared: frozenset[str],
        start: int = 0, end: int = SAMPLES,
    ) -> Tried:  # fmt: skip
        """Look for a counterexample by running."""
        return self.samples.try_(theorem, changed, spared, start, end)

    def again(self, changed: RuleSet, theorem: str, hint: Hint) -> Counterexample | None:
        """The counterexample run again, if the theorem has the obligation."""
        old = hint.counterexample
        for o in self.samples.obligations(theorem):
            if o.name == hint.obligation and o.trial is not None:
                return o.trial.check(changed, old.args, old.numbers)
        return None

    def prove(
        self, theorem: Theorem, spared: Container[str], by_text: frozenset[str] = frozenset()
    ) -> Iterator[Result]:
        """The results of a theorem's obligations but those spared, as they come.

        Where the rules ``by_text`` are called on what is no operand, they are read: their
        contracts say nothing there.
        """
        memory = Cache(self.path)
        decider = Decider(
            self.limits.quick, self.limits.slow, memory.impossible,
            keep=lambda _, key, __: memory.learn([key]),
            first=ByCases(make=words_only, simplify=False, patience=self.limits.quick),
        )  # fmt: skip
        try:
            for o in theorem.obligations():
                if o.name not in spared:
                    yield decider.decide(reading(o, by_text) if by_text else o)
        finally:
            memory.close()


def reading(o: Obligation, by_text: frozenset[str]) -> Obligation:
    """The obligation without the attempts that rest on one of these rules for other records."""

    def attempts() -> Iterator[Attempt]:
        return (a for a in o.attempts() if not by_text & a.uses & a.beyond)

    return replace(o, attempts=attempts)


def judge(
    original: RuleSet, mutant: Mutant, asked: Asked, prover: Prover, hint: Hint | None = None
) -> Outcome:
    """The outcome of one mutant, which the theorems in ``asked`` are asked of."""
    start = time.process_time()
    made = mutant.compile(original.linked.rules[mutant.rule])
    changed = original.derive(mutant.name, made)
    out = _Case(original, changed, mutant, asked, prover, hint).outcome()
    seconds = round(time.process_time() - start, 3)
    return replace(out, asked=tuple(asked), seconds=seconds)


@dataclass
class _Case:
    """One mutant before the prover."""

    original: RuleSet
    changed: RuleSet
    mutant: Mutant
    asked: Asked
    prover: Prover
    hint: Hint | None = None
    tried: Tried = field(default_factory=Tried)
    """What running the rule's own theorems came to: where mutant and original are compared."""

    def outcome(self) -> Outcome:
        """Cheapest first: by running, by the text, by the solver."""
        if not self.asked.near:
            return self._unknown(f"no theorem speaks of {self.mutant.rule}")
        if self.hint is not None and self.hint.obligation not in self.asked.spared:
            for name in self.asked:
                found = self.prover.again(self.changed, name, self.hint)
                if found is not None:
                    return self._refuted(self.hint.obligation, found, how="run")
        self._try(self.asked.near)
        if self.tried.broken is None and not self.tried.differs:
            same = always_equal(self.original, self.changed, self.mutant.rule)
            if same is not None:
                return Outcome(
                    self.mutant, "sound", relation="equal", compared="proved", equal=same
                )
        if self.tried.broken is None:
            far = Tried()
            self._try(self.asked.far, into=far)
            self.tried.broken = far.broken
        if self.tried.broken is None:
            self._try(self.asked.near, SAMPLES, MORE)
        if self.tried.broken is not None:
            return self._refuted(*self.tried.broken, how="run")
        return self._proved()

    def _try(
        self, names: Iterable[str], start: int = 0, end: int = SAMPLES, into: Tried | None = None
    ) -> None:
        """All of them run, until one is broken."""
        into = self.tried if into is None else into
        for name in names:
            into.add(self.prover.run(self.changed, name, self.asked.spared, start, end))
            if into.broken is not None:
                return

    def _proved(self) -> Outcome:
        results = list(self._results())
        if not results:
            return self._unknown(f"nothing that is proved of the original reads {self.mutant.rule}")
        if all(r.verdict == "proved" for r in results):
            results += self._of_callers(results)
        last = results[-1]
        if last.verdict == "refuted":
            assert last.counterexample is not None
            return self._refuted(last.name, last.counterexample, how="solver")
        unknown = next((r for r in results if r.verdict == "unknown"), None)
        if unknown is not None:
            return self._unknown(unknown.why, unknown.name)
        proofs = tuple(settled([*results, *self.asked.resting])[: len(results)])
        needs = any(r.inputs == SYNCED and r.name not in self.asked.synced for r in proofs)
        return replace(self._compared(), proofs=proofs, runs=self.tried.runs, needs_synced=needs)

    def _results(self) -> Iterator[Result]:
        """The prover's results, until one is a refutation."""
        about = {t.name: t for t in theorems(self.changed)}
        for name in self.asked:
            for result in self.prover.prove(about[name], self.asked.spared):
                yield result
                if result.verdict == "refuted":
                    return

    def _of_callers(self, results: Iterable[Result]) -> list[Result]:
        """Proofs in place of those that rested on more than is proved now, until none is left.

        The mutant may need synced operands, and a caller may hand it other records.
        """
        standing = {r.name: r for r in (*self.asked.resting, *results)}
        again: dict[str, Result] = {}
        while loose := [r for r in settled(standing.values()) if r.verdict == "unknown"]:
            rules = frozenset(needing(standing.values()))
            for r in self._asked_again({r.name for r in loose}, {r.rule for r in loose}, rules):
                standing[r.name] = again[r.name] = r
                if r.verdict != "proved":
                    return [*again.values(), r]
        return list(again.values())

    def _asked_again(
        self, names: set[str], rules: set[str], by_text: frozenset[str]
    ) -> Iterator[Result]:
        for t in theorems(self.changed):
            if t.rule in rules:
                others = {o.name for o in t.obligations()} - names
                yield from self.prover.prove(t, others, by_text)

    def _compared(self) -> Outcome:
        """A sound mutant with its relation to the original: what was seen, and what is proved."""
        near = self.asked.near
        about = [o for n in near for o in _one_of_each(self.prover.samples.obligations(n))]
        found = compared(self.original, self.changed, self.mutant.rule, about, self.tried.examples)
        examples = tuple(found.examples.values())
        if not found.how and not self.tried.members:
            return Outcome(self.mutant, "sound", relation=Relation.OPEN.value)
        how = found.how or "sampled"
        return Outcome(
            self.mutant, "sound", relation=found.relation.value, compared=how, examples=examples
        )

    def _refuted(self, obligation: str, found: Counterexample, how: str) -> Outcome:
        return Outcome(self.mutant, "refuted", obligation, found, how=how, runs=self.tried.runs)

    def _unknown(self, why: str, obligation: str = "") -> Outcome:
        return Outcome(self.mutant, "unknown", obligation, why=why, runs=self.tried.runs)


def _one_of_each(obligations: Iterable[Obligation]) -> list[Obligation]:
    """One obligation for each kind of input."""
    found: dict[str, Obligation] = {}
    for o in obligations:
        if o.trial is not None and speaks_of_members(o):
            found.setdefault(o.trial.kind, o)
    return list(found.values())
