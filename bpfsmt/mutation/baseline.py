"""What is proved of the original, and which of these proofs a change of one rule puts in doubt.

A proof stays one as long as the texts that it read stay as they are (`Result.reads`): so a mutant
has to be put only to the theorems whose proofs read the mutated rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bpfsmt.prover.cache import theorem_key
from bpfsmt.prover.prove import Done
from bpfsmt.prover.theorems import theorems
from bpfsmt.rules.ruleset import RuleSet, reached


@dataclass(frozen=True, slots=True)
class Asked:
    """The theorems that a mutant of one rule is put to, by name.

    ``near`` are those of the rule itself, or if it has none of its own, of the callers that
    have and read its text, with no such caller between.  ``far`` are the others whose proofs
    read it.  ``spared`` are the obligations of these theorems that the mutant need not be put
    to: their proofs do not read the rule, or the original does not meet them either.
    """

    near: tuple[str, ...]
    far: tuple[str, ...]
    spared: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[str]:
        yield from self.near
        yield from self.far


@dataclass
class Baseline:
    """The original rule set and its proofs, of all theorems that reach the rules of interest."""

    rules: RuleSet
    done: dict[str, Done] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.theorems = {t.name: t for t in theorems(self.rules)}
        self._keys: dict[str, str] = {}

    def needed(self, about: Iterable[str]) -> list[str]:
        """The theorems that could read one of these rules; all for none."""
        wanted = set(about)
        return [
            t.name
            for t in self.theorems.values()
            if not wanted or wanted & reached(self.rules, [t.rule])
        ]

    @property
    def unproved(self) -> list[str]:
        """Obligations that are not proved of the original: no mutant is held to them."""
        return [r.name for d in self.done.values() for r in d.results if r.verdict != "proved"]

    def asked(self, rule: str) -> Asked:
        """The theorems that a mutant of the rule is put to."""
        readers = [d for d in self.done.values() if any(rule in r.reads for r in d.results)]
        readers.sort(key=_cost)
        nearest = self._nearest(rule, {d.rule for d in readers})
        near = tuple(d.theorem for d in readers if d.rule in nearest)
        far = tuple(d.theorem for d in readers if d.rule not in nearest)
        spared = (
            r.name
            for d in readers
            for r in d.results
            if rule not in r.reads or r.verdict != "proved"
        )
        return Asked(near, far, frozenset(spared))

    def key(self, theorem: str) -> str:
        """A hash of all that a theorem's proof rests on."""
        if theorem not in self._keys:
            self._keys[theorem] = theorem_key(self.rules, self.theorems[theorem])
        return self._keys[theorem]

    def _nearest(self, rule: str, having: set[str]) -> set[str]:
        """The rule itself if a theorem is about it, else its callers, and theirs."""
        callers: dict[str, set[str]] = {}
        for name, r in self.rules.linked.rules.items():
            for callee in r.callees:
                callers.setdefault(callee, set()).add(name)
        found: set[str] = set()
        seen: set[str] = set()
        pending = [rule]
        while pending:
            name = pending.pop()
            if name in having:
                found.add(name)
            elif name not in seen:
                seen.add(name)
                pending += callers.get(name, ())
        return found


def _cost(done: Done) -> tuple[float, str]:
    return round(sum(r.seconds for r in done.results), 1), done.theorem
