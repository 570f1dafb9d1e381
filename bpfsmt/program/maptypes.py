"""The kernel's map types, and which sizes it accepts for each.

The numbers are those of ``enum bpf_map_type`` in Linux's UAPI; the conditions are what the
``map_alloc_check`` and ``map_alloc`` functions of each type ask for (Linux 6.18), as far as
they depend on sizes and BPF_F_NO_PREALLOC alone: not on the machine, a sysctl, other flags
or BTF, and not where libbpf corrects the number (a ring buffer's size is rounded up).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.errors import LoadError
from bpfsmt.program.program import MapDef

MAP_TYPES: tuple[str, ...] = (
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
    "insn_array",
)
"""The name of each map type, at its number."""

MAPS_OF_MAPS = frozenset({"array_of_maps", "hash_of_maps"})
"""The types whose values are other maps."""

NO_PREALLOC = 1 << 0
"""Flag of a map whose entries are allocated when they are needed."""

RDONLY_PROG = 1 << 7
"""Flag of a map that programs can only read."""

_UINT32 = 2**32 - 1
_PERCPU_BYTES = 32 << 10  # the largest allocation for each CPU


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What a type asks for; ``key`` and ``value`` are ranges or sets of sizes in bytes.

    ``entries`` is False for a type whose ``max_entries`` must be 0, and `None` for one
    that takes any (libbpf fills in the number of CPUs, for example).  ``no_prealloc`` says
    whether BPF_F_NO_PREALLOC must be among the flags; `None` leaves the choice.
    """

    key: range | tuple[int, ...] = (4,)
    value: range | tuple[int, ...] = range(1, _UINT32 + 1)
    entries: bool | None = True
    no_prealloc: bool | None = False


_ANY = range(_UINT32 + 1)
_SOME = range(1, _UINT32 + 1)
_PERCPU = range(1, _PERCPU_BYTES + 1)
_FILES = _Sizes(value=(4,))  # values are file descriptors
_SOCKETS = _Sizes(value=(4, 8))  # descriptors in, and cookies out
_LOCAL_STORAGE = _Sizes(entries=False, no_prealloc=True)
_QUEUE = _Sizes(key=(0,))
_RING = _Sizes(key=(0,), value=(0,))

_SIZES = {
    "hash": _Sizes(key=_SOME, no_prealloc=None),
    "array": _Sizes(),
    "prog_array": _FILES,
    "perf_event_array": _Sizes(value=(4,), entries=None),
    "percpu_hash": _Sizes(key=_SOME, value=_PERCPU, no_prealloc=None),
    "percpu_array": _Sizes(value=_PERCPU),
    "stack_trace": _Sizes(value=range(8, _UINT32 + 1, 8)),
    "cgroup_array": _FILES,
    "lru_hash": _Sizes(key=_SOME),
    "lru_percpu_hash": _Sizes(key=_SOME, value=_PERCPU),
    "lpm_trie": _Sizes(key=range(5, 261), no_prealloc=True),
    "array_of_maps": _FILES,
    "hash_of_maps": _Sizes(key=_SOME, value=(4,), no_prealloc=None),
    "devmap": _SOCKETS,
    "sockmap": _SOCKETS,
    "cpumap": _SOCKETS,
    "xskmap": _FILES,
    "sockhash": _Sizes(key=range(1, 513), value=(4, 8)),
    "cgroup_storage": _Sizes(key=(8, 16), entries=False),
    "reuseport_sockarray": _SOCKETS,
    "percpu_cgroup_storage": _Sizes(key=(8, 16), value=_PERCPU, entries=False),
    "queue": _QUEUE,
    "stack": _QUEUE,
    "sk_storage": _LOCAL_STORAGE,
    "devmap_hash": _SOCKETS,
    "struct_ops": _Sizes(value=_ANY, entries=None),
    "ringbuf": _RING,
    "inode_storage": _LOCAL_STORAGE,
    "task_storage": _LOCAL_STORAGE,
    "bloom_filter": _QUEUE,
    "user_ringbuf": _RING,
    "cgrp_storage": _LOCAL_STORAGE,
    "arena": _RING,
    "insn_array": _Sizes(value=_ANY),
}


def map_type_name(number: int) -> str:
    """The name of the map type with that number in the kernel's enum.

    Raises `LoadError` for a number that names none.

    >>> map_type_name(1), map_type_name(27)
    ('hash', 'ringbuf')
    """
    if not 0 < number < len(MAP_TYPES):
        raise LoadError(f"map type {number} is not known")
    return MAP_TYPES[number]


def check_map(definition: MapDef) -> MapDef:
    """The definition itself, if the kernel would create such a map.

    Raises `LoadError` naming the map and the number that the kernel refuses.

    >>> check_map(MapDef("m", "array", key_size=8, value_size=8, max_entries=1))
    Traceback (most recent call last):
    bpfsmt.errors.LoadError: map m (array): key_size must be 4, is 8
    """
    problem = next(_problems(definition), None)
    if problem is not None:
        raise LoadError(f"map {definition.name} ({definition.type}): {problem}")
    if definition.inner is not None:
        check_map(definition.inner)
    return definition


def _problems(definition: MapDef) -> Iterator[str]:
    sizes = _SIZES.get(definition.type)
    if sizes is None:
        yield "no such map type"
        return
    yield from _size("key_size", definition.key_size, sizes.key)
    yield from _size("value_size", definition.value_size, sizes.value)
    yield from _entries(definition, sizes)
    if not 0 <= definition.flags <= _UINT32:
        yield f"map_flags {definition.flags} do not fit into 32 bits"
    if sizes.no_prealloc is not None:
        must = "must" if sizes.no_prealloc else "must not"
        if bool(definition.flags & NO_PREALLOC) != sizes.no_prealloc:
            yield f"map_flags {must} contain BPF_F_NO_PREALLOC (1), are {definition.flags}"
    yield from _inner(definition)
    if definition.data is not None and len(definition.data) != definition.value_size:
        yield f"{len(definition.data)} bytes of data for a value of {definition.value_size}"


def _size(what: str, size: int, allowed: range | tuple[int, ...]) -> Iterator[str]:
    if size in allowed:
        return
    if isinstance(allowed, tuple):
        wanted = " or ".join(str(each) for each in allowed)
    elif size == 0:
        wanted = "more than 0"
    else:
        step = f" in steps of {allowed.step}" if allowed.step > 1 else ""
        wanted = f"{allowed.start}..{allowed[-1]}{step}"
    yield f"{what} must be {wanted}, is {size}"


def _entries(definition: MapDef, sizes: _Sizes) -> Iterator[str]:
    count = definition.max_entries
    if not 0 <= count <= _UINT32:
        yield f"max_entries {count} does not fit into 32 bits"
    elif sizes.entries and count == 0:
        yield "max_entries must be more than 0, is 0"
    elif sizes.entries is False and count:
        yield f"max_entries must be 0, is {count}"


def _inner(definition: MapDef) -> Iterator[str]:
    inner = definition.inner
    if definition.type in MAPS_OF_MAPS:
        if inner is None:
            yield "does not say which maps it holds"
        elif inner.type in MAPS_OF_MAPS:
            yield f"its inner map {inner.name} is a map of maps, too"
    elif inner is not None:
        yield "is no map of maps, but has an inner map"
