"""Accesses to a map's own structure (``check_ptr_to_map_access``).

What a load of one of its fields gives is described by the kernel's BTF, and not modelled, but
for the bytes of a hash in front (Linux 6.18).
"""

from __future__ import annotations

from typing import NoReturn

from bpfsmt.domain import Reg
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.step.region import Access
from bpfsmt.verifier.linux.walk import Walk
from bpfsmt.verifier.reasons import unsupported

_STRUCTURES = {
    "bpf_array": ("array", "percpu_array", "prog_array", "perf_event_array", "cgroup_array",
                  "array_of_maps"),
    "bpf_htab": ("hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "hash_of_maps"),
    "lpm_trie": ("lpm_trie",),
    "bpf_stack_map": ("stack_trace",),
    "reuseport_array": ("reuseport_sockarray",),
    "bpf_dtab": ("devmap", "devmap_hash"),
    "bpf_cpu_map": ("cpumap",),
    "bpf_queue_stack": ("queue", "stack"),
    "bpf_ringbuf_map": ("ringbuf", "user_ringbuf"),
    "bpf_bloom_filter": ("bloom_filter",),
    "bpf_cgroup_storage_map": ("cgroup_storage", "percpu_cgroup_storage"),
}  # fmt: skip
"""The kernel's structures, and the types of the maps that are kept in them (``map_btf_id``)."""

_NAMES = {type_: name for name, types in _STRUCTURES.items() for type_ in types}
_OPS_SIZE = 8
"""``ops``, the first pointer in ``struct bpf_map``, with which each of these begins."""


def read_map_structure(w: Walk, a: Access) -> Reg:
    """What a load gives; rejects it, or says that what it gives is not modelled."""
    name = _name(w, a)
    head = w.env.policy.map_head
    if a.fixed + a.size <= head:
        return ANY
    if head - a.size < a.fixed < head + _OPS_SIZE and (a.fixed, a.size) != (head, _OPS_SIZE):
        message = (
            f"cannot access ptr member ops with moff {head} in struct bpf_map with off {a.fixed} "
            f"size {a.size}"
        )
        w.reject("bad-pointer", message, f"In {name} a pointer is there; load all of it.", a.reg)
    raise unsupported("a load from a map's own structure")


def write_map_structure(w: Walk, a: Access) -> NoReturn:
    """Reject a store."""
    w.reject("read-only", f"only read from {_name(w, a)} is supported", reg=a.reg)


def _name(w: Walk, a: Access) -> str:
    """The structure's; rejects an access in front of it."""
    type_ = w.env.maps[a.ptr.map].type
    name = _NAMES.get(type_)
    if name is None:
        raise unsupported(f"an access to the structure of a map of type {type_}")
    if a.fixed < 0:
        message = f"R{a.reg} is {name} invalid negative access: off={a.fixed}"
        w.reject("bad-pointer", message, reg=a.reg)
    return name
