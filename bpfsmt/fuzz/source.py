"""Where a campaign's programs come from.

A source is a name and a function from a rule set and a batch's number to a strategy: all that
the rest of the room knows of how programs are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bpfsmt.fuzz.settings import Settings
from bpfsmt.generate import drawn as drawn_from
from bpfsmt.generate import guided_programs, guided_sample, programs, scalar_programs
from bpfsmt.generate.guided.gadgets import NUMBERS
from bpfsmt.program.program import Program, ProgramType
from bpfsmt.rules import RuleSet

Source: TypeAlias = Callable[[RuleSet, int], SearchStrategy[Program]]

_LENGTHS = (24, 48, 96)


def _guided(rules: RuleSet, batch: int) -> SearchStrategy[Program]:
    """Drawn with the verifier's states at hand: short ones, longer ones, long ones in turn."""
    return guided_programs(rules, max_insns=_LENGTHS[batch % len(_LENGTHS)])


def _from_one(rules: RuleSet, **plan: Any) -> SearchStrategy[Program]:
    """Guided, each from one random number: faster, but hypothesis cannot shrink it."""
    return st.integers(0, (1 << 48) - 1).map(lambda n: next(guided_sample(rules, 1, n, **plan)))


def _random(rules: RuleSet, batch: int) -> SearchStrategy[Program]:
    """Long ones, of everything."""
    return _from_one(rules)


_SHORT = 20


def _numbers(rules: RuleSet, batch: int) -> SearchStrategy[Program]:
    """Short ones, of what says something of numbers.

    All of the type whose context is smallest, so that a run needs little around it.
    """
    return _from_one(rules, max_insns=_SHORT, kinds=(ProgramType.XDP,), gadgets=NUMBERS)


_PATHS = (
    "branches", "links", "stack", "pointers", "atomics", "calls", "helpers", "packet", "records",
    "rounds", "constants", "globals", "tail-calls", "frequent",
)  # fmt: skip
_WAYS = 32


def _paths(rules: RuleSet, batch: int) -> SearchStrategy[Program]:
    """Short ones, of what a walk does besides its rules on numbers."""
    return _from_one(rules, features=_PATHS, max_insns=_WAYS)


_TURNS = (_numbers, _numbers, _paths, _random, _numbers, _numbers, _paths)


def _mixed(rules: RuleSet, batch: int) -> SearchStrategy[Program]:
    """Short ones and long ones in turn, with about as much time for each."""
    return _TURNS[batch % len(_TURNS)](rules, batch)


SOURCES: Mapping[str, Source] = {
    "guided": _guided,
    "random": _random,
    "numbers": _numbers,
    "mixed": _mixed,
    "paths": _paths,
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


def drawn(settings: Settings, rules: RuleSet, batch: int) -> Sequence[Program]:
    """The programs of a batch, as many as it has: the same for the same arguments."""
    programs = strategy(settings.source, rules, batch)
    return drawn_from(programs, number(settings.seed, batch), settings.size)
