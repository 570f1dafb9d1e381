"""The maps of one program, made and freed together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from bpfsmt.errors import OracleError
from bpfsmt.kernel.maps import READABLE, KernelMap
from bpfsmt.program.program import MapDef


class MapSet:
    """The maps of one program, in its order, closed together.

    ``shared`` are maps made before, taken by name in place of new ones; they stay open.
    """

    def __init__(
        self, definitions: tuple[MapDef, ...], shared: Mapping[str, KernelMap] | None = None
    ) -> None:
        self._own: list[KernelMap] = []
        self.all: list[KernelMap] = []
        try:
            for definition in definitions:
                known = (shared or {}).get(definition.name)
                if known is None:
                    known = KernelMap(definition)
                    self._own.append(known)
                elif known.definition != definition:
                    raise OracleError(f"two different maps are called {definition.name}")
                self.all.append(known)
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name: str) -> KernelMap:
        for each in self.all:
            if each.definition.name == name:
                return each
        known = ", ".join(each.definition.name for each in self.all) or "none"
        raise OracleError(f"no map {name!r} (there are: {known})")

    def __iter__(self) -> Iterator[KernelMap]:
        return iter(self.all)

    def contents(self) -> dict[str, dict[bytes, bytes]]:
        """The content of every map of a type in `READABLE`, by name."""
        return {m.definition.name: m.entries() for m in self if m.definition.type in READABLE}

    def close(self) -> None:
        """Close the maps that were made here."""
        for each in self._own:
            with suppress(OSError):
                each.close()
