"""lpm_trie: the longest prefix that a key begins with."""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.machine.errno import EINVAL, ENOENT, ENOSPC
from bpfsmt.machine.maps.base import ANY, MapState, Value, bad_flags, check_flags
from bpfsmt.program.program import MapDef


class LpmState(MapState):
    """A key is a prefix's length in bits (u32) and its bytes, high bits first."""

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self._values: dict[tuple[int, int], tuple[bytes, Value]] = {}
        self._lengths: dict[int, int] = {}  # how many prefixes have each length
        self._longest_first: tuple[int, ...] = ()
        self._bits = 8 * (definition.key_size - 4)

    def _prefix(self, key: bytes, length: int) -> tuple[int, int]:
        return length, int.from_bytes(key[4:], "big") >> (self._bits - length)

    def lookup(self, key: bytes, cpu: int = 0) -> Value | None:
        """The value of the longest prefix, no longer than the key says, that it begins with."""
        longest = int.from_bytes(key[:4], "little")
        if longest > self._bits:
            return None
        for length in self._longest_first:
            if length <= longest:
                found = self._values.get(self._prefix(key, length))
                if found is not None:
                    return found[1]
        return None

    def update(self, key: bytes, value: bytes, flags: int = ANY, cpu: int = 0) -> int:
        """0, -EINVAL for a flag or a length, -EEXIST, -ENOENT or -ENOSPC."""
        length = int.from_bytes(key[:4], "little")
        if bad_flags(flags) or length > self._bits:
            return EINVAL
        prefix = self._prefix(key, length)
        exists = prefix in self._values
        code = check_flags(exists, flags)
        if code:
            return code
        if not exists:
            if len(self._values) >= self.definition.max_entries:
                return ENOSPC
            self._count(length, 1)
        self._values[prefix] = key, Value(value)
        return 0

    def delete(self, key: bytes) -> int:
        """0, -EINVAL for a length, or -ENOENT: the very prefix must be there."""
        length = int.from_bytes(key[:4], "little")
        if length > self._bits:
            return EINVAL
        if self._values.pop(self._prefix(key, length), None) is None:
            return ENOENT
        self._count(length, -1)
        return 0

    def _count(self, length: int, more: int) -> None:
        """So many more prefixes of a length."""
        self._lengths[length] = self._lengths.get(length, 0) + more
        if not self._lengths[length]:
            del self._lengths[length]
        self._longest_first = tuple(sorted(self._lengths, reverse=True))

    def read(self, key: bytes) -> bytes | int:
        """What `lookup` finds, or -ENOENT."""
        value = self.lookup(key)
        return ENOENT if value is None else bytes(value)

    def keys(self) -> Iterator[bytes]:
        """Every prefix as it was given last, in the kernel's order (``trie_get_next_key``).

        That is the order of their bits, the longer ones before those that they begin with.
        """
        order = sorted(self._values, key=_after_what_it_begins)
        return iter([self._values[prefix][0] for prefix in order])

    def __len__(self) -> int:
        return len(self._values)


def _after_what_it_begins(prefix: tuple[int, int]) -> str:
    """What prefixes are sorted by: their bits, and a mark greater than any bit.

    >>> _after_what_it_begins((3, 0b101)) < _after_what_it_begins((2, 0b10))
    True
    """
    length, bits = prefix
    return f"{bits | 1 << length:b}"[1:] + "2"
