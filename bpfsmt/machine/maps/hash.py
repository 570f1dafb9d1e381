"""hash and percpu_hash: keys that come and go, up to ``max_entries`` of them."""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.machine.errno import E2BIG, EINVAL, ENOENT
from bpfsmt.machine.maps.base import ANY, MapState, Value, bad_flags, check_flags
from bpfsmt.program.program import MapDef


class HashState(MapState):
    """An update of a key replaces its value: who holds the old one keeps it."""

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self._values: dict[bytes, Value] = {}

    def lookup(self, key: bytes, cpu: int = 0) -> Value | None:
        """The value, if the key is there."""
        return self._values.get(key)

    def update(self, key: bytes, value: bytes, flags: int = ANY, cpu: int = 0) -> int:
        """0, -EINVAL for a flag, -EEXIST, -ENOENT, or -E2BIG in a full map."""
        if bad_flags(flags):
            return EINVAL
        exists = key in self._values
        code = check_flags(exists, flags)
        if code:
            return code
        if not exists and len(self._values) >= self.definition.max_entries:
            return E2BIG
        self._values[key] = Value(value)
        return 0

    def delete(self, key: bytes) -> int:
        """0 or -ENOENT."""
        return ENOENT if self._values.pop(key, None) is None else 0

    def read(self, key: bytes) -> bytes | int:
        """The value or -ENOENT."""
        value = self._values.get(key)
        return ENOENT if value is None else bytes(value)

    def take(self, key: bytes) -> bytes | int:
        """The value, which is then gone, or -ENOENT."""
        value = self.read(key)
        if not isinstance(value, int):
            self.delete(key)
        return value

    def keys(self) -> Iterator[bytes]:
        """Every key, as it was before the first is taken."""
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)


class PercpuHashState(MapState):
    """A hash with one value per key and CPU.

    An update overwrites this CPU's value where it is; a new key is zero for the others.
    """

    per_cpu = True

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self._values: dict[bytes, list[Value]] = {}

    def lookup(self, key: bytes, cpu: int = 0) -> Value | None:
        """This CPU's value, if the key is there."""
        values = self._values.get(key)
        return None if values is None else values[cpu]

    def update(self, key: bytes, value: bytes, flags: int = ANY, cpu: int = 0) -> int:
        """As in a hash."""
        empty = bytes(self.definition.value_size)
        return self._put(key, [value if n == cpu else empty for n in range(self.cpus)], flags, cpu)

    def write(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """As `update`, for all CPUs."""
        return self._put(key, self.copies(value), flags, None)

    def _put(self, key: bytes, new: list[bytes], flags: int, cpu: int | None) -> int:
        """Store the value of one CPU, or of all; ``new`` are all those of a new key."""
        if bad_flags(flags):
            return EINVAL
        old = self._values.get(key)
        code = check_flags(old is not None, flags)
        if code:
            return code
        if old is None:
            if len(self._values) >= self.definition.max_entries:
                return E2BIG
            self._values[key] = [Value(copy) for copy in new]
            return 0
        for n in range(self.cpus) if cpu is None else (cpu,):
            old[n][:] = new[n]
        return 0

    def delete(self, key: bytes) -> int:
        """0 or -ENOENT."""
        return ENOENT if self._values.pop(key, None) is None else 0

    def read(self, key: bytes) -> bytes | int:
        """The values of all CPUs, or -ENOENT."""
        values = self._values.get(key)
        return ENOENT if values is None else b"".join(values)

    def take(self, key: bytes) -> bytes | int:
        """The values of all CPUs, which are then gone, or -ENOENT."""
        values = self.read(key)
        if not isinstance(values, int):
            self.delete(key)
        return values

    def keys(self) -> Iterator[bytes]:
        """Every key, as it was before the first is taken."""
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)
