"""One mutant's outcome: refuted on ints, or proved still sound and compared, or unknown."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from bpfsmt.mutation.ask import Prover
from bpfsmt.mutation.baseline import Asked
from bpfsmt.mutation.compare import always_equal, compared
from bpfsmt.mutation.mutant import Mutant
from bpfsmt.mutation.outcome import Hint, Outcome
from bpfsmt.mutation.trial import MORE, SAMPLES, Tried, speaks_of_members
from bpfsmt.prover.decide import Result
from bpfsmt.prover.obligation import Counterexample, Obligation
from bpfsmt.prover.order import Relation
from bpfsmt.prover.settled import SYNCED, needing, settled
from bpfsmt.prover.theorems import theorems
from bpfsmt.rules.ruleset import RuleSet


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
            return self._unknown(f"no theorem speaks of {self.mutant.rule} that is proved")
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
            results = self._settled(results)
        last = results[-1]
        if last.verdict == "refuted":
            assert last.counterexample is not None
            return self._refuted(last.name, last.counterexample, how="solver")
        unknown = next((r for r in results if r.verdict == "unknown"), None)
        if unknown is not None:
            return self._unknown(unknown.why, unknown.name)
        needs = any(r.inputs == SYNCED and r.name not in self.asked.synced for r in results)
        return replace(
            self._compared(), proofs=tuple(results), runs=self.tried.runs, needs_synced=needs
        )

    def _results(self) -> Iterator[Result]:
        """The prover's results, until one is a refutation."""
        about = {t.name: t for t in theorems(self.changed)}
        for name in self.asked:
            for result in self.prover.prove(about[name], self.asked.spared):
                yield result
                if result.verdict == "refuted":
                    return

    def _settled(self, results: Iterable[Result]) -> list[Result]:
        """The proofs, with those of callers in place of what rested on more than is proved now.

        The mutant may need synced operands, and a caller may hand it other records: then the
        caller is proved by the mutant's text.  What is no proof comes last.
        """
        proofs = {r.name: r for r in results}
        while True:
            standing = [r for r in self.asked.resting if r.name not in proofs]
            standing += proofs.values()
            found = settled(standing)
            loose = [r for r in found if r.verdict == "unknown"]
            if not loose:
                return [r for r in found if r.name in proofs]
            for r in self._asked_again(loose, frozenset(needing(standing))):
                proofs.pop(r.name, None)
                proofs[r.name] = r
                if r.verdict != "proved":
                    return list(proofs.values())

    def _asked_again(self, loose: Iterable[Result], by_text: frozenset[str]) -> Iterator[Result]:
        loose = list(loose)
        names, rules = {r.name for r in loose}, {r.rule for r in loose}
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
