"""Counterexamples on ints: mutant and original run side by side, and checked where they differ.

The original is proved, so only where the mutant's result is another, and does not say less,
can it be wrong.
"""

from __future__ import annotations

import functools
import itertools
import random
from dataclasses import dataclass, field
from typing import Any

from bpfsmt.prover.obligation import Counterexample, Kind, Obligation
from bpfsmt.prover.order import Relation, covers, relation
from bpfsmt.prover.theorems import Theorem, theorems
from bpfsmt.rules.ruleset import RuleSet

SAMPLES = 1500
"""Inputs of each kind that original and mutant are run on."""

CHECKED = 120
"""So many of those on which they differ are checked against each obligation."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One input of a theorem's rule: arguments, open numbers, and the original's result."""

    args: tuple[Any, ...]
    numbers: tuple[int, ...]
    result: Any


@dataclass
class Tried:
    """What running a theorem's rule came to.

    ``broken`` names the obligation with its counterexample; ``relations`` is how the results
    compare where the arguments stand for something, ``differs`` that they differ anywhere;
    ``runs`` is how many there were, ``members`` of these on arguments that stand for something.
    """

    broken: tuple[str, Counterexample] | None = None
    relations: set[Relation] = field(default_factory=set)
    differs: bool = False
    runs: int = 0
    members: int = 0


class Samples:
    """The original's obligations and results on samples, kept for all mutants."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._theorems = {t.name: t for t in theorems(rules)}
        self.obligations = functools.lru_cache(maxsize=64)(self._obligations)
        self._of = functools.lru_cache(maxsize=48)(self._draw)

    def theorem(self, name: str) -> Theorem:
        """One of the original's theorems."""
        return self._theorems[name]

    def try_(self, theorem: str, changed: RuleSet, spared: frozenset[str] = frozenset()) -> Tried:
        """Run the theorem's rule of a changed rule set on the samples."""
        out = Tried()
        groups: dict[str, list[Obligation]] = {}
        for o in self.obligations(theorem):
            if o.trial is not None and o.name not in spared:
                groups.setdefault(o.trial.kind, []).append(o)
        for kind, about in groups.items():
            self._run(theorem, kind, about, changed, out)
            if out.broken:
                break
        return out

    def _run(
        self, theorem: str, kind: str, about: list[Obligation], changed: RuleSet, out: Tried
    ) -> None:
        rule = changed.linked.rules[about[0].rule]
        run = changed.linked.ints[rule.name]
        order = covers(rule.name, rule.result)
        checked = 0
        members = speaks_of_members(about[0])
        for sample in self._of(theorem, kind):
            result = run(*sample.args)
            out.runs += 1
            out.members += members
            if result == sample.result:
                continue
            found = relation(order, result, sample.result)
            out.differs = True
            if members:
                out.relations.add(found)
            if found in (Relation.EQUAL, Relation.LOOSER) and not _exact(about):
                continue
            checked += 1
            if checked > CHECKED:
                continue
            for o in about:
                assert o.trial is not None
                broken = o.trial.check(changed, sample.args, sample.numbers)
                if broken is not None:
                    out.broken = o.name, broken
                    return

    def _obligations(self, theorem: str) -> list[Obligation]:
        return list(self._theorems[theorem].obligations())

    def _draw(self, theorem: str, kind: str) -> list[Sample]:
        o = next(o for o in self.obligations(theorem) if o.trial and o.trial.kind == kind)
        assert o.trial is not None
        run = self.rules.linked.ints[o.rule]
        drawn = itertools.islice(o.trial.inputs(random.Random(kind)), SAMPLES)
        meant = (d for d in drawn if o.trial.meant(*d))
        return [Sample(args, numbers, run(*args)) for args, numbers in meant]


def speaks_of_members(o: Obligation) -> bool:
    """Whether its inputs stand for something; what coherence looks at may be contradictory."""
    return o.kind is not Kind.COHERENCE


def _exact(about: list[Obligation]) -> bool:
    """Whether an obligation may ask more than soundness: coherence does, and exact predicates."""
    return about[0].kind.value != "operator"
