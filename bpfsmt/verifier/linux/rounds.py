"""Loops by ``may_goto``: which explored states may still come to matter in more than is known.

A path that comes back into a loop ends in a state from which other paths are still walked.  What
they find to matter there matters for that path too, and for every state it came through.
Until that is known, such states stand for others only if they agree in everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import networkx as nx

from bpfsmt.verifier.linux.path import Checkpoint, Path
from bpfsmt.verifier.linux.precision import Precision

Back: TypeAlias = tuple[Path, Checkpoint]
"""A path that ended, and where."""


class Rounds(Protocol):
    """What `Explored` asks and tells of loops."""

    def begin(self) -> None:
        """An instruction is come to where states are compared."""

    def kept(self, new: Checkpoint) -> None:
        """A state is explored from now on."""

    def open(self, old: Checkpoint) -> bool:
        """Whether it is not known yet what matters in a state that all paths have left."""

    def came_back(self, path: Path, old: Checkpoint) -> None:
        """A path ended in a state from which others are still walked, or that is open."""

    def settle(self) -> None:
        """The walk of a function has ended."""


def tell(precision: Precision, back: Sequence[Back]) -> None:
    """Let what matters where paths came back to matter on these paths, until nothing is new."""
    before: list[str] = []
    matters = _mattering(back)
    while matters != before:
        for path, old in back:
            precision.checkpoint(path, old)
        before, matters = matters, _mattering(back)


def _mattering(back: Iterable[Back]) -> list[str]:
    return [repr(sorted(old.precise.items())) for _, old in back]


class ByEntry:
    """Linux 6.8 to 6.16 (``loop_entry``): a state is open as long as where its loop began.

    Once nothing is walked from there, it is taken for known, though nobody told the states in
    between what had come to matter; `settle` tells those whose claims are asked for.
    """

    def __init__(self, precision: Precision, record: bool) -> None:
        self._precision, self._record = precision, record
        self._early: list[Back] = []

    def begin(self) -> None:
        """Nothing to do."""

    def kept(self, new: Checkpoint) -> None:
        """Nothing to note."""

    def open(self, old: Checkpoint) -> bool:
        """Whether something is still walked from where the loop began."""
        return old.loop is not None and old.loop.branches > 0

    def came_back(self, path: Path, old: Checkpoint) -> None:
        """All checkpoints from the loop's entry to here are in it."""
        entry = old if old.branches else old.loop
        at = path.parent
        while at is not None and at is not entry:
            at.loop = entry
            at = at.parent
        if self._record:
            self._early.append((path, old))

    def settle(self) -> None:
        """Tell the claims."""
        tell(self._precision, self._early)
        self._early.clear()


Key: TypeAlias = tuple[tuple[int, ...], int]
"""The calls that lead to a region of instructions that reach each other, and its number."""


@dataclass
class _Stay:
    """One stay in such a region: the first state in it, and which paths came back."""

    entry: Checkpoint
    back: list[Back] = field(default_factory=list)


class ByRegion:
    """Linux 6.17 and later (``maybe_enter_scc``, ``propagate_backedges``).

    All states of a region are open from when a path comes back into it until nothing is walked
    any more from the first one; then every path that came back is told what matters.
    """

    def __init__(self, precision: Precision, ways: Sequence[Sequence[int]]) -> None:
        self._precision = precision
        self._region = regions(ways)
        self._stays: dict[Key, _Stay] = {}

    def begin(self) -> None:
        """Regions that were left are through with."""
        left = [key for key, stay in self._stays.items() if not stay.entry.branches]
        for key in left:
            tell(self._precision, self._stays.pop(key).back)

    def kept(self, new: Checkpoint) -> None:
        """The first state in a region is where a stay begins."""
        key = self._key(new)
        if key is not None:
            self._stays.setdefault(key, _Stay(new))

    def open(self, old: Checkpoint) -> bool:
        """Whether a path came back into its region, which is not through with."""
        stay = self._stay(old)
        return stay is not None and bool(stay.back)

    def came_back(self, path: Path, old: Checkpoint) -> None:
        """Noted until the region is through with."""
        stay = self._stay(old)
        assert stay is not None
        stay.back.append((path, old))

    def settle(self) -> None:
        """Everything is through with; after a rejection that is all that the claims will hear."""
        for stay in self._stays.values():
            tell(self._precision, stay.back)
        self._stays.clear()

    def _stay(self, at: Checkpoint) -> _Stay | None:
        key = self._key(at)
        return None if key is None else self._stays.get(key)

    def _key(self, at: Checkpoint) -> Key | None:
        """The outermost region that the state is in."""
        if not self._region:
            return None
        calls = at.state.callsites
        for n, pc in enumerate((*calls, at.pc)):
            if pc in self._region:
                return calls[:n], self._region[pc]
        return None


def regions(ways: Sequence[Sequence[int]]) -> dict[int, int]:
    """Instructions that can be come back to, each with the number of its region."""
    graph = nx.DiGraph([(pc, to) for pc, after in enumerate(ways) for to in after])
    found = nx.strongly_connected_components(graph)
    loops = [c for c in found if len(c) > 1 or any(graph.has_edge(pc, pc) for pc in c)]
    return {pc: number for number, loop in enumerate(loops, 1) for pc in loop}
