"""array and percpu_array: every index below ``max_entries`` has a value, zero at first."""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.machine.errno import E2BIG, EEXIST, EINVAL, ENOENT
from bpfsmt.machine.maps.base import ANY, LOCK, NOEXIST, MapState, Value, bad_flags
from bpfsmt.program.program import MapDef


def _index(key: bytes) -> int:
    return int.from_bytes(key, "little")


class ArrayState(MapState):
    """One value for each index, made when it is first asked for; never deleted."""

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self._values: dict[bytes, Value] = {}

    def lookup(self, key: bytes, cpu: int = 0) -> Value | None:
        """The value at an index below ``max_entries``."""
        value = self._values.get(key)
        if value is None and self._has(key):
            data = self.definition.data
            value = Value(self.definition.value_size if data is None else data)
            self._values[key] = value
        return value

    def update(self, key: bytes, value: bytes, flags: int = ANY, cpu: int = 0) -> int:
        """0, or in this order -EINVAL for a flag, -E2BIG, -EEXIST, -EINVAL for the lock."""
        if bad_flags(flags & ~LOCK):
            return EINVAL
        old = self.lookup(key, cpu)
        if old is None:
            return E2BIG
        if flags & NOEXIST:
            return EEXIST
        if flags & LOCK:
            return EINVAL
        old[:] = value
        return 0

    def read(self, key: bytes) -> bytes | int:
        """The value or -ENOENT."""
        value = self._values.get(key)
        if value is not None:
            return bytes(value)
        data = self.definition.data
        at_first = bytes(self.definition.value_size) if data is None else data
        return at_first if self._has(key) else ENOENT

    def write(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """As `update`; the kernel looks at the lock first."""
        return EINVAL if bad_flags(flags) else self.update(key, value, flags)

    def keys(self) -> Iterator[bytes]:
        """Every index, ascending."""
        return (index.to_bytes(4, "little") for index in range(self.definition.max_entries))

    def held(self) -> Iterator[bytes]:
        """The indexes that somebody asked for: all others are as they were at first."""
        if any(self.definition.data or b""):
            return self.keys()
        return iter(sorted(self._values, key=_index))

    def __len__(self) -> int:
        return self.definition.max_entries

    def _has(self, key: bytes) -> bool:
        return _index(key) < self.definition.max_entries


class PercpuArrayState(ArrayState):
    """An array with one value per index and CPU."""

    per_cpu = True

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self._copies: dict[bytes, list[Value]] = {}

    def lookup(self, key: bytes, cpu: int = 0) -> Value | None:
        """This CPU's value at an index below ``max_entries``."""
        values = self._all(key)
        return None if values is None else values[cpu]

    def read(self, key: bytes) -> bytes | int:
        """The values of all CPUs, or -ENOENT."""
        values = self._copies.get(key)
        if values is not None:
            return b"".join(values)
        return bytes(self.definition.value_size * self.cpus) if self._has(key) else ENOENT

    def held(self) -> Iterator[bytes]:
        """The indexes that somebody asked for on some CPU."""
        return iter(sorted(self._copies, key=_index))

    def write(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """As `update`, for all CPUs."""
        if bad_flags(flags):
            return EINVAL
        for cpu, copy in enumerate(self.copies(value)):
            code = self.update(key, copy, flags, cpu)
            if code:
                return code
        return 0

    def _all(self, key: bytes) -> list[Value] | None:
        values = self._copies.get(key)
        if values is None and self._has(key):
            values = [Value(self.definition.value_size) for _ in range(self.cpus)]
            self._copies[key] = values
        return values
