"""Random operations of user space on maps here and in the running kernel: the same answers."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest

from bpfsmt.kernel.maps import KernelMap
from bpfsmt.kernel.syscall import BpfError, available, possible_cpus
from bpfsmt.machine import MapError, UserMap
from bpfsmt.machine.maps import new_state
from bpfsmt.program import MapDef

pytestmark = pytest.mark.skipif(available() is not None, reason=str(available()))

OPERATIONS = 600
FLAGS = [0, 0, 0, 0, 1, 1, 2, 2, 3, 8]

MAPS = [
    MapDef("m", "array", 4, 3, 4),
    MapDef("m", "percpu_array", 4, 3, 3),
    MapDef("m", "hash", 4, 5, 4),
    MapDef("m", "hash", 2, 8, 3, flags=1),
    MapDef("m", "percpu_hash", 4, 12, 3),
    MapDef("m", "percpu_hash", 4, 8, 3, flags=1),
    MapDef("m", "lpm_trie", 6, 4, 5, flags=1),
    MapDef("m", "queue", 0, 4, 3),
    MapDef("m", "stack", 0, 4, 3),
    MapDef("m", "devmap", 4, 4, 3),
    MapDef("m", "devmap", 4, 8, 3),
    MapDef("m", "devmap_hash", 4, 4, 3),
    MapDef("m", "cpumap", 4, 4, 1),
    MapDef("m", "lru_hash", 4, 4, 1),
    MapDef("m", "lru_hash", 4, 4, 9),
    MapDef("m", "lru_hash", 4, 4, 40),
    MapDef("m", "lru_hash", 4, 4, 700),
    MapDef("m", "lru_hash", 4, 4, 16, flags=2),
    MapDef("m", "lru_percpu_hash", 4, 4, 9),
    MapDef("m", "lru_percpu_hash", 4, 4, 50),
]

ORDERED = ("array", "percpu_array", "lpm_trie")
"""Where the order of the keys says something; in a hash it is nobody's business."""


@pytest.fixture(autouse=True)
def on_one_cpu() -> Iterator[None]:
    """LRU maps and per-CPU caches depend on where an operation happens."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def answer(operation: Callable[[], object]) -> object:
    """What an operation gives: its value or its error number."""
    try:
        return operation()
    except (MapError, BpfError) as error:
        return f"errno {error.errno}"


def random_key(rng: random.Random, definition: MapDef) -> bytes:
    if definition.type == "lpm_trie":
        bits = 8 * (definition.key_size - 4)
        address = bytes(rng.choice((0, 0x80, 0xC0)) for _ in range(definition.key_size - 4))
        return rng.choice((0, 1, 2, 7, 8, 9, bits, bits, bits + 1)).to_bytes(4, "little") + address
    most = definition.max_entries * 2 if "lru" in definition.type else definition.max_entries + 1
    return rng.randint(0, most).to_bytes(definition.key_size, "little")


def random_value(rng: random.Random, definition: MapDef) -> bytes:
    if definition.type.startswith("devmap"):  # interface 1 is everywhere; no program
        return rng.choice((0, 1)).to_bytes(definition.value_size, "little")
    if definition.type == "cpumap":
        return rng.choice((0, 1, 192, 16384, 16385)).to_bytes(4, "little")
    copies = possible_cpus() if "percpu" in definition.type and rng.random() < 0.7 else 1
    return rng.randbytes(definition.value_size * copies)


def step(rng: random.Random, ours: UserMap, kernel: KernelMap) -> tuple[str, object, object]:
    """One operation on both."""
    definition = ours.definition
    flags = rng.choice(FLAGS)
    if definition.key_size == 0:
        if rng.random() < 0.6:
            value = random_value(rng, definition)
            what = f"push {value.hex()} {flags}"
            pushed = answer(lambda: ours.push(value, flags))
            return what, pushed, answer(lambda: kernel.push(value, flags))
        return "pop", answer(ours.pop), answer(kernel.pop)
    key = random_key(rng, definition)
    kind = rng.random()
    if kind < 0.55:
        value = random_value(rng, definition)
        what = f"update {key.hex()} {value.hex()} {flags}"
        updated = answer(lambda: ours.update(key, value, flags))
        return what, updated, answer(lambda: kernel.update(key, value, flags))
    if kind < 0.75:
        what = f"delete {key.hex()}"
        return what, answer(lambda: ours.delete(key)), answer(lambda: kernel.delete(key))
    what = f"lookup {key.hex()}"
    return what, answer(lambda: ours.lookup(key)), answer(lambda: kernel.lookup(key))


@pytest.mark.parametrize("definition", MAPS, ids=lambda d: f"{d.type}-{d.max_entries}-{d.flags}")
def test_operations_of_user_space(definition: MapDef) -> None:
    rng = random.Random(f"{definition.type} {definition.max_entries}")
    ours = UserMap(new_state(definition, possible_cpus()))
    operations = max(OPERATIONS, 4 * definition.max_entries)
    with KernelMap(definition) as kernel:
        done = []
        for _ in range(operations):
            what, mine, theirs = step(rng, ours, kernel)
            done.append(what)
            assert mine == theirs, (done[-5:], mine, theirs)
        if definition.key_size:
            assert ours.entries() == kernel.entries()


@pytest.mark.parametrize(
    "definition",
    [m for m in MAPS if m.type in ORDERED] + [MapDef("m", "lpm_trie", 8, 4, 40, flags=1)],
    ids=lambda d: f"{d.type}-{d.max_entries}",
)
def test_keys_come_in_the_same_order(definition: MapDef) -> None:
    rng = random.Random(7)
    ours = UserMap(new_state(definition, possible_cpus()))
    with KernelMap(definition) as kernel:
        for _ in range(100):
            step(rng, ours, kernel)
            assert list(ours.keys()) == list(kernel.keys())
