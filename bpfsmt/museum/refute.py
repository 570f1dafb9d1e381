"""The prover's verdict on an exhibit: what it refutes with the fault, what it proves without."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bpfsmt.prover.decide import Decider, Result
from bpfsmt.prover.obligation import Inputs, Kind, Obligation
from bpfsmt.prover.theorems import theorems
from bpfsmt.rules.museum import Exhibit
from bpfsmt.rules.ruleset import RuleSet


@dataclass(frozen=True)
class Verdict:
    """All obligations about the exhibit's rules, with the fault (``wrong``) and without.

    ``seconds`` are of processor time, until the first expected refutation and for all of
    ``wrong``.
    """

    exhibit: Exhibit
    wrong: Sequence[Result]
    right: Sequence[Result]
    first: float
    seconds: float

    @property
    def refuted(self) -> tuple[str, ...]:
        """The names of the obligations that were refuted."""
        return tuple(r.name for r in self.wrong if r.verdict == "refuted")

    @property
    def unsynced(self) -> tuple[str, ...]:
        """The names of those that hold of synced operands, and not of arbitrary ones."""
        weak = (r for r in self.wrong if r.verdict == "proved" and r.counterexample is not None)
        return tuple(r.name for r in weak)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of those that were not decided, with the fault or without."""
        return tuple(r.name for r in (*self.wrong, *self.right) if r.verdict == "unknown")

    @property
    def as_listed(self) -> bool:
        """Refuted is what the exhibit lists, the rest is proved, and all with the right rule."""
        listed = set(self.exhibit.refuted) == set(self.refuted)
        weak = set(self.exhibit.unsynced) <= set(self.unsynced)
        return (
            listed and weak and not self.unknown and all(r.verdict == "proved" for r in self.right)
        )


def decide(exhibit: Exhibit, decider: Decider | None = None) -> Verdict:
    """Decide all obligations about the rules that the exhibit names, in both rule sets."""
    decider = decider or Decider(small=False)
    listed = {*exhibit.refuted, *exhibit.unsynced}
    start = time.process_time()
    wrong = [
        refute(o, decider) if o.name in exhibit.refuted else decider.decide(o)
        for o in obligations(exhibit.rules, exhibit.about)
    ]
    seconds = time.process_time() - start
    first = min((r.seconds for r in wrong if r.name in listed), default=0.0)
    right = [decider.decide(o) for o in obligations(exhibit.base, exhibit.about)]
    return Verdict(exhibit, wrong, right, first, round(seconds, 2))


def obligations(rules: RuleSet, about: Sequence[str]) -> Iterator[Obligation]:
    """Every obligation about these rules, but for those on the coherence of results."""
    for t in theorems(rules):
        if t.rule in about and not t.name.endswith(f": {Kind.COHERENCE.value[:8]}"):
            yield from t.obligations()


def refute(o: Obligation, decider: Decider) -> Result:
    """The verdict on an obligation that should fail: tried on ints first, then decided.

    It is asked of the rule's whole text: with callees by contract, a part of a result may be
    proved if the others hold, and what a stage spreads from a wrong part does not show.
    """
    start = time.process_time()
    found = o.search()
    if found is None or o.trial is None:
        return decider.decide(replace(o, attempts=lambda: (a for a in o.attempts() if a.exact)))
    inputs = Inputs.SYNCED if o.trial.synced else Inputs.ARBITRARY
    seconds = round(time.process_time() - start, 4)
    return Result(
        o.name, o.kind.value, o.rule, "refuted", inputs.value, "run on ints", seconds,
        counterexample=found,
    )  # fmt: skip
