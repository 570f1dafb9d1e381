"""Counterexamples on ints: mutant and original run side by side, and checked where they differ.

The original is proved, so only where the mutant's result is another, and does not say less,
can it be wrong.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.prover.obligation import Counterexample, Kind, Obligation
from bpfsmt.prover.order import Relation, covers, relation
from bpfsmt.prover.theorems import Theorem, theorems
from bpfsmt.rules.ruleset import RuleSet

SAMPLES = 1500
"""Inputs of each kind that original and mutant are run on at first."""

MORE = 6000
"""So many inputs of each kind are looked at for a mutant that is not refuted by those."""

CHECKED = 120
"""So many of those on which they differ are checked against each obligation."""

MOVED = 25
"""With so many of these also other numbers are tried that the same arguments may stand for."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One input of a theorem's rule: arguments, open numbers, and the original's result."""

    args: tuple[Any, ...]
    numbers: tuple[int, ...]
    result: Any


@dataclass(frozen=True, slots=True)
class Example:
    """Where original and mutant differ: the rule that was run, its arguments, both results.

    ``relation`` is that of the mutant's result to the original's.
    """

    rule: str
    args: tuple[Any, ...]
    original: Any
    mutant: Any
    relation: Relation


@dataclass
class Tried:
    """What running a theorem's rule came to.

    ``broken`` names the obligation with its counterexample; ``examples`` has one for each way in
    which the results compare where the arguments stand for something, ``differs`` says that
    they differ anywhere; ``runs`` is how many there were, ``members`` of these on arguments
    that stand for something.
    """

    broken: tuple[str, Counterexample] | None = None
    differs: bool = False
    runs: int = 0
    members: int = 0
    examples: dict[Relation, Example] = field(default_factory=dict)

    def add(self, other: Tried) -> None:
        """What another theorem, or other samples, came to besides."""
        self.broken = self.broken or other.broken
        self.differs |= other.differs
        self.runs += other.runs
        self.members += other.members
        self.examples = {**other.examples, **self.examples}


class Stock:
    """The original's samples of one kind, drawn when they are first wanted, and kept."""

    def __init__(self, o: Obligation, run: Callable[..., Any]) -> None:
        assert o.trial is not None
        self._trial, self._run = o.trial, run
        self._drawn = 0
        self._inputs = o.trial.inputs(random.Random(o.trial.kind))
        self._kept: list[tuple[int, Sample]] = []

    def between(self, start: int, end: int) -> Iterator[Sample]:
        """Those of the draws from ``start`` to ``end`` of which the premises hold."""
        while self._drawn < end:
            self._drawn += 1
            found = next(self._inputs, None)
            if found is not None and self._trial.meant(*found):
                args, numbers = found
                self._kept.append((self._drawn, Sample(args, numbers, self._run(*args))))
        return (s for i, s in self._kept if start < i <= end)


class Samples:
    """The original's obligations and results on samples, kept for all mutants."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._theorems = {t.name: t for t in theorems(rules)}
        self.obligations = functools.lru_cache(maxsize=64)(self._obligations)
        self._of = functools.lru_cache(maxsize=48)(self._stock)

    def theorem(self, name: str) -> Theorem:
        """One of the original's theorems."""
        return self._theorems[name]

    def try_(
        self, theorem: str, changed: RuleSet, spared: frozenset[str] = frozenset(),
        start: int = 0, end: int = SAMPLES,
    ) -> Tried:  # fmt: skip
        """Run the theorem's rule of a changed rule set on the samples from ``start`` to ``end``."""
        out = Tried()
        groups: dict[str, list[Obligation]] = {}
        for o in self.obligations(theorem):
            if o.trial is not None and o.name not in spared:
                groups.setdefault(o.trial.kind, []).append(o)
        for kind, about in groups.items():
            self._run(self._of(theorem, kind).between(start, end), about, changed, out)
            if out.broken:
                break
        return out

    def _run(
        self, samples: Iterable[Sample], about: list[Obligation], changed: RuleSet, out: Tried
    ) -> None:
        rule = changed.linked.rules[about[0].rule]
        run = changed.linked.ints[rule.name]
        order = covers(rule.name, rule.result)
        checked = 0
        members = speaks_of_members(about[0])
        for sample in samples:
            result = run(*sample.args)
            out.runs += 1
            out.members += members
            if result == sample.result:
                continue
            found = relation(order, result, sample.result)
            out.differs = True
            if members:
                here = Example(rule.name, sample.args, sample.result, result, found)
                out.examples.setdefault(found, here)
            if found in (Relation.EQUAL, Relation.LOOSER) and not _exact(about):
                continue
            checked += 1
            if checked > CHECKED:
                continue
            out.broken = broken_by(changed, about, sample, moved=checked <= MOVED)
            if out.broken:
                return

    def _obligations(self, theorem: str) -> list[Obligation]:
        return list(self._theorems[theorem].obligations())

    def _stock(self, theorem: str, kind: str) -> Stock:
        o = next(o for o in self.obligations(theorem) if o.trial and o.trial.kind == kind)
        return Stock(o, self.rules.linked.ints[o.rule])


def broken_by(
    changed: RuleSet, about: Iterable[Obligation], sample: Sample, *, moved: bool
) -> tuple[str, Counterexample] | None:
    """The first of some obligations of one kind that the changed rules break on a sample.

    ``moved``: also with other numbers that the arguments may stand for.
    """
    about = list(about)
    others = _moved(sample) if moved else ()
    for numbers in itertools.chain((sample.numbers,), others):
        for o in about:
            assert o.trial is not None
            found = o.trial.check(changed, sample.args, numbers)
            if found is not None and o.trial.synced:
                # Drawn as the original's `sync` leaves them: the changed one may say more.
                found = o.trial.check(changed, _through_sync(changed, sample.args), numbers)
            if found is not None:
                return o.name, found
    return None


def _moved(sample: Sample) -> Iterator[tuple[int, ...]]:
    """One of the numbers at an end of what an argument or the original's result says."""
    ends = sorted({e & _MASK for r in _records((sample.args, sample.result)) for e in _ends(r)})
    for i, number in enumerate(sample.numbers):
        for e in ends:
            if e != number:
                yield (*sample.numbers[:i], e, *sample.numbers[i + 1 :])


_MASK = (1 << 64) - 1


def _records(value: Any) -> Iterator[Scalar | Tnum]:
    if isinstance(value, Scalar | Tnum):
        yield value
    elif isinstance(value, tuple):
        for v in value:
            yield from _records(v)


def _ends(r: Scalar | Tnum) -> tuple[int, ...]:
    if isinstance(r, Tnum):
        return r.value, r.value | r.mask
    return (*_ends(r.var_off), r.umin, r.umax, r.smin, r.smax)


def _through_sync(rules: RuleSet, args: tuple[Any, ...]) -> tuple[Any, ...]:
    sync = rules.linked.ints["sync"]
    return tuple(sync(a) if isinstance(a, Scalar) else a for a in args)


def speaks_of_members(o: Obligation) -> bool:
    """Whether its inputs stand for something; what coherence looks at may be contradictory."""
    return o.kind is not Kind.COHERENCE


def _exact(about: list[Obligation]) -> bool:
    """Whether an obligation may ask more than soundness: coherence does, and exact predicates."""
    return about[0].kind.value != "operator"
