"""Which helpers work on which types of maps (``check_map_func_compatibility``)."""

from __future__ import annotations

from bpfsmt.program.maptypes import RDONLY_PROG
from bpfsmt.program.program import ProgramType
from bpfsmt.semantics.prototypes import Prototype
from bpfsmt.verifier.linux.walk import Walk

_ONLY: dict[str, str] = {
    "prog_array": "tail_call",
    "perf_event_array": "perf_event_read perf_event_output perf_event_read_value",
    "ringbuf": "ringbuf_output ringbuf_reserve ringbuf_query",
    "user_ringbuf": "",
    "stack_trace": "get_stackid",
    "cgroup_array": "skb_under_cgroup current_task_under_cgroup",
    "cgroup_storage": "get_local_storage",
    "percpu_cgroup_storage": "get_local_storage",
    "devmap": "redirect_map map_lookup_elem",
    "devmap_hash": "redirect_map map_lookup_elem",
    "cpumap": "redirect_map",
    "xskmap": "redirect_map map_lookup_elem",
    "array_of_maps": "map_lookup_elem",
    "hash_of_maps": "map_lookup_elem",
    "sockmap": "map_lookup_elem map_update_elem map_delete_elem",
    "sockhash": "map_lookup_elem map_update_elem map_delete_elem",
    "reuseport_sockarray": "",
    "queue": "map_peek_elem map_pop_elem map_push_elem",
    "stack": "map_peek_elem map_pop_elem map_push_elem",
    "sk_storage": "sk_storage_get sk_storage_delete",
    "inode_storage": "",
    "task_storage": "",
    "cgrp_storage": "",
    "bloom_filter": "map_peek_elem map_push_elem",
    "struct_ops": "",
}
"""The helpers that a map of that type may be given to; other types: all."""

_FOR: dict[str, str] = {
    "tail_call": "prog_array",
    "perf_event_read": "perf_event_array",
    "perf_event_output": "perf_event_array",
    "perf_event_read_value": "perf_event_array",
    "ringbuf_output": "ringbuf",
    "ringbuf_reserve": "ringbuf",
    "ringbuf_query": "ringbuf",
    "get_stackid": "stack_trace",
    "current_task_under_cgroup": "cgroup_array",
    "skb_under_cgroup": "cgroup_array",
    "redirect_map": "devmap devmap_hash cpumap xskmap",
    "get_local_storage": "cgroup_storage percpu_cgroup_storage",
    "map_pop_elem": "queue stack",
    "map_peek_elem": "queue stack bloom_filter",
    "map_push_elem": "queue stack bloom_filter",
    "map_lookup_percpu_elem": "percpu_array percpu_hash lru_percpu_hash",
    "sk_storage_get": "sk_storage",
    "sk_storage_delete": "sk_storage",
}
"""The types of maps that a helper takes; other helpers: all."""

_WRITERS = ("map_update_elem", "map_delete_elem", "map_push_elem", "map_pop_elem")


_SOCKETS = ("sockmap", "sockhash")
_SOCKET_WRITERS = (
    ProgramType.SOCKET_FILTER,
    ProgramType.SCHED_CLS,
    ProgramType.SCHED_ACT,
    ProgramType.XDP,
)


def check_map(w: Walk, proto: Prototype, index: int) -> None:
    """Reject a helper for a map of a type that it does not work on, or may not use."""
    m, name = w.env.maps[index], proto.name.removeprefix("bpf_")
    if m.type in _SOCKETS and name in _WRITERS and w.env.program.type not in _SOCKET_WRITERS:
        w.reject(
            "map-helper-mismatch",
            f"cannot update {m.type} in this context",
            f"A program of type {w.env.program.type.value} may not change map {m.name}.",
        )
    only, wanted = _ONLY.get(m.type), _FOR.get(name)
    if wanted == "ringbuf" and not w.env.policy.duties.ring_maps:
        wanted = None
    if (only is not None and name not in only.split()) or (
        wanted is not None and m.type not in wanted.split()
    ):
        w.reject(
            "map-helper-mismatch",
            f"cannot pass map_type {m.type} into func {proto.name}#{proto.number}",
            f"Map {m.name} is of type {m.type}, on which {proto.name} does not work.",
        )
    if m.flags & RDONLY_PROG and name in _WRITERS:
        w.reject("map-read-only", "write into map forbidden", f"Map {m.name} is read-only.")
