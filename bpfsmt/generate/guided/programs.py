"""The strategy: gadgets one after another and in each other, each drawn from the state it meets."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from bpfsmt.errors import BpfsmtError
from bpfsmt.generate.guided.draft import Draft
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.gadgets import FEATURES, GADGETS, Gadget, Nest, supported
from bpfsmt.generate.guided.maps import MAPS
from bpfsmt.generate.guided.numbers import CONTEXT_SLOT
from bpfsmt.generate.insns import EXIT, const, mov, store
from bpfsmt.program.program import Program, ProgramType
from bpfsmt.rules import RuleSet

KINDS = (ProgramType.XDP, ProgramType.SCHED_CLS, ProgramType.SOCKET_FILTER)
"""Of these types programs are drawn."""

MAX_INSNS = 96
"""About so many instructions at most: what is begun is finished."""

_DEPTH = 3
_FEW, _MANY = 4, 14


def guided_programs(
    rules: RuleSet,
    features: Iterable[str] | None = None,
    *,
    max_insns: int = MAX_INSNS,
    kinds: Iterable[ProgramType] = KINDS,
) -> st.SearchStrategy[Program]:
    """Programs that a verifier with these rules mostly accepts, with what is hard for it.

    ``features`` are names in `FEATURES`; by default, and at most, those that the rule set
    supports.  About one program in eight may end with an instruction that is refused.
    Raises `BpfsmtError` for a feature that there is not.
    """
    wanted = frozenset(FEATURES if features is None else features)
    unknown = wanted - FEATURES.keys()
    if unknown:
        known = ", ".join(FEATURES)
        raise BpfsmtError(f"no feature {', '.join(sorted(unknown))} (there are: {known})")
    return _programs(rules, wanted & supported(rules), max_insns, tuple(kinds))


@st.composite
def _programs(
    draw: st.DrawFn,
    rules: RuleSet,
    features: frozenset[str],
    most: int,
    kinds: tuple[ProgramType, ...],
) -> Program:
    kind = draw(st.sampled_from(kinds))
    d = Drawing(draw, Draft(rules, kind, MAPS), features, most)
    d.daring = d.often(1, 8)
    d.put(store(FRAME, CONTEXT_SLOT, 1, 8))
    _gadgets(d, _MANY)
    _end(d)
    return d.draft.finish("guided")


def body(d: Drawing) -> None:
    """What is inside a branch, a loop, or a function."""
    d.depth += 1
    _gadgets(d, _FEW)
    d.depth -= 1


def _gadgets(d: Drawing, usual: int) -> None:
    """Gadgets, about so many, until there is no more room."""
    table = [g for g in _TABLE if g.feature in d.features]
    flat = [g for g in table if isinstance(g, Gadget)]
    while not d.done and d.number(0, usual):
        choices = table if d.depth < _DEPTH else flat
        if not choices:
            return
        gadget = d.one(choices)
        if isinstance(gadget, Nest):
            gadget.draw(d, body)
        else:
            gadget.draw(d)


_TABLE = tuple(g for g in GADGETS for _ in range(g.weight))


def _end(d: Drawing) -> None:
    """R0 becomes a number if it is none, and the program ends."""
    numbers = d.numbers()
    if 0 not in numbers:
        d.draft.put(mov(0, numbers[0]) if numbers else const(0, 0))
    if not d.draft.put(EXIT):
        d.draft.put_anyway(EXIT)
