"""Many programs, in several processes, each answer in its turn.

Kernels are asked here, one program after another; all else is done by the workers.  Programs
are taken as they are needed and answers given as soon as those before them are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from bpfsmt.agree.pool import DIED
from bpfsmt.agree.spread import spread
from bpfsmt.corpus.difference import STATES, Difference, Parting, difference, instruction
from bpfsmt.corpus.expected import By, Entry, entry, parting
from bpfsmt.corpus.side import Asked, Said, Side, say, silent
from bpfsmt.domain.analysis import Outcome
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSetError, rule_set

T = TypeVar("T")
Named = tuple[str, Program]


def in_order(answers: Iterable[tuple[int, T]]) -> Iterator[T]:
    """The answers by their index, each as soon as those before it are there.

    On Ctrl-C those come, too, that are done but wait for others.

    >>> list(in_order([(1, "b"), (0, "a"), (2, "c")]))
    ['a', 'b', 'c']
    """
    early: dict[int, T] = {}
    turn = 0
    try:
        for index, answer in answers:
            early[index] = answer
            while turn in early:
                yield early.pop(turn)
                turn += 1
    except KeyboardInterrupt:
        yield from (early[index] for index in sorted(early))
        raise


# Two sides


def run_diff(programs: Iterable[Named], a: Side, b: Side, jobs: int) -> Iterator[Difference]:
    """How both sides differ on each program."""
    items = ((n, name, program, a.ask(program), b.ask(program))
             for n, (name, program) in enumerate(programs))  # fmt: skip
    return in_order(spread(items, _compare, _not_compared, jobs))


def _compare(index: int, name: str, program: Program, a: Asked, b: Asked) -> tuple[int, Difference]:
    return index, replace(difference(program, say(program, a), say(program, b)), name=name)


def _not_compared(index: int, name: str, *_: object) -> tuple[int, Difference]:
    nothing = silent("no-verdict", DIED).verdict
    return index, Difference(name, nothing, nothing)


# A record


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry for the file; or, with ``why``, none, and with ``bug`` where we failed."""

    entry: Entry
    why: str = ""
    bug: str = ""


def by(side: Side) -> By:
    """What a file says of the side that it has its entries from."""
    if side.kernel is not None:
        return By(kernel=side.kernel.release, oracle=side.kernel.name)
    return By(rules=side.ruleset.name, fingerprint=side.ruleset.fingerprint)


def run_record(programs: Iterable[Named], side: Side, jobs: int) -> Iterator[Recorded]:
    """What the side says of each program."""
    items = ((n, name, program, side.ask(program)) for n, (name, program) in enumerate(programs))
    return in_order(spread(items, _record, _not_recorded, jobs))


def _record(index: int, name: str, program: Program, asked: Asked) -> tuple[int, Recorded]:
    said = say(program, asked)
    why = said.verdict.message if said.walked is None and _unknown(said) else ""
    return index, Recorded(entry(name, program, said), why, said.bug)


def _not_recorded(index: int, name: str, program: Program, _: Asked) -> tuple[int, Recorded]:
    return index, Recorded(entry(name, program, silent("no-verdict", DIED)), DIED)


def _unknown(said: Said) -> bool:
    return said.verdict.outcome is Outcome.UNSUPPORTED


# A replay


def run_replay(
    programs: Iterable[tuple[Entry, Program]], before: By, side: Side, jobs: int
) -> Iterator[Difference]:
    """How what the side says of each program differs from what was recorded."""
    alike = comparable(before, by(side))
    again = _still_there(before)
    items = ((n, old, program, side.ask(program), alike, again)
             for n, (old, program) in enumerate(programs))  # fmt: skip
    return in_order(spread(items, _replay, _not_replayed, jobs))


def comparable(a: By, b: By) -> bool:
    """Whether digests of states are of one kind: of two rule sets, or of one kernel's text."""
    return a.kernel.split(".")[:2] == b.kernel.split(".")[:2]


def _still_there(before: By) -> str:
    """The recorded rules by name, "" if there are none like them any more."""
    try:
        same = rule_set(before.rules).fingerprint == before.fingerprint
    except RuleSetError:
        return ""
    return before.rules if same else ""


def _replay(
    index: int, old: Entry, program: Program, asked: Asked, alike: bool, again: str
) -> tuple[int, Difference]:
    """Compare digests; where they differ, and the recorded rules are still there, the states.

    Digests do not tell a state from a way that is gone: both count as states.
    """
    said = say(program, asked)
    new = entry(old.program, program, said)
    found = _from_digests(old, new, program, said, alike)
    if again and (found.kinds or not alike):
        before = say(program, again)
        if entry(old.program, program, before) == old:
            found = replace(difference(program, before, said), name=old.program)
    return index, found


def _from_digests(old: Entry, new: Entry, program: Program, said: Said, alike: bool) -> Difference:
    found = parting(old, new) if alike else None
    where = found and Parting(found[0], instruction(program, found[0]), found[1], found[2])
    whole = bool(old.states and new.states) or 0 in (old.walked, new.walked)
    return Difference(
        old.program, old.said, said.verdict, (old.walked, said.walked), None, where,
        walks=frozenset([STATES] if where else []), compared=alike and whole,
        seconds=said.seconds, bug=said.bug,
    )  # fmt: skip


def _not_replayed(index: int, old: Entry, *_: object) -> tuple[int, Difference]:
    return index, Difference(old.program, old.said, silent("no-verdict", DIED).verdict)
