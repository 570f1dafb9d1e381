"""Random work on maps: every operation on every kind of map, with keys that meet again.

A program does some operations on a few maps.  Keys, values and what is added come from the
packet; all results and error numbers are folded into the answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

from bpfsmt.conformance.case import Case
from bpfsmt.conformance.values import words
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program import MapDef, Program, load_asm

OPERATIONS = 10
"""In one program."""

_NO_PREALLOC, _NO_COMMON_LRU = 1, 2

_KEYED = (
    MapDef("hash", "hash", 4, 8, 4),
    MapDef("lazy_hash", "hash", 4, 8, 4, _NO_PREALLOC),
    MapDef("array", "array", 4, 8, 6),
    MapDef("percpu_hash", "percpu_hash", 4, 8, 4),
    MapDef("percpu_array", "percpu_array", 4, 8, 6),
    MapDef("lru", "lru_hash", 4, 8, 4),
    MapDef("own_lru", "lru_hash", 4, 8, 4, _NO_COMMON_LRU),
    MapDef("percpu_lru", "lru_percpu_hash", 4, 8, 4),
)
_TRIE = MapDef("trie", "lpm_trie", 8, 8, 4, _NO_PREALLOC)
_QUEUES = (MapDef("queue", "queue", 0, 8, 3), MapDef("stack", "stack", 0, 8, 3))
_RING = MapDef("ring", "ringbuf", 0, 0, 4096)

_KEY, _VALUE = -8, -16
_WORD = 8

_BEFORE = f"""
    r0 = 0
    r9 = *(u32 *)(r1 + 0)
    r3 = *(u32 *)(r1 + 4)
    r4 = r9
    r4 += {OPERATIONS * _WORD}
    if r4 <= r3 goto +1
    exit
    r1 = 0
    r3 = 0
    r4 = 0
    r6 = 0
"""
_AFTER = "r0 = r6\nexit\n"

_FRAME = len(load_asm(_BEFORE, "before")), len(load_asm(_AFTER, "after"))

_FOLD = "r6 *= 31\nr6 ^= r0\n"


def map_cases(numbers: Iterable[int], inputs: int, seed: int) -> Iterator[Case]:
    """The programs of these numbers, each on so many packets; the same for the same seed."""
    for number in numbers:
        rng = random.Random(f"maps {seed} {number}")
        packets = tuple(RunInput(words(rng, OPERATIONS)) for _ in range(inputs))
        yield Case("maps", f"maps {seed}.{number}", _program(rng), packets, _FRAME)


def _program(rng: random.Random) -> Program:
    maps = [*rng.sample(_KEYED, 2), rng.choice((*_QUEUES, _TRIE, _RING))]
    text = _BEFORE
    for n in range(OPERATIONS):
        chosen = rng.choice(maps)
        text += _operands(chosen, n * _WORD, rng) + rng.choice(_operations(chosen))(chosen, rng)
    directives = (
        f".map {m.name} type={m.type} key={m.key_size} value={m.value_size} "
        f"entries={m.max_entries} flags={m.flags}\n"
        for m in maps
    )
    return load_asm("".join(directives) + text + _AFTER, "maps")


def _operands(definition: MapDef, at: int, rng: random.Random) -> str:
    """The key (few bits of a byte, so that it is met again) and the value onto the stack."""
    text = f"""
        r1 = *(u8 *)(r9 + {at})
        r1 &= 7
        *(u32 *)(r10 {_KEY}) = r1
        r1 = *(u64 *)(r9 + {at})
        *(u64 *)(r10 {_VALUE}) = r1
    """
    if definition is _TRIE:  # the length of the prefix, then few bits of it
        text += f"""
            *(u32 *)(r10 {_KEY}) = {rng.choice((0, 1, 7, 8, 9, 31, 32, 33))}
            r1 &= 0xc003
            *(u32 *)(r10 {_KEY + 4}) = r1
        """
    return text


_Operation = Callable[[MapDef, random.Random], str]


def _operations(definition: MapDef) -> tuple[_Operation, ...]:
    if definition in _QUEUES:
        return (_push, _push, _take("pop"), _take("peek"))
    if definition is _RING:
        return (_output,)
    return (_lookup, _lookup, _update, _update, _delete)


def _call(definition: MapDef, helper: str, more: str = "") -> str:
    return f"""
        r1 = map[{definition.name}]
        r2 = r10
        r2 += {_KEY}
        r3 = r10
        r3 += {_VALUE}
        {more}
        call bpf_{helper}
    """


def _update(definition: MapDef, rng: random.Random) -> str:
    flags = rng.choice((0, 0, 1, 2, 3))
    return _call(definition, "map_update_elem", f"r4 = {flags}") + _FOLD


def _delete(definition: MapDef, rng: random.Random) -> str:
    return _call(definition, "map_delete_elem") + _FOLD


def _lookup(definition: MapDef, rng: random.Random) -> str:
    """Read what is found; perhaps change it, by a store or an addition."""
    changes = (
        "",
        f"r1 = *(u64 *)(r10 {_VALUE})\n*(u64 *)(r0 + 0) = r1\n",
        f"r1 = *(u64 *)(r10 {_VALUE})\nlock *(u64 *)(r0 + 0) += r1\n",
    )
    change = rng.choice(changes)
    found = "r7 = *(u64 *)(r0 + 0)\n" + change + "r0 = r7\n"
    over = found.count("\n")
    return _call(definition, "map_lookup_elem") + f"if r0 == 0 goto +{over}\n{found}{_FOLD}"


def _push(definition: MapDef, rng: random.Random) -> str:
    flags = rng.choice((0, 0, 2))  # 2: drop the oldest from a full one
    text = f"""
        r1 = map[{definition.name}]
        r2 = r10
        r2 += {_VALUE}
        r3 = {flags}
        call bpf_map_push_elem
    """
    return text + _FOLD


def _take(what: str) -> _Operation:
    def operation(definition: MapDef, rng: random.Random) -> str:
        text = f"""
            r1 = map[{definition.name}]
            r2 = r10
            r2 += {_VALUE}
            call bpf_map_{what}_elem
        """
        return text + _FOLD + f"r0 = *(u64 *)(r10 {_VALUE})\n" + _FOLD

    return operation


def _output(definition: MapDef, rng: random.Random) -> str:
    text = f"""
        r1 = map[{definition.name}]
        r2 = r10
        r2 += {_VALUE}
        r3 = {rng.choice((1, 7, 8))}
        r4 = 0
        call bpf_ringbuf_output
    """
    return text + _FOLD
