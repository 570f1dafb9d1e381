"""Everything that is asked of a rule set's precision, one operation at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bpfsmt.precision.cases import questions
from bpfsmt.precision.kept import Keeper
from bpfsmt.precision.measured import Gap, drawn, small
from bpfsmt.precision.memory import Memory, key
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
    """

    operation: str
    rule: str
    answers: tuple[Optimality, ...]
    small: dict[str, Gap]
    drawn: dict[str, Gap]
    seconds: float


class Asker:
    """Asks about one rule set; what `sync` keeps is found out once in a process."""

    def __init__(self, rules: RuleSet, options: Options) -> None:
        self.rules, self.options = rules, options
        self.keeper = Keeper(rules)

    def __call__(self, operation: Operation) -> Asked:
        """All about one operation."""
        start = time.perf_counter()
        o = self.options
        about = [q for q in questions(self.rules, (operation.rule,)) if q.operation == operation]
        answers = tuple(decide(q, self.keeper, o.limits) for q in about)
        tried = {q.part.name: small(q, o.width) for q in about} if o.width else {}
        found = drawn(self.rules, operation, o.seed, o.count) if o.count else []
        return Asked(
            operation.name, operation.rule, answers,
            {n: g for n, g in tried.items() if g is not None},
            {g.part: g for g in found},
            round(time.perf_counter() - start, 3),
        )  # fmt: skip


def chosen(rules: RuleSet, about: Iterable[str]) -> list[Operation]:
    """The operations to ask about: those of the rules named, or all."""
    wanted = set(about)
    return [o for o in operations(rules) if not wanted or o.rule in wanted]


def ask(
    rules: RuleSet,
    about: Iterable[str],
    options: Options,
    jobs: int | None,
    memory: Memory | None = None,
) -> Iterator[Asked]:
    """All that is asked, in any order, as answers come; ``memory`` spares what is known."""
    pending = []
    keys: dict[str, str] = {}
    for o in chosen(rules, about):
        measured = (o.name, options.width, options.seed, options.count)
        keys[o.name] = key(repr(measured), [o.rule, "sync"], rules)
        known = memory.get(keys[o.name]) if memory else None
        if known is None:
            pending.append(o)
        else:
            yield known
    for one in each(Asker(rules, options), pending, jobs):
        if memory and all(a.verdict != "unknown" for a in one.answers):
            memory.keep(keys[one.operation], one.operation, one)
        yield one
