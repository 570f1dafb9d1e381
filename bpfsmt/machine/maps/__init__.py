"""What maps hold, and the kernel's answers to what programs and user space do with them.

Each kind is a `MapState`; `new_state` makes an empty one from a definition.  `UserMap` is
what user space holds.  Answers, error numbers and which entry an LRU map evicts are those
of the kernel, which tests ask beside.  What is not:

- A hash gives its keys in the order of their arrival, not in one that nobody knows.
- The value of a deleted entry stays as it is for who looked it up; a kernel may give the
  place to the next entry at once.
- BPF_F_LOCK is refused: whether a value has a lock stands in BTF, which is not looked at.
- What is kept for a socket or a cgroup is gone when the run ends, as both are.
- Any interface and any socket may be stored: a number is all that there is of them.
"""

from __future__ import annotations

from bpfsmt.errors import UnsupportedError
from bpfsmt.machine.maps.array import ArrayState, PercpuArrayState
from bpfsmt.machine.maps.base import ANY, EXIST, LOCK, NOEXIST, MapState, Value
from bpfsmt.machine.maps.hash import HashState, PercpuHashState
from bpfsmt.machine.maps.local import LocalState
from bpfsmt.machine.maps.lpm import LpmState
from bpfsmt.machine.maps.lru_hash import LruHashState
from bpfsmt.machine.maps.nested import ArrayOfMapsState, HashOfMapsState, NestedState
from bpfsmt.machine.maps.perf import PerfBuffer, PerfEventArrayState, PerfReader, Sample
from bpfsmt.machine.maps.queue import QueueState
from bpfsmt.machine.maps.ringbuf import Record, RingbufState
from bpfsmt.machine.maps.tables import (
    CpumapState,
    DevmapHashState,
    DevmapState,
    ProgArrayState,
    TableState,
    Target,
    XskmapState,
)
from bpfsmt.machine.maps.user import MapError, UserMap
from bpfsmt.program.program import MapDef

__all__ = [
    "ANY",
    "EXIST",
    "LOCK",
    "NOEXIST",
    "ArrayState",
    "HashState",
    "MapError",
    "MapState",
    "NestedState",
    "PerfBuffer",
    "PerfEventArrayState",
    "PerfReader",
    "ProgArrayState",
    "QueueState",
    "Record",
    "RingbufState",
    "Sample",
    "TableState",
    "Target",
    "UserMap",
    "Value",
    "new_state",
]

_STATES: dict[str, type[MapState]] = {
    "array": ArrayState, "percpu_array": PercpuArrayState,
    "hash": HashState, "percpu_hash": PercpuHashState,
    "lru_hash": LruHashState, "lru_percpu_hash": LruHashState,
    "lpm_trie": LpmState,
    "prog_array": ProgArrayState, "perf_event_array": PerfEventArrayState,
    "array_of_maps": ArrayOfMapsState, "hash_of_maps": HashOfMapsState,
    "devmap": DevmapState, "devmap_hash": DevmapHashState,
    "cpumap": CpumapState, "xskmap": XskmapState,
    "queue": QueueState, "stack": QueueState, "ringbuf": RingbufState,
    "sk_storage": LocalState, "cgroup_storage": LocalState,
    "percpu_cgroup_storage": LocalState,
}  # fmt: skip


def new_state(definition: MapDef, cpus: int = 1) -> MapState:
    """An empty map; raises `UnsupportedError` for a type that is not modelled."""
    state = _STATES.get(definition.type)
    if state is None:
        raise UnsupportedError(f"map {definition.name}: type {definition.type} is not modelled")
    return state(definition, cpus)
