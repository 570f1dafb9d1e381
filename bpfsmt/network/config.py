"""Which programs are attached where: one immutable table, replaced as a whole.

A frame keeps the table that it met on arrival until it has left the node.  So a change,
of one place or of many, is seen by a frame either wholly or not at all.  (Linux promises
that for each place by itself, which this includes.)
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from bpfsmt.errors import BpfsmtError
from bpfsmt.network.hooks import Hook, Place
from bpfsmt.network.loaded import Loaded

Table: TypeAlias = Mapping[Place, tuple[Loaded, ...]]

_ONLY_ONE = (Hook.XDP, Hook.SOCKET)
"""Places that hold one program; the others run theirs one after another."""


class Attachments:
    """The table of one node, and how it changes."""

    def __init__(self) -> None:
        self.table: Table = MappingProxyType({})
        self._lock = threading.Lock()

    def at(self, place: Place) -> tuple[Loaded, ...]:
        """The programs attached there, in the order in which they run."""
        return self.table.get(place, ())

    def change(
        self,
        new: Mapping[Place, tuple[Loaded, ...]],
        *,
        expected: Mapping[Place, tuple[Loaded, ...]] | None = None,
    ) -> None:
        """Put these programs at these places, all at once; no program empties a place.

        If ``expected`` says what must be at some places now and that is not so, nothing changes
        and `BpfsmtError` is raised, as for a program that does not belong at its place.
        """
        for place, programs in new.items():
            _check(place, programs)
        with self._lock:
            for place, programs in (expected or {}).items():
                if self.at(place) != programs:
                    raise BpfsmtError(f"{place}: another program is attached than was expected")
            table = {**self.table, **new}
            self.table = MappingProxyType({p: all_ for p, all_ in table.items() if all_})


def _check(place: Place, programs: tuple[Loaded, ...]) -> None:
    if len(programs) > 1 and place.hook in _ONLY_ONE:
        raise BpfsmtError(f"{place}: holds one program, not {len(programs)}")
    for loaded in programs:
        type_ = loaded.program.type
        if type_ not in place.hook.types:
            wanted = " or ".join(kind.value for kind in place.hook.types)
            raise BpfsmtError(f"{place}: takes {wanted}, and {loaded.name} is {type_.value}")
