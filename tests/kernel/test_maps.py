"""Maps of every type that user space can read: what goes in comes out."""

from __future__ import annotations

import errno

import pytest

from bpfsmt.errors import BpfsmtError, OracleError
from bpfsmt.kernel import BpfError, KernelMap, load_program, possible_cpus
from bpfsmt.kernel.maps import PER_CPU
from bpfsmt.kernel.mapset import MapSet
from bpfsmt.program import MapDef
from bpfsmt.program.maptypes import MAP_TYPES, RDONLY_PROG

from .common import asm, needs_bpf, open_files

pytestmark = needs_bpf

INNER = MapDef("inner", "array", 4, 8, 4)
DEFINITIONS = [
    MapDef("m", "hash", 4, 12, 16),
    MapDef("m", "hash", 3, 5, 16, flags=1),
    MapDef("m", "array", 4, 12, 16),
    MapDef("m", "percpu_hash", 6, 12, 16),
    MapDef("m", "percpu_array", 4, 5, 16),
    MapDef("m", "lru_hash", 4, 8, 16),
    MapDef("m", "lru_percpu_hash", 4, 4, 16),
    MapDef("m", "lpm_trie", 8, 8, 16, flags=1),
    MapDef("m", "cpumap", 4, 4, 16),
    MapDef("m", "devmap", 4, 4, 16),
    MapDef("m", "devmap_hash", 4, 4, 16),
]
OTHERS = [
    MapDef("m", "prog_array", 4, 4, 4), MapDef("m", "perf_event_array", 4, 4, 0),
    MapDef("m", "stack_trace", 4, 8, 4), MapDef("m", "cgroup_array", 4, 4, 4),
    MapDef("m", "array_of_maps", 4, 4, 4, inner=INNER),
    MapDef("m", "hash_of_maps", 4, 4, 4, inner=INNER), MapDef("m", "sockmap", 4, 8, 4),
    MapDef("m", "xskmap", 4, 4, 4), MapDef("m", "sockhash", 4, 8, 4),
    MapDef("m", "cgroup_storage", 8, 8, 0), MapDef("m", "reuseport_sockarray", 4, 8, 4),
    MapDef("m", "percpu_cgroup_storage", 8, 8, 0), MapDef("m", "queue", 0, 8, 4),
    MapDef("m", "stack", 0, 8, 4), MapDef("m", "sk_storage", 4, 12, 0, flags=1),
    MapDef("m", "ringbuf", 0, 0, 5000), MapDef("m", "inode_storage", 4, 1, 0, flags=1),
    MapDef("m", "task_storage", 4, 8, 0, flags=1), MapDef("m", "bloom_filter", 0, 8, 4),
    MapDef("m", "user_ringbuf", 0, 0, 0), MapDef("m", "cgrp_storage", 4, 8, 0, flags=1),
    MapDef("m", "arena", 0, 0, 4, flags=1 << 10),
]  # fmt: skip
NOT_HERE = {"unspec", "struct_ops", "insn_array"}  # needs the kernel's types; newer than 6.18


def name_of(definition: MapDef) -> str:
    return definition.type


def test_every_type_is_tried() -> None:
    assert {d.type for d in DEFINITIONS + OTHERS} | NOT_HERE == set(MAP_TYPES)


@pytest.mark.parametrize("definition", OTHERS, ids=name_of)
def test_is_created(definition: MapDef) -> None:
    with KernelMap(definition) as made:
        assert made.fd >= 0


def keys_of(definition: MapDef) -> list[bytes]:
    if definition.type == "lpm_trie":
        return [bytes([8 * n, 0, 0, 0, 10, n, n, n]) for n in range(1, 4)]
    if "cpumap" in definition.type or "devmap" in definition.type:
        return [bytes(definition.key_size)]
    return [n.to_bytes(definition.key_size, "little") for n in (0, 1, 7)]


def value_of(definition: MapDef, n: int) -> bytes:
    if "devmap" in definition.type:
        return (1).to_bytes(4, "little")  # the loopback interface
    if definition.type == "cpumap":
        return (192).to_bytes(4, "little")
    copies = possible_cpus() if definition.type in PER_CPU else 1
    return bytes((n + i) % 251 for i in range(definition.value_size * copies))


@pytest.mark.parametrize("definition", DEFINITIONS, ids=name_of)
def test_what_goes_in_comes_out(definition: MapDef) -> None:
    before = open_files()
    with KernelMap(definition) as made:
        stored = {key: value_of(definition, n) for n, key in enumerate(keys_of(definition))}
        for key, value in stored.items():
            made.update(key, value)
            assert made.lookup(key) == value
        entries = made.entries()
        assert {key: entries[key] for key in stored} == stored
        assert set(made.keys()) >= set(entries), "keys may have no value in arrays of pointers"
        is_array = definition.type.endswith("array")
        if is_array:
            assert len(entries) == definition.max_entries
            with pytest.raises(BpfError, match="EINVAL"):
                made.delete(bytes(4))
        else:
            assert entries == stored
            assert all(made.delete(key) for key in stored)
            assert made.entries() == {}
    assert open_files() == before


