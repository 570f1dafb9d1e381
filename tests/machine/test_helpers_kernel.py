"""Helpers on maps, queues, rings, loops with random arguments, as in the running kernel."""

from __future__ import annotations

import random

import pytest

from bpfsmt.kernel import RunInput, available
from bpfsmt.program import MapDef, load_asm

from .test_kernel import same_answer
from .texts import END, FOLD, START, on_stack

pytestmark = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")

KEYED = [
    MapDef("m", "array", 4, 8, 3), MapDef("m", "percpu_array", 4, 8, 3),
    MapDef("m", "hash", 4, 8, 3), MapDef("m", "hash", 4, 8, 3, flags=1),
    MapDef("m", "percpu_hash", 4, 8, 3), MapDef("m", "lru_hash", 4, 8, 6),
    MapDef("m", "lru_hash", 4, 8, 40), MapDef("m", "lru_percpu_hash", 4, 8, 10),
    MapDef("m", "lru_hash", 4, 8, 16, flags=2), MapDef("m", "lpm_trie", 8, 8, 4, flags=1),
]  # fmt: skip


def head_of(definition: MapDef) -> str:
    d = definition
    return (
        f".map {d.name} type={d.type} key={d.key_size} value={d.value_size} "
        f"entries={d.max_entries} flags={d.flags}\n"
    )


def element_call(rng: random.Random, definition: MapDef) -> str:
    most = definition.max_entries * 3 // 2 + 1
    key = rng.randint(0, most).to_bytes(4, "little")
    if definition.type == "lpm_trie":
        key = rng.choice((0, 1, 8, 24, 32, 33)).to_bytes(4, "little")
        key += bytes(rng.choice((0, 0x80)) for _ in range(4))
    lines = on_stack(key, 32) + "r1 = map[m]\nr2 = r10\nr2 += -32\n"
    kind = rng.random()
    if kind < 0.5:
        lines += on_stack(rng.randbytes(8), 16) + "r3 = r10\nr3 += -16\n"
        flags = rng.choice((0, 0, 0, 1, 2, 3, 4, 1 << 40))
        return lines + f"r4 = {flags} ll\ncall bpf_map_update_elem\n{FOLD}"
    if kind < 0.65:
        return lines + f"call bpf_map_delete_elem\n{FOLD}"
    return (
        lines
        + f"""
        call bpf_map_lookup_elem
        if r0 == 0 goto +4
        r1 = *(u64 *)(r0 + 0)
        r1 += 1
        *(u64 *)(r0 + 0) = r1
        r0 = r1
        {FOLD}
    """
    )


@pytest.mark.parametrize("definition", KEYED, ids=lambda d: f"{d.type}-{d.max_entries}-{d.flags}")
def test_elements(definition: MapDef) -> None:
    rng = random.Random(str(definition))
    for _ in range(8):
        body = "".join(element_call(rng, definition) for _ in range(25))
        same_answer(head_of(definition) + START + body + END, *[RunInput()] * 6)


@pytest.mark.parametrize("kind", ["queue", "stack"])
def test_queues(kind: str) -> None:
    rng = random.Random(kind)
    head = head_of(MapDef("m", kind, 0, 8, 3))
    for _ in range(8):
        body = ""
        for _ in range(15):
            body += on_stack(rng.randbytes(8), 16) + "r1 = map[m]\nr2 = r10\nr2 += -16\n"
            name = rng.choice(("push", "push", "pop", "peek"))
            body += f"r3 = {rng.choice((0, 0, 1, 2, 2, 3))}\n" if name == "push" else ""
            body += f"call bpf_map_{name}_elem\n{FOLD}r0 = *(u64 *)(r10 - 16)\n{FOLD}"
        same_answer(head + START + body + END, *[RunInput()] * 4)


def ring_call(rng: random.Random) -> str:
    size = rng.choice((0, 1, 7, 8, 9, 500, 1000, 4000, 4080, 4088, 4089, 5000))
    kind = rng.random()
    if kind < 0.3:
        return f"r1 = map[m]\nr2 = {rng.choice((0, 1, 2, 3, 4))}\ncall bpf_ringbuf_query\n{FOLD}"
    if kind < 0.5:
        return f"""
            r1 = map[m]
            r2 = r10
            r2 += -64
            r3 = {rng.choice((0, 1, 8, 63))}
            r4 = {rng.choice((0, 1, 2, 3, 4))}
            call bpf_ringbuf_output
            {FOLD}
        """
    end = rng.choice(("submit", "discard"))
    write = "*(u8 *)(r0 + 0) = 7\n" if size else "r2 = 0\n"
    return f"""
        r1 = map[m]
        r2 = {size}
        r3 = 0
        call bpf_ringbuf_reserve
        r8 = 0
        if r0 == 0 goto +5
        r8 = 1
        {write}
        r1 = r0
        r2 = {rng.choice((0, 1))}
        call bpf_ringbuf_{end}
        r0 = r8
        {FOLD}
    """


