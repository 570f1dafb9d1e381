"""The prover as mutants are put to it: by running, by an earlier counterexample, by solving."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bpfsmt.mutation.cases import ByCases
from bpfsmt.mutation.outcome import Hint, Limits
from bpfsmt.mutation.trial import SAMPLES, Samples, Tried
from bpfsmt.prover.cache import Cache
from bpfsmt.prover.decide import Decider, Result
from bpfsmt.prover.obligation import Attempt, Counterexample, Obligation
from bpfsmt.prover.solver import words_only
from bpfsmt.prover.theorems import Theorem
from bpfsmt.rules.ruleset import RuleSet


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
            small=False,
        )  # fmt: skip
        quick = replace(decider, slow=self.limits.quick)
        try:
            for o in theorem.obligations():
                if o.name not in spared:
                    asked = reading(o, by_text)
                    cheap = quick.decide(by_contracts(asked))
                    yield cheap if cheap.verdict == "proved" else decider.decide(asked)
        finally:
            memory.close()


def by_contracts(o: Obligation) -> Obligation:
    """The obligation without its exact attempts, which take long where they only refute.

    A proof for synced operands is soon had by contracts, but the text refutes it of others first.
    """

    def attempts() -> Iterator[Attempt]:
        return (a for a in o.attempts() if not a.exact)

    return replace(o, attempts=attempts, trial=None)


def reading(o: Obligation, by_text: frozenset[str]) -> Obligation:
    """The obligation without the attempts that rest on one of these rules for other records."""

    def attempts() -> Iterator[Attempt]:
        return (a for a in o.attempts() if not by_text & a.uses & a.beyond)

    return replace(o, attempts=attempts)
