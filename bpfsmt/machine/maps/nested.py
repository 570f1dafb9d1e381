"""array_of_maps and hash_of_maps: values are maps, which only user space stores.

A lookup gives a program the inner map itself, on which it calls the map helpers.
"""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.machine.errno import E2BIG, EINVAL, ENOENT
from bpfsmt.machine.maps.base import ANY, MapState, bad_flags, check_flags
from bpfsmt.program.program import MapDef

INNER_MAP = 1 << 12
"""Flag of an inner array that may have another number of entries than its template."""


class NestedState(MapState):
    """The inner maps by key; each must be like the template of the definition."""

    holds_bytes = False

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self._maps: dict[bytes, MapState] = {}

    def inner(self, key: bytes) -> MapState | None:
        """The map under a key."""
        return self._maps.get(key)

    def read(self, key: bytes) -> MapState | int:
        """The map under a key or -ENOENT."""
        found = self._maps.get(key)
        return ENOENT if found is None else found

    def remove(self, key: bytes) -> int:
        """0 or -ENOENT."""
        return ENOENT if self._maps.pop(key, None) is None else 0

    def keys(self) -> Iterator[bytes]:
        """The keys that have a map."""
        return iter(sorted(self._maps))

    def _fits(self, inner: MapState) -> bool:
        """Whether a map is like the template (``bpf_map_meta_equal``)."""
        wanted, given = self.definition.inner, inner.definition
        if wanted is None:
            return False
        same = (wanted.type, wanted.key_size, wanted.value_size, wanted.flags)
        if same != (given.type, given.key_size, given.value_size, given.flags):
            return False
        sized = wanted.type == "array" and not wanted.flags & INNER_MAP
        return not sized or wanted.max_entries == given.max_entries


class ArrayOfMapsState(NestedState):
    """Inner maps by index."""

    def write(self, key: bytes, value: MapState, flags: int = ANY) -> int:
        """0, -EINVAL for flags or a map that does not fit, or -E2BIG."""
        if flags != ANY:
            return EINVAL
        if int.from_bytes(key, "little") >= self.definition.max_entries:
            return E2BIG
        if not self._fits(value):
            return EINVAL
        self._maps[key] = value
        return 0

    def remove(self, key: bytes) -> int:
        """0, -E2BIG or -ENOENT."""
        if int.from_bytes(key, "little") >= self.definition.max_entries:
            return E2BIG
        return super().remove(key)


class HashOfMapsState(NestedState):
    """Inner maps by key."""

    def write(self, key: bytes, value: MapState, flags: int = ANY) -> int:
        """0, -EINVAL, -EEXIST, -ENOENT, or -E2BIG in a full map."""
        if not self._fits(value) or bad_flags(flags):
            return EINVAL
        exists = key in self._maps
        code = check_flags(exists, flags)
        if code:
            return code
        if not exists and len(self._maps) >= self.definition.max_entries:
            return E2BIG
        self._maps[key] = value
        return 0
