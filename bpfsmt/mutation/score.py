"""Counts of outcomes by rule, and the mutation score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bpfsmt.mutation.outcome import Outcome
from bpfsmt.prover.order import Relation

SOUND = tuple(r.value for r in Relation)
COLUMNS = ("refuted", *SOUND, "unknown")
"""What a mutant can come to: refuted, sound in one of four relations, or unknown."""


@dataclass
class Score:
    """Some mutants' outcomes, counted."""

    counts: Counter[str] = field(default_factory=Counter)
    sampled: int = 0
    """Of the sound ones, those whose relation to the original is not proved."""

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self.counts[outcome.relation or outcome.verdict] += 1
        self.sampled += outcome.compared == "sampled"

    @property
    def mutants(self) -> int:
        """All of them."""
        return self.counts.total()

    @property
    def share(self) -> float | None:
        """The mutation score: of the mutants that are not the original again, how many are refuted.

        Those that are missing to 1 are proved sound, or unknown; `None` if there are none.
        """
        changed = self.mutants - self.counts["equal"]
        return self.counts["refuted"] / changed if changed else None


def by_rule(outcomes: Iterable[Outcome]) -> dict[str, Score]:
    """A score for each rule, in order of name."""
    found: dict[str, Score] = {}
    for o in outcomes:
        found.setdefault(o.mutant.rule, Score()).add(o)
    return dict(sorted(found.items()))


def total(outcomes: Iterable[Outcome]) -> Score:
    """The score of all."""
    score = Score()
    for o in outcomes:
        score.add(o)
    return score
