"""Gadgets one after another and in each other, each drawn from the state that it meets.

Who chooses is open.  With hypothesis (`guided_programs`) examples shrink and can be pushed
somewhere; with random numbers (`guided_sample`) programs come faster, and no two are alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from hypothesis import strategies as st

from bpfsmt.errors import BpfsmtError
from bpfsmt.generate.guided import misuse
from bpfsmt.generate.guided.draft import Draft
from bpfsmt.generate.guided.drawing import FRAME, Choose, Drawing
from bpfsmt.generate.guided.gadgets import (
    FEATURES,
    GADGETS,
    Gadget,
    Nest,
    supported,
)
from bpfsmt.generate.guided.maps import MAPS
from bpfsmt.generate.guided.numbers import CONTEXT_SLOT
from bpfsmt.generate.insns import EXIT, const, mov, store
from bpfsmt.program.program import LOAD_FLAGS, Program, ProgramType
from bpfsmt.rules import RuleSet

KINDS = (ProgramType.XDP, ProgramType.SCHED_CLS, ProgramType.SOCKET_FILTER)
"""Of these types programs are drawn."""

MAX_INSNS = 96
"""About so many instructions at most: what is begun is finished."""

_DEPTH = 3
_DARING = 6
"""One program in so many may end with something that is refused."""

_FEW, _MANY = 4, 30


def guided_programs(
    rules: RuleSet,
    features: Iterable[str] | None = None,
    *,
    max_insns: int = MAX_INSNS,
    kinds: Iterable[ProgramType] = KINDS,
) -> st.SearchStrategy[Program]:
    """Programs that a verifier with these rules mostly accepts, with what is hard for it.

    ``features`` are names in `FEATURES`; by default, and at most, those that the rule set
    supports.  Some of them end with an instruction that is refused, by a little.
    Raises `BpfsmtError` for a feature that there is not.
    """
    plan = Plan(rules, _chosen(rules, features), max_insns, tuple(kinds))
    return _programs(plan)


def guided_sample(
    rules: RuleSet,
    count: int,
    seed: int,
    features: Iterable[str] | None = None,
    *,
    first: int = 0,
    max_insns: int = MAX_INSNS,
    kinds: Iterable[ProgramType] = KINDS,
    gadgets: Iterable[Gadget | Nest] = GADGETS,
) -> Iterator[Program]:
    """``count`` of these programs by random numbers, from number ``first`` on.

    Each is made from ``seed`` and its number alone, which are in its name.  ``gadgets`` is
    what they are made of: one of the tables in `bpfsmt.generate.guided.gadgets`.
    """
    plan = Plan(rules, _chosen(rules, features), max_insns, tuple(kinds), tuple(gadgets))
    for n in range(first, first + count):
        rng = random.Random(f"{seed} {n}")
        yield build(rng.randint, plan, f"guided_{seed}_{n}")


@dataclass(frozen=True)
class Plan:
    """What programs are to be made: for which rules, with what, how long, of which types.

    ``gadgets`` are those of ``table`` that may be drawn, each as often as it weighs.
    """

    rules: RuleSet
    features: frozenset[str]
    most: int = MAX_INSNS
    kinds: tuple[ProgramType, ...] = KINDS
    table: tuple[Gadget | Nest, ...] = GADGETS

    @cached_property
    def gadgets(self) -> tuple[Gadget | Nest, ...]:
        """What is drawn from."""
        return tuple(g for g in self.table if g.feature in self.features for _ in range(g.weight))


def _chosen(rules: RuleSet, features: Iterable[str] | None) -> frozenset[str]:
    wanted = frozenset(FEATURES if features is None else features)
    unknown = wanted - FEATURES.keys()
    if unknown:
        known = ", ".join(FEATURES)
        raise BpfsmtError(f"no feature {', '.join(sorted(unknown))} (there are: {known})")
    return wanted & supported(rules)


@st.composite
def _programs(draw: st.DrawFn, plan: Plan) -> Program:
    return build(
        lambda low, high: draw(_between(low, high)),
        plan, "guided",
        together=lambda choices: draw(st.builds(choices)),
    )  # fmt: skip


_between = lru_cache(None)(st.integers)
"""A strategy for each pair of bounds, made once."""


def _at_once(choices: Callable[[], None]) -> None:
    choices()


def build(
    choose: Choose, plan: Plan, name: str, together: Callable[[Callable[[], None]], None] = _at_once
) -> Program:
    """One program, by these choices; ``together`` runs those of one gadget."""
    draft = Draft(plan.rules, plan.kinds[choose(0, len(plan.kinds) - 1)], MAPS)
    d = Drawing(choose, together, draft, plan.features, plan.gadgets, plan.most)
    d.daring = d.often(1, _DARING)
    d.frequent = "frequent" in plan.features and d.often(1, 2)
    d.put(store(FRAME, CONTEXT_SLOT, 1, 8))
    _gadgets(d, _MANY)
    if d.daring and not d.done and d.often(2, 3):
        misuse.end(d)
    _end(d)
    return draft.finish(name, LOAD_FLAGS["test_state_freq"] if d.frequent else 0)


def body(d: Drawing) -> None:
    """What is inside a branch, a loop, or a function."""
    inside = 2 if d.looping else 1
    d.depth += inside
    _gadgets(d, _FEW // inside)
    d.depth -= inside


def _gadgets(d: Drawing, usual: int) -> None:
    """Gadgets, about so many, until there is no more room."""
    flat = [g for g in d.gadgets if isinstance(g, Gadget)]
    while not d.done and d.number(0, usual):
        choices = d.gadgets if d.depth < _DEPTH else flat
        if not choices:
            return
        d.together(partial(_gadget, d, choices))


def _gadget(d: Drawing, choices: Sequence[Gadget | Nest]) -> None:
    """One gadget, or nothing: that is the simplest."""
    number = d.number(0, len(choices))
    gadget = choices[number - 1] if number else None
    if isinstance(gadget, Nest):
        gadget.draw(d, body)
    elif gadget is not None:
        gadget.draw(d)


def _end(d: Drawing) -> None:
    """R0 becomes a number if it is none, and the program ends."""
    numbers = d.numbers()
    if 0 not in numbers:
        d.draft.put(mov(0, numbers[0]) if numbers else const(0, 0))
    if not d.draft.put(EXIT):
        d.draft.put_anyway(EXIT)
