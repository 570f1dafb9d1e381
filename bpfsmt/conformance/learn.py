"""Inputs for a program that reads maps: entries under the keys that it asks for.

Random keys are never found.  So the program runs on the machine first; what it looked up is
noted, and stored, with random values, before a later input.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from bpfsmt.conformance.ours import LOOPBACK, Bench
from bpfsmt.conformance.values import words
from bpfsmt.errors import UnsupportedError
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.machine import Environment, Machine, MapError
from bpfsmt.program.maptypes import RDONLY_PROG
from bpfsmt.program.program import MapDef, Program

_HASHES = frozenset({"hash", "lru_hash", "percpu_hash", "lru_percpu_hash", "lpm_trie"})
_ARRAYS = frozenset({"array", "percpu_array"})
_TARGETS = frozenset({"devmap", "devmap_hash", "cpumap"})
_QUEUE_SIZE = 192  # of a CPU's queue in a cpumap

Asked = dict[str, set[bytes]]
"""The keys that a program looked up, by the map's name."""


class Curious(Environment):
    """An environment that notes which keys are looked up."""

    def __init__(self, cpu: int = 0, cpus: int = 1) -> None:
        super().__init__(cpu=cpu, cpus=cpus)
        self.asked: Asked = {}

    def bpf_map_lookup_elem(self, m: Machine, handle: int, key: int, *rest: int) -> int:
        """As it is, and noted."""
        definition = m.map_state(handle).definition
        self._note(definition, m.memory.read(key, definition.key_size))
        return super().bpf_map_lookup_elem(m, handle, key, *rest)

    def bpf_redirect_map(self, m: Machine, handle: int, index: int, flags: int, *rest: int) -> int:
        """As it is, and noted."""
        definition = m.map_state(handle).definition
        self._note(definition, (index & 0xFFFFFFFF).to_bytes(4, "little"))
        return super().bpf_redirect_map(m, handle, index, flags, *rest)

    def _note(self, definition: MapDef, key: bytes) -> None:
        self.asked.setdefault(definition.name, set()).add(key)


def with_entries(
    program: Program, inputs: Iterable[RunInput], rng: random.Random, env: Curious
) -> Sequence[RunInput]:
    """The inputs, most with entries for keys that were asked for up to there.

    What the machine does not model ends the list: so far, the inputs are good.
    """
    done: list[RunInput] = []
    try:
        bench = Bench(program, env, "interpret")
        for each in inputs:
            bench.prepare(each)
            stored = _store(program, env, rng)
            done.append(replace(each, maps={**each.maps, **stored}))
            bench.run(done[-1], contents=False)
    except UnsupportedError:
        pass
    return done


def _store(program: Program, env: Curious, rng: random.Random) -> dict[str, dict[bytes, bytes]]:
    """Store values for some of the keys that were asked for, and tell what was stored."""
    stored: dict[str, dict[bytes, bytes]] = {}
    for definition in program.maps:
        for key in sorted(env.asked.get(definition.name, ())):
            if rng.random() < 0.5 or not _admits(definition, key):
                continue
            name, value = _stored(definition, key, rng), _value(definition, rng)
            with suppress(MapError):  # the map may be full
                env.map(definition).update(name, value)
                stored.setdefault(definition.name, {})[name] = value
    return stored


def _stored(definition: MapDef, key: bytes, rng: random.Random) -> bytes:
    """The key under which to store: in a trie, perhaps a shorter prefix that covers it."""
    if definition.type != "lpm_trie":
        return key
    length = int.from_bytes(key[:4], "little")
    longest = min(length, 8 * (definition.key_size - 4))
    return rng.choice((longest, longest // 2, 0)).to_bytes(4, "little") + key[4:]


def _admits(definition: MapDef, key: bytes) -> bool:
    """Whether user space can store something under a key."""
    if definition.frozen or definition.flags & RDONLY_PROG:
        return False
    if definition.type == "devmap_hash":
        return True
    if definition.type == "cpumap":  # only CPUs that there are
        return key == bytes(4)
    if definition.type in _ARRAYS | _TARGETS:
        return int.from_bytes(key, "little") < definition.max_entries
    return definition.type in _HASHES


def _value(definition: MapDef, rng: random.Random) -> bytes:
    size = definition.value_size
    if definition.type in _TARGETS:
        number = _QUEUE_SIZE if definition.type == "cpumap" else LOOPBACK
        return number.to_bytes(4, "little").ljust(size, b"\0")
    kind = rng.random()
    if kind < 0.4:  # small numbers: actions, indexes, lengths
        return b"".join(rng.randrange(5).to_bytes(4, "little") for _ in range(size // 4 + 1))[:size]
    if kind < 0.8:
        return words(rng, size // 8 + 1)[:size]
    return rng.randbytes(size)
