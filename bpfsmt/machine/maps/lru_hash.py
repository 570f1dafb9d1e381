"""lru_hash and lru_percpu_hash: a hash that makes room by itself."""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.machine.errno import EINVAL, ENOENT, ENOMEM
from bpfsmt.machine.maps.base import ANY, EXIST, MapState, Value, bad_flags, check_flags
from bpfsmt.machine.maps.lru import CommonLru, PercpuLru, Place
from bpfsmt.program.program import MapDef

NO_COMMON_LRU = 1 << 1
"""Flag of a map of which every CPU has its own part."""


class LruHashState(MapState):
    """A lookup by a program marks the entry as used, one by user space does not."""

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self.per_cpu = definition.type == "lru_percpu_hash"
        self._places: dict[bytes, Place] = {}
        size = definition.max_entries
        if definition.flags & NO_COMMON_LRU:
            self._lru: CommonLru | PercpuLru = PercpuLru(-(-size // cpus) * cpus, cpus, self._evict)
        else:
            self._lru = CommonLru(size, cpus, self._evict)

    def _evict(self, place: Place) -> None:
        del self._places[place.key]

    def lookup(self, key: bytes, cpu: int = 0) -> Value | None:
        """The value, which counts as used now."""
        place = self._places.get(key)
        if place is None:
            return None
        place.used = True
        return place.values[cpu if self.per_cpu else 0]

    def update(self, key: bytes, value: bytes, flags: int = ANY, cpu: int = 0) -> int:
        """0, -EINVAL for a flag, -EEXIST or -ENOENT; or -ENOMEM if no place can be had."""
        if not self.per_cpu:
            return self._replace(key, value, flags, cpu)
        empty = bytes(self.definition.value_size)
        new = [value if n == cpu else empty for n in range(self.cpus)]
        return self._overwrite(key, new, flags, cpu, cpu)

    def write(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """As `update`, for all CPUs."""
        if not self.per_cpu:
            return self._replace(key, value, flags, 0)
        return self._overwrite(key, self.copies(value), flags, 0, None)

    def _replace(self, key: bytes, value: bytes, flags: int, cpu: int) -> int:
        """The new entry takes a place before the old one, if any, leaves its own."""
        if bad_flags(flags):
            return EINVAL
        place = self._lru.pop(cpu)
        if place is None:
            return ENOMEM
        old = self._places.get(key)
        code = check_flags(old is not None, flags)
        if code:
            self._lru.give_back(place)
            return code
        place.key, place.values = key, [Value(value)]
        self._places[key] = place
        if old is not None:
            place.used = True
            self._lru.give_back(old)
        return 0

    def _overwrite(
        self, key: bytes, new: list[bytes], flags: int, cpu: int, only: int | None
    ) -> int:
        """Per CPU values change where they are: of all CPUs, or ``only`` of one."""
        if bad_flags(flags):
            return EINVAL
        place = self._lru.pop(cpu) if flags != EXIST else None
        if place is None and flags != EXIST:
            return ENOMEM
        old = self._places.get(key)
        code = check_flags(old is not None, flags)
        if old is not None and not code:
            old.used = True
            for n in range(self.cpus) if only is None else (only,):
                old.values[n][:] = new[n]
        elif place is not None and not code:
            place.key, place.values = key, [Value(copy) for copy in new]
            self._places[key] = place
            place = None
        if place is not None:
            self._lru.give_back(place)
        return code

    def delete(self, key: bytes) -> int:
        """0 or -ENOENT."""
        place = self._places.pop(key, None)
        if place is None:
            return ENOENT
        self._lru.give_back(place)
        return 0

    def read(self, key: bytes) -> bytes | int:
        """The value (per CPU: all), or -ENOENT; not marked as used."""
        place = self._places.get(key)
        return ENOENT if place is None else b"".join(place.values)

    def take(self, key: bytes) -> bytes | int:
        """What `read` gives, which is then gone."""
        value = self.read(key)
        if not isinstance(value, int):
            self.delete(key)
        return value

    def keys(self) -> Iterator[bytes]:
        """Every key, as it was before the first is taken."""
        return iter(list(self._places))

    def __len__(self) -> int:
        return len(self._places)
