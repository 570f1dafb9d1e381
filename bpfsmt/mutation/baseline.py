"""What is proved of the original, and which of these proofs a change of one rule puts in doubt.

A proof stays one as long as the texts that it read stay as they are (`Result.reads`): so a mutant
has to be put only to the theorems whose proofs read the mutated rule.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bpfsmt.prover.cache import rules_key, theorem_key
from bpfsmt.prover.decide import Result
from bpfsmt.prover.prove import Done
from bpfsmt.prover.settled import SYNCED, settled
from bpfsmt.prover.theorems import theorems
from bpfsmt.rules.ruleset import RuleSet, reached


@dataclass(frozen=True, slots=True)
class Asked:
    """The theorems that a mutant of one rule is put to, by name.

    ``near`` are those of the rule itself, or if it has none of its own, of the callers that
    have and read its text, with no such caller between.  ``far`` are the others whose proofs
    read it.  ``spared`` are the obligations of these theorems that the mutant need not be put
    to: their proofs do not read the rule, or the original does not meet them either.
    ``resting`` are the other proofs of the original: they may rest on what is proved of the rule.
    ``synced`` are the obligations of which also the original's proof needs synced operands.
    """

    near: tuple[str, ...]
    far: tuple[str, ...]
    spared: frozenset[str] = frozenset()
    resting: tuple[Result, ...] = ()
    synced: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[str]:
        yield from self.near
        yield from self.far


@dataclass
class Baseline:
    """The original rule set and its proofs, of all theorems that reach the rules of interest.

    ``done`` is not to change once mutants are judged.
    """

    rules: RuleSet
    done: dict[str, Done] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.theorems = {t.name: t for t in theorems(self.rules)}
        self._keys: dict[str, str] = {}
        self._callers: dict[str, str] = {}

    def needed(self, about: Iterable[str]) -> list[str]:
        """The theorems that could read one of these rules; all for none.

        With those of the rules that these call: a mutant's proofs may rest on them.
        """
        wanted = set(about)
        readers = {
            t.rule
            for t in self.theorems.values()
            if not wanted or wanted & reached(self.rules, [t.rule])
        }
        called = reached(self.rules, readers) if wanted else set()
        return [t.name for t in self.theorems.values() if t.rule in readers | called]

    @property
    def unproved(self) -> list[str]:
        """Obligations that are not proved of the original: no mutant is held to them."""
        return [r.name for r in self._settled if r.verdict != "proved"]

    @functools.cached_property
    def _settled(self) -> list[Result]:
        return settled(r for d in self.done.values() for r in d.results)

    def asked(self, rule: str) -> Asked:
        """The theorems that a mutant of the rule is put to."""
        unproved = frozenset(self.unproved)
        readers = [
            d for d in self.done.values()
            if any(rule in r.reads and r.name not in unproved for r in d.results)
        ]  # fmt: skip
        readers.sort(key=_cost)
        nearest = self._nearest(rule, {d.rule for d in readers})
        near = tuple(d.theorem for d in readers if d.rule in nearest)
        far = tuple(d.theorem for d in readers if d.rule not in nearest)
        again = {r.name for d in readers for r in d.results if rule in r.reads} - unproved
        spared = frozenset(r.name for d in readers for r in d.results) - again
        resting = (r for r in self._settled if r.name not in again and r.name not in unproved)
        synced = frozenset(r.name for r in self._settled if r.inputs == SYNCED)
        return Asked(near, far, spared, tuple(resting), synced)

    def key(self, theorem: str) -> str:
        """A hash of all that a theorem's proof rests on."""
        if theorem not in self._keys:
            self._keys[theorem] = theorem_key(self.rules, self.theorems[theorem])
        return self._keys[theorem]

    def callers_key(self, rule: str) -> str:
        """A hash of the texts of all rules that reach a rule, and of all that these reach."""
        if rule not in self._callers:
            callers = [n for n, callees in self._reached.items() if rule in callees]
            self._callers[rule] = rules_key(self.rules, callers, rule)
        return self._callers[rule]

    @functools.cached_property
    def _reached(self) -> dict[str, set[str]]:
        return {n: reached(self.rules, [n]) for n in self.rules.linked.rules}

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