def test_ring_buffers() -> None:
    rng = random.Random(9)
    for _ in range(12):
        body = on_stack(bytes(range(64)), 64) + "".join(ring_call(rng) for _ in range(15))
        head = head_of(MapDef("m", "ringbuf", 0, 0, 4096))
        same_answer(head + START + body + END, RunInput())


# Callbacks, tail calls ---------------------------------------------------------------

LOOP = """
    .func main
        r9 = r1
        *(u64 *)(r10 - 8) = 0
        r1 = {count} ll
        r2 = func[f]
        r3 = r10
        r3 += -8
        r4 = 0
        call bpf_loop
        r1 = *(u64 *)(r10 - 8)
        r0 <<= 16
        r0 ^= r1
        exit
    .func f
        r3 = *(u64 *)(r2 + 0)
        r3 += r1
        *(u64 *)(r2 + 0) = r3
        r0 = 0
        if r1 != {stop} goto +1
        r0 = 1
        exit
"""


def test_loops() -> None:
    for count in (0, 1, 5, 100, (1 << 23) + 1, 1 << 33):
        same_answer(LOOP.format(count=count, stop=3))
        same_answer(LOOP.format(count=count, stop=-1))


EACH = """
    {head}
    .func main
        *(u64 *)(r10 - 8) = 0
        {fill}
        r1 = map[m]
        r2 = func[f]
        r3 = r10
        r3 += -8
        r4 = 0
        call bpf_for_each_map_elem
        r1 = *(u64 *)(r10 - 8)
        r0 <<= 16
        r0 ^= r1
        exit
    .func f
        r5 = *(u32 *)(r2 + 0)
        r0 = *(u64 *)(r3 + 0)
        r0 += r5
        r5 = *(u64 *)(r4 + 0)
        r0 += r5
        *(u64 *)(r4 + 0) = r0
        r0 = 0
        exit
"""


@pytest.mark.parametrize("kind", ["array", "percpu_array", "hash", "percpu_hash", "lru_hash"])
def test_all_elements_are_visited(kind: str) -> None:
    definition = MapDef("m", kind, 4, 8, 5)
    fill = ""
    for key in (1, 4):
        fill += on_stack(key.to_bytes(4, "little"), 32) + on_stack(bytes([key * 3]), 16)
        fill += "r1 = map[m]\nr2 = r10\nr2 += -32\nr3 = r10\nr3 += -16\nr4 = 0\n"
        fill += "call bpf_map_update_elem\n"
    same_answer(EACH.format(head=head_of(definition), fill=fill))


MTU = """
    r6 = r1
    *(u32 *)(r10 - 4) = {given}
    r2 = 0
    r3 = r10
    r3 += -4
    r4 = {delta}
    r5 = {flags}
    call bpf_check_mtu
    r0 <<= 8
    r1 = *(u32 *)(r10 - 4)
    r1 = 0
    r0 ^= r1
    exit
"""


def test_lengths_are_checked_alike() -> None:
    for given, delta, flags in ((0, 0, 0), (0, 100, 0), (100, 5, 0), (0, 0, 1), (0, 0, 2)):
        same_answer(MTU.format(given=given, delta=delta, flags=flags))


CHAIN = """
    .map t type=prog_array key=4 value=4 entries=4
    .map c type=array key=4 value=8 entries=1
    .func main
        r6 = r1
        *(u32 *)(r10 - 4) = 0
        r1 = map[c]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        r1 = *(u64 *)(r0 + 0)
        r1 += 1
        *(u64 *)(r0 + 0) = r1
        r7 = r1
        r1 = r6
        {onward}
        r0 += r7
        exit
    out:
        r0 = 0
        exit
"""
DIRECTLY = "r2 = map[t]\nr3 = {index}\ncall bpf_tail_call\nr0 = 50"
IN_A_FUNCTION = "call f\nr1 = 0\nr2 = 0"
FUNCTION = """
    .func f
        r2 = map[t]
        r3 = {index}
        call bpf_tail_call
        r0 = 100
        exit
"""


@pytest.mark.parametrize("index", [0, 1, 2, 4])
def test_tail_calls(index: int) -> None:
    """Into itself until 33 are made, into another program, to nowhere, behind the end."""
    direct = CHAIN.format(onward=DIRECTLY.format(index=index))
    nested = CHAIN.format(onward=IN_A_FUNCTION) + FUNCTION.format(index=index)
    other = load_asm("r0 = *(u32 *)(r1 + 12)\nr0 += 7000\nexit", "other")
    for text in (direct, nested):
        inputs = RunInput(programs={"t": {0: load_asm(text, "test"), 1: other}})
        same_answer(text, inputs, inputs)
