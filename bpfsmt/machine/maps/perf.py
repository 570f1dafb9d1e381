"""perf_event_array: samples that programs put out and a reader in user space gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bpfsmt.machine.errno import E2BIG, EINVAL, ENOENT, EOPNOTSUPP
from bpfsmt.machine.maps.base import ANY, MapState
from bpfsmt.program.program import MapDef


class Sample(NamedTuple):
    """One sample: the CPU that it comes from, and its bytes (no padding)."""

    cpu: int
    data: bytes


class PerfBuffer:
    """What user space opens for one CPU, and reads the samples of all its CPUs from."""

    def __init__(self, cpu: int, samples: list[Sample] | None = None) -> None:
        self.cpu = cpu
        self.samples: list[Sample] = [] if samples is None else samples


class PerfReader:
    """The samples of all CPUs, in the order in which they were put out.

    >>> reader = PerfReader()
    >>> reader.samples
    []
    """

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def take(self) -> list[Sample]:
        """All samples that there are, which are then gone."""
        found, self.samples[:] = list(self.samples), []
        return found


class PerfEventArrayState(MapState):
    """A buffer per index, normally that of the CPU with this number."""

    holds_bytes = False

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self.entries = definition.max_entries or cpus
        self._buffers: dict[int, PerfBuffer] = {}

    def listen(self) -> PerfReader:
        """Open a buffer for every CPU; programs find nobody listening until then."""
        reader = PerfReader()
        for cpu in range(min(self.cpus, self.entries)):
            self._buffers[cpu] = PerfBuffer(cpu, reader.samples)
        return reader

    def output(self, index: int, cpu: int, data: bytes) -> int:
        """0, -E2BIG for an index, -ENOENT without a buffer, -EOPNOTSUPP for another CPU's."""
        if index >= self.entries:
            return E2BIG
        buffer = self._buffers.get(index)
        if buffer is None:
            return ENOENT
        if buffer.cpu != cpu:
            return EOPNOTSUPP
        buffer.samples.append(Sample(cpu, data))
        return 0

    def write(self, key: bytes, value: PerfBuffer, flags: int = ANY) -> int:
        """0, -EINVAL for flags, or -E2BIG."""
        index = int.from_bytes(key, "little")
        if flags != ANY:
            return EINVAL
        if index >= self.entries:
            return E2BIG
        self._buffers[index] = value
        return 0

    def remove(self, key: bytes) -> int:
        """0, -E2BIG or -ENOENT."""
        index = int.from_bytes(key, "little")
        if index >= self.entries:
            return E2BIG
        return ENOENT if self._buffers.pop(index, None) is None else 0

    def keys(self) -> Iterator[bytes]:
        """The indexes that have a buffer, ascending."""
        return (index.to_bytes(4, "little") for index in sorted(self._buffers))
