"""User space that reads what programs put out: perf events and ring buffers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bpfsmt.machine import Environment, PerfReader, UserMap


class Record(NamedTuple):
    """Bytes that a program sent to user space, and the map that they came through."""

    map: str
    data: bytes


class Listener:
    """Listens to every such map of an environment, from now on."""

    def __init__(self, env: Environment) -> None:
        self._perf: dict[str, PerfReader] = {}
        self._rings: dict[str, UserMap] = {}
        for each in env.user_maps():
            if each.definition.type == "perf_event_array":
                self._perf[each.definition.name] = each.listen()
            elif each.definition.type == "ringbuf":
                self._rings[each.definition.name] = each

    def records(self) -> Iterator[Record]:
        """What has come since the last time."""
        for name, reader in self._perf.items():
            yield from (Record(name, sample.data) for sample in reader.take())
        for name, ring in self._rings.items():
            yield from (Record(name, data) for data in ring.consume())
