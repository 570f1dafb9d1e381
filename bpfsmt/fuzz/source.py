"""Where a campaign's programs come from.

A source is a name and a function from a rule set and a batch's number to a strategy: all that
the rest of the room knows of how programs are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from hypothesis.strategies import SearchStrategy

from bpfsmt.conformance.generated import CHUNK, draw
from bpfsmt.generate import programs, scalar_programs
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet

Source: TypeAlias = Callable[[RuleSet, int], SearchStrategy[Program]]

SIZE = CHUNK
"""Programs in a batch."""


def _mixed(rules: RuleSet, batch: int) -> SearchStrategy[Program]:
    """Numbers alone in three batches of four, packet, stack and map besides in the fourth."""
    return programs() if batch % 4 == 3 else scalar_programs()


SOURCES: Mapping[str, Source] = {
    "mixed": _mixed,
    "scalar": lambda rules, batch: scalar_programs(),
    "memory": lambda rules, batch: programs(),
}
"""The sources by name."""


def strategy(source: str, rules: RuleSet, batch: int) -> SearchStrategy[Program]:
    """The programs that a batch draws from."""
    return SOURCES[source](rules, batch)


def number(seed: int, batch: int) -> int:
    """What hypothesis is seeded with; the rule set has no part in it."""
    return seed * 1_000_003 + batch


def drawn(source: str, rules: RuleSet, seed: int, batch: int) -> Sequence[Program]:
    """The programs of a batch, up to `SIZE`: the same for the same arguments."""
    return draw(strategy(source, rules, batch), number(seed, batch))
