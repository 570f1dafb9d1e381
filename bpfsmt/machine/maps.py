"""What maps hold, and the kernel's answers to lookups, updates and deletions.

A value is a `bytearray`; all who looked it up share it.  The machine is one CPU, so a
per-CPU map is here the part of it that this CPU sees.  Error numbers and their order
follow Linux 6.18, kernel/bpf/arraymap.c, hashtab.c and lpm_trie.c.
"""

from __future__ import annotations

from bpfsmt.errors import UnsupportedError
from bpfsmt.program.program import MapDef

ANY, NOEXIST, EXIST = 0, 1, 2
"""Flags of an update: in any case, only a new key, only one that is there."""

ENOENT, E2BIG, EEXIST, EINVAL, ENOSPC = -2, -7, -17, -22, -28


class MapState:
    """The content of one map.  Keys and values have the sizes of ``definition``."""

    def __init__(self, definition: MapDef) -> None:
        self.definition = definition

    def lookup(self, key: bytes) -> bytearray | None:
        """The value itself, not a copy; `None` where there is none."""
        raise NotImplementedError

    def update(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """Store a value: 0 or a negative error number."""
        raise NotImplementedError

    def delete(self, key: bytes) -> int:
        """Take a key out: 0 or a negative error number."""
        raise NotImplementedError


class ArrayState(MapState):
    """array, percpu_array: every index below ``max_entries`` has a value, zero at first."""

    def __init__(self, definition: MapDef) -> None:
        super().__init__(definition)
        self._values: dict[int, bytearray] = {}

    def lookup(self, key: bytes) -> bytearray | None:
        """The value at an index below ``max_entries``."""
        index = int.from_bytes(key, "little")
        if index >= self.definition.max_entries:
            return None
        value = self._values.get(index)
        if value is None:
            initial = self.definition.data
            value = bytearray(initial if initial is not None else self.definition.value_size)
            self._values[index] = value
        return value

    def update(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """0, or in this order -EINVAL for a flag, -E2BIG for an index, -EEXIST."""
        if flags > EXIST:
            return EINVAL
        old = self.lookup(key)
        if old is None:
            return E2BIG
        if flags == NOEXIST:
            return EEXIST
        old[:] = value
        return 0

    def delete(self, key: bytes) -> int:
        """Always -EINVAL: entries of an array stay."""
        return EINVAL


class HashState(MapState):
    """hash, percpu_hash: an update of a key replaces its value (per CPU: overwrites it)."""

    def __init__(self, definition: MapDef) -> None:
        super().__init__(definition)
        self._values: dict[bytes, bytearray] = {}
        self._overwrites = "percpu" in definition.type
        self._evicts = "lru" in definition.type

    def lookup(self, key: bytes) -> bytearray | None:
        """The value; in an LRU map it is now the youngest."""
        value = self._values.get(key)
        if value is not None and self._evicts:
            self._values[key] = self._values.pop(key)
        return value

    def update(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """0, -EINVAL for a flag, -EEXIST, -ENOENT, or -E2BIG where a full map evicts nothing."""
        if flags > EXIST:
            return EINVAL
        old = self._values.get(key)
        if old is not None and flags == NOEXIST:
            return EEXIST
        if old is None and flags == EXIST:
            return ENOENT
        if old is None and len(self._values) >= self.definition.max_entries:
            if not self._evicts:
                return E2BIG
            del self._values[next(iter(self._values))]
        if old is not None and self._overwrites:
            old[:] = value
        else:
            self._values.pop(key, None)
            self._values[key] = bytearray(value)
        return 0

    def delete(self, key: bytes) -> int:
        """0 or -ENOENT."""
        return ENOENT if self._values.pop(key, None) is None else 0


class LpmState(MapState):
    """lpm_trie: a key is a prefix's length in bits (u32) and its bytes, high bits first."""

    def __init__(self, definition: MapDef) -> None:
        super().__init__(definition)
        self._values: dict[tuple[int, int], bytearray] = {}
        self._bits = 8 * (definition.key_size - 4)

    def _prefix(self, key: bytes, length: int) -> tuple[int, int]:
        return length, int.from_bytes(key[4:], "big") >> (self._bits - length)

    def lookup(self, key: bytes) -> bytearray | None:
        """The value of the longest prefix that the key begins with."""
        length = int.from_bytes(key[:4], "little")
        if length > self._bits:
            return None
        found = (self._values.get(self._prefix(key, n)) for n in range(length, -1, -1))
        return next((value for value in found if value is not None), None)

    def update(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """0, -EINVAL for a flag or a length, -EEXIST, -ENOENT or -ENOSPC."""
        length = int.from_bytes(key[:4], "little")
        if flags > EXIST or length > self._bits:
            return EINVAL
        prefix = self._prefix(key, length)
        if prefix in self._values:
            if flags == NOEXIST:
                return EEXIST
        elif flags == EXIST:
            return ENOENT
        elif len(self._values) >= self.definition.max_entries:
            return ENOSPC
        self._values[prefix] = bytearray(value)
        return 0

    def delete(self, key: bytes) -> int:
        """0, -EINVAL for a length, or -ENOENT: the very prefix must be there."""
        length = int.from_bytes(key[:4], "little")
        if length > self._bits:
            return EINVAL
        return ENOENT if self._values.pop(self._prefix(key, length), None) is None else 0


class TableState(HashState):
    """Indexed maps whose entries are filled by user space: devmap, cpumap, prog_array..."""

    def update(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """As in a hash, and -E2BIG for an index that the map does not have."""
        if int.from_bytes(key, "little") >= self.definition.max_entries:
            return E2BIG
        return super().update(key, value, flags)


_STATES: dict[str, type[MapState]] = {
    "array": ArrayState, "percpu_array": ArrayState,
    "hash": HashState, "percpu_hash": HashState,
    "lru_hash": HashState, "lru_percpu_hash": HashState, "devmap_hash": HashState,
    "lpm_trie": LpmState,
    "devmap": TableState, "cpumap": TableState, "xskmap": TableState,
    "prog_array": TableState, "perf_event_array": TableState,
}  # fmt: skip


def new_state(definition: MapDef) -> MapState:
    """An empty map; raises `UnsupportedError` for a type that is not modelled."""
    state = _STATES.get(definition.type)
    if state is None:
        raise UnsupportedError(f"map {definition.name}: type {definition.type} is not modelled")
    return state(definition)