def test_large_maps_are_read_whole() -> None:
    with KernelMap(MapDef("m", "hash", 4, 4, 5000)) as made:
        wanted = {n.to_bytes(4, "little"): (n * 3).to_bytes(4, "little") for n in range(4000)}
        for key, value in wanted.items():
            made.update(key, value)
        assert made.entries() == wanted
    with KernelMap(MapDef("m", "array", 4, 1 << 20, 40)) as made:
        made.update((39).to_bytes(4, "little"), b"x" * (1 << 20))
        entries = made.entries()
        assert len(entries) == 40
        assert entries[(39).to_bytes(4, "little")] == b"x" * (1 << 20)


@pytest.mark.parametrize(("kind", "order"), [("queue", [1, 2, 3]), ("stack", [3, 2, 1])])
def test_queues_are_looked_at_without_change(kind: str, order: list[int]) -> None:
    with KernelMap(MapDef("m", kind, 0, 1, 4)) as made:
        for n in (1, 2, 3):
            made.push(bytes([n]))
        for _ in range(2):
            assert [value[0] for value in made.entries().values()] == order
        assert made.pop() == bytes([order[0]])


def test_a_value_for_one_cpu_goes_to_all() -> None:
    with KernelMap(MapDef("m", "percpu_array", 4, 3, 1)) as made:
        made.update(bytes(4), b"abc")
        assert made.lookup(bytes(4)) == b"abc" * possible_cpus()


def test_flags_of_an_update_are_the_kernels() -> None:
    with KernelMap(MapDef("m", "hash", 4, 4, 2)) as made:
        made.update(b"key1", b"val1", 1)
        with pytest.raises(BpfError, match=r"^map m \(hash\): update: .* \(EEXIST\)$"):
            made.update(b"key1", b"val1", 1)
        with pytest.raises(BpfError) as caught:
            made.update(b"key2", b"val1", 2)
        assert caught.value.errno == errno.ENOENT


def test_initial_data_is_there_and_frozen() -> None:
    data = MapDef(".rodata", "array", 4, 3, 1, RDONLY_PROG, data=b"abc", frozen=True)
    with KernelMap(data) as made:
        assert made.entries() == {bytes(4): b"abc"}
        with pytest.raises(BpfError, match="EPERM"):
            made.update(bytes(4), b"abd")


def test_a_map_in_a_map_is_found_by_a_program() -> None:
    program = asm("""
        .map inner type=array key=4 value=8 entries=4
        .map outer type=hash_of_maps key=4 value=4 entries=4 inner=inner
        *(u64 *)(r10 - 8) = 7
        r1 = map[outer]
        r2 = r10
        r2 += -8
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        *(u64 *)(r10 - 8) = 0
        r1 = r0
        r2 = r10
        r2 += -8
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        r0 = *(u64 *)(r0 + 0)
    out:
        exit
    """)
    with load_program(program) as loaded, KernelMap(INNER) as inner:
        assert loaded.accepted, loaded.log
        inner.update(bytes(4), (77).to_bytes(8, "little"))
        loaded.maps["outer"].put_fd((7).to_bytes(4, "little"), inner.fd)
        assert loaded.run().retval == 77


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        (MapDef("bad", "hash", 0, 8, 16), r"^map bad \(hash\): creating: .* \(EINVAL\)$"),
        (MapDef("ops", "struct_ops", 4, 8, 1), r"^map ops \(struct_ops\): needs types"),
        (MapDef("d", "array", 4, 4, 1, data=b"abc"), r"a value of 3 bytes, not 4"),
        (MapDef("o", "array_of_maps", 4, 4, 1), r"creating: .* \(E[A-Z]+\)$"),
    ],
)
def test_what_cannot_be_made_is_one_line_and_leaves_nothing_open(
    definition: MapDef, why: str
) -> None:
    before = open_files()
    with pytest.raises(BpfsmtError, match=why):
        MapSet((INNER, definition))
    assert open_files() == before


def test_wrong_sizes_are_told() -> None:
    with KernelMap(MapDef("m", "percpu_hash", 4, 8, 4)) as made:
        with pytest.raises(OracleError, match="a key of 3 bytes, not 4"):
            made.lookup(b"abc")
        with pytest.raises(OracleError, match=r"a value of 3 bytes, not 8( or \d+ times 8)?$"):
            made.update(b"abcd", b"abc")


RING = """
    .map r type=ringbuf key=0 value=0 entries=4096
    r6 = 0x1122334455667788 ll
    *(u64 *)(r10 - 8) = r6
    r1 = map[r]
    r2 = r10
    r2 += -8
    r3 = 7
    r4 = 0
    call bpf_ringbuf_output
    exit
"""


def test_the_records_of_a_ring_buffer_come_in_order_until_it_is_full() -> None:
    with load_program(asm(RING)) as loaded:
        answers = [loaded.run(contents=False).retval for _ in range(300)]
        assert answers[:255] == [0] * 255  # 16 bytes each, and never quite full
        assert set(answers[255:]) == {(1 << 32) - errno.EAGAIN}
        records = loaded.maps["r"].entries()
        record = bytes.fromhex("88776655443322")
        assert records == {n.to_bytes(4, "little"): record for n in range(255)}
