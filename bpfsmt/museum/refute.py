"""The prover's verdict on an exhibit: what it refutes with the fault, what it proves without."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bpfsmt.museum.simpler import simpler
from bpfsmt.prover.decide import Decider, Result
from bpfsmt.prover.obligation import Inputs, Obligation, Trial
from bpfsmt.prover.settled import settled
from bpfsmt.prover.theorems import theorems
from bpfsmt.rules.museum import Exhibit
from bpfsmt.rules.ruleset import RuleSet


@dataclass(frozen=True)
class Verdict:
    """All obligations about the exhibit's rules, with the fault (``wrong``) and without.

    ``first`` is the processor time in seconds from nothing to the first failure that is
    listed, ``seconds`` that for all of ``wrong``, ``corrected`` that for all of ``right``.
    """

    wrong: Sequence[Result]
    right: Sequence[Result]
    first: float
    seconds: float
    corrected: float
    faults: Sequence[str]

    @property
    def refuted(self) -> tuple[str, ...]:
        """The names of the obligations that were refuted with the fault."""
        return tuple(r.name for r in self.wrong if r.verdict == "refuted")

    @property
    def unsynced(self) -> tuple[str, ...]:
        """The names of those that hold of synced operands, and not of arbitrary ones."""
        return tuple(r.name for r in self.wrong if _unsynced(r))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of those that were not decided, with the fault or without."""
        return tuple(r.name for r in (*self.wrong, *self.right) if r.verdict == "unknown")

    @property
    def as_listed(self) -> bool:
        """Refuted is what the exhibit lists, the rest is proved, and all with the right rule."""
        return not self.faults and not self.unknown

    def counts(self, fault: bool = True) -> str:
        """How many obligations were refuted, proved and unknown: "1 refuted, 5 proved"."""
        counts = Counter(r.verdict for r in (self.wrong if fault else self.right))
        words = ("refuted", "proved", "unknown")
        return ", ".join(f"{counts[w]} {w}" for w in words if counts[w])


def decide(exhibit: Exhibit, readable: bool = False) -> Verdict:
    """Decide all obligations about the rules that the exhibit names, in both rule sets.

    Counterexamples are made simpler if they are to be ``readable``; that time is not counted.
    """
    decider = Decider(small=False)
    listed = {*exhibit.refuted, *exhibit.unsynced}
    first = 0.0
    wrong = []
    start = time.process_time()
    for o in sorted(obligations(exhibit.rules, exhibit.about), key=lambda o: o.name not in listed):
        r = refute(o, decider) if o.name in exhibit.refuted else decider.decide(o)
        wrong.append(r)
        if not first and r.name in listed and (r.verdict == "refuted" or _unsynced(r)):
            first = time.process_time() - start
    middle = time.process_time()
    right = settled(decider.decide(o) for o in obligations(exhibit.base, exhibit.about))
    end = time.process_time()
    if readable:
        trials = {o.name: o.trial for o in obligations(exhibit.rules, exhibit.about)}
        wrong = [_readable(r, trials[r.name]) for r in wrong]
    faults = tuple(_faults(exhibit, wrong, right))
    return Verdict(wrong, right, first, middle - start, end - middle, faults)


def obligations(rules: RuleSet, about: Sequence[str]) -> Iterator[Obligation]:
    """Every obligation about these rules."""
    for t in theorems(rules):
        if t.rule in about:
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


def _readable(r: Result, trial: Trial | None) -> Result:
    if r.counterexample is None or trial is None:
        return r
    arbitrary = r.verdict == "proved"  # it fails of operands that were not synced
    trial = replace(trial, synced=False) if arbitrary else trial
    return replace(r, counterexample=simpler(trial, r.counterexample))


def _unsynced(r: Result) -> bool:
    return r.verdict == "proved" and r.kind != "coherence" and r.counterexample is not None


def _faults(exhibit: Exhibit, wrong: Sequence[Result], right: Sequence[Result]) -> Iterator[str]:
    """What is otherwise than the exhibit says, in words."""
    verdicts = {r.name: r.verdict for r in wrong}
    for name in exhibit.refuted:
        if verdicts.get(name) != "refuted":
            yield f"not refuted: {name} is {verdicts.get(name, 'no obligation')}"
    weak = {r.name for r in wrong if _unsynced(r)}
    for name in exhibit.unsynced:
        if name not in weak:
            yield f"not refuted: {name} does not need synced operands"
    for name, verdict in verdicts.items():
        if verdict == "refuted" and name not in exhibit.refuted:
            yield f"{name} is refuted too"
    for r in right:
        if r.verdict == "refuted":
            yield f"{r.name} is refuted of the corrected rule"
    if not right and exhibit.about:
        yield "nothing is proved of the corrected rule"
