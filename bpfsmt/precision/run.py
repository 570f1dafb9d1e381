"""Everything that is asked of a rule set's precision: one part of one operation at a time.

Each of these pieces is kept as soon as it is decided, so that an interrupted run goes on from
there.  What is unknown is asked again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bpfsmt.precision.cases import Question, questions
from bpfsmt.precision.kept import Keeper
from bpfsmt.precision.measured import Gap, drawn, small
from bpfsmt.precision.memory import ASKS, Memory, key
from bpfsmt.precision.operations import Operation, operations
from bpfsmt.precision.optimal import Limits, Optimality, decide
from bpfsmt.precision.pool import each
from bpfsmt.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Options:
    """How to ask: small operands of ``width`` bits, ``count`` drawn cases from ``seed``."""

    limits: Limits = field(default_factory=Limits)
    width: int = 3
    seed: int = 1
    count: int = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation with the verdicts on its parts, and the gaps that were measured.

    ``small`` is of operands of which that part alone is known, ``drawn`` of whole ones.
    ``seconds`` are of processor time.
    """

    operation: str
    rule: str
    answers: tuple[Optimality, ...]
    small: dict[str, Gap]
    drawn: dict[str, Gap]
    seconds: float


@dataclass(frozen=True, slots=True)
class Piece:
    """What is asked at once: a ``question``, or with `None` the gaps of drawn operands."""

    operation: Operation
    question: Question | None = None

    @property
    def name(self) -> str:
        """The operation, and the part if one is asked about."""
        return self.question.name if self.question else self.operation.name


@dataclass(frozen=True, slots=True)
class Found:
    """What a piece came to: a verdict with the gap of small operands, or the gaps of drawn ones."""

    name: str
    gaps: tuple[Gap, ...]
    seconds: float
    answer: Optimality | None = None


class Asker:
    """Asks about one rule set; what `sync` keeps is found out once in a process."""

    def __init__(self, rules: RuleSet, options: Options) -> None:
        self.rules, self.options = rules, options
        self.keeper = Keeper(rules)

    def __call__(self, piece: Piece) -> Found:
        """All about one piece."""
        start = time.process_time()
        o, q = self.options, piece.question
        if q is None:
            gaps = tuple(drawn(self.rules, piece.operation, o.seed, o.count))
            return Found(piece.name, gaps, time.process_time() - start)
        answer = decide(q, self.keeper, o.limits)
        gap = small(q, o.width) if o.width else None
        gaps = () if gap is None else (gap,)
        return Found(piece.name, gaps, time.process_time() - start, answer)

    def key(self, piece: Piece) -> str:
        """By what the answer depends on, but for the limits: what was decided stays decided."""
        o = self.options
        asked = (o.seed, o.count) if piece.question is None else o.width
        about = repr((piece.name, piece.operation, asked))
        return key(about, [piece.operation.rule, "sync"], self.rules, texts=ASKS)


def chosen(rules: RuleSet, about: Iterable[str]) -> list[Operation]:
    """The operations to ask about: those of the rules named, or all."""
    wanted = set(about)
    return [o for o in operations(rules) if not wanted or o.rule in wanted]


def pieces(rules: RuleSet, operation: Operation, options: Options) -> list[Piece]:
    """What is asked about an operation."""
    about = [q for q in questions(rules, (operation.rule,)) if q.operation == operation]
    found = [Piece(operation, q) for q in about]
    return [*found, Piece(operation)] if options.count else found


def ask(
    rules: RuleSet,
    about: Iterable[str],
    options: Options,
    jobs: int | None,
    memory: Memory | None = None,
) -> Iterator[Asked]:
    """All that is asked, in any order, as answers come; ``memory`` spares what is known."""
    asker = Asker(rules, options)
    open_ = {o.name: (o, pieces(rules, o, options)) for o in chosen(rules, about)}
    found: dict[str, Found] = {}
    pending: dict[str, Piece] = {}
    for p in (p for _, wanted in open_.values() for p in wanted):
        known = memory.get(asker.key(p)) if memory else None
        if known is None:
            pending[p.name] = p
        else:
            found[p.name] = known
    yield from _complete(open_, found)
    for one in each(asker, list(pending.values()), jobs):
        found[one.name] = one
        if memory and (one.answer is None or one.answer.verdict != "unknown"):
            memory.keep(asker.key(pending[one.name]), one.name, one)
        yield from _complete(open_, found)


def _complete(
    open_: dict[str, tuple[Operation, list[Piece]]], found: dict[str, Found]
) -> Iterator[Asked]:
    """The operations of which all pieces are found; they are open no more."""
    for name, (operation, wanted) in list(open_.items()):
        if all(p.name in found for p in wanted):
            del open_[name]
            yield _asked(operation, [found[p.name] for p in wanted])


def _asked(operation: Operation, found: list[Found]) -> Asked:
    parts = [f for f in found if f.answer is not None]
    return Asked(
        operation.name,
        operation.rule,
        tuple(f.answer for f in parts if f.answer is not None),
        {g.part: g for f in parts for g in f.gaps},
        {g.part: g for f in found if f.answer is None for g in f.gaps},
        round(sum(f.seconds for f in found), 3),
    )
