"""Maps of maps and of programs, filled in random order here and in the running kernel."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from bpfsmt.conformance.check import ENGINES
from bpfsmt.kernel import available, load_program
from bpfsmt.kernel.maps import KernelMap
from bpfsmt.machine import Environment, Inputs, UserMap, run
from bpfsmt.program import MapDef

from .programs import asm
from .test_maps_kernel import FLAGS, answer

pytestmark = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")

ARRAY = MapDef("inner", "array", 4, 8, 2)
HASH = MapDef("inner", "hash", 4, 8, 2)
OTHERS = {
    "inner": [
        MapDef("same", "array", 4, 8, 2), MapDef("longer", "array", 4, 8, 3),
        MapDef("wider", "array", 4, 16, 2), MapDef("hash", "hash", 4, 8, 2),
    ],
    "hash": [
        MapDef("same", "hash", 4, 8, 2), MapDef("larger", "hash", 4, 8, 9),
        MapDef("flags", "hash", 4, 8, 2, flags=1), MapDef("keys", "hash", 8, 8, 2),
    ],
}  # fmt: skip


def compare(
    rng: random.Random,
    ours: UserMap,
    kernel: KernelMap,
    contents: list[tuple[object, int]],
    operations: int = 300,
) -> None:
    """Random updates with some content (here, and its descriptor there), deletes, lookups."""
    definition = ours.definition
    for _ in range(operations):
        key = rng.randint(0, definition.max_entries + 1).to_bytes(definition.key_size, "little")
        flags, kind = rng.choice(FLAGS), rng.random()
        content, fd = rng.choice(contents)
        pair: tuple[Callable[[], object], Callable[[], object]]
        if kind < 0.6:
            data = fd.to_bytes(4, "little")
            pair = (
                lambda: ours.update(key, content, flags),  # noqa: B023
                lambda: kernel.update(key, data, flags),  # noqa: B023
            )
        elif kind < 0.8:
            pair = (lambda: ours.delete(key), lambda: kernel.delete(key))  # noqa: B023
        else:
            pair = (
                lambda: ours.lookup(key) is None,  # noqa: B023
                lambda: kernel.lookup(key) is None,  # noqa: B023
            )
        mine, theirs = map(answer, pair)
        assert mine == theirs, (key, flags, kind, content)


@pytest.mark.parametrize("outer", ["array_of_maps", "hash_of_maps"])
@pytest.mark.parametrize("inner", [ARRAY, HASH], ids=["array", "hash"])
def test_maps_in_maps(outer: str, inner: MapDef) -> None:
    definition = MapDef("outer", outer, 4, 4, 3, inner=inner)
    env = Environment()
    contents: list[tuple[object, int]] = []
    held = []
    for other in OTHERS["inner" if inner.type == "array" else "hash"]:
        held.append(KernelMap(other))
        contents.append((env.map(other), held[-1].fd))
    with KernelMap(definition) as kernel:
        compare(random.Random(outer), env.map(definition), kernel, contents)
    for each in held:
        each.close()


def test_programs() -> None:
    definition = MapDef("table", "prog_array", 4, 4, 3)
    xdp, other = asm("r0 = 2\nexit"), asm(".type socket_filter\nr0 = 0\nexit")
    env = Environment()
    with (
        load_program(xdp) as one, load_program(other) as two, KernelMap(definition) as kernel
    ):  # fmt: skip
        ours = env.map(definition)
        ours.update(0, xdp)
        kernel.put_fd(bytes(4), one.fd)
        compare(random.Random(1), ours, kernel, [(xdp, one.fd), (xdp, one.fd), (other, two.fd)])


INSIDE = """
    .map inner type={inner} key=4 value=8 entries=2
    .map outer type={outer} key=4 value=4 entries=3 inner=inner
        r9 = 0
        {body}
        r0 = r9
        exit
"""
ONE = """
        *(u32 *)(r10 - 4) = {at}
        r1 = map[outer]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        r9 *= 31
        if r0 == 0 goto +{over}
        r9 += 1
        *(u32 *)(r10 - 4) = {key}
        *(u64 *)(r10 - 16) = {value}
        r1 = r0
        r2 = r10
        r2 += -4
        {call}
        r9 += r0
"""
LOOKED_UP = """
        call bpf_map_lookup_elem
        if r0 == 0 goto +4
        r1 = *(u64 *)(r0 + 0)
        r1 += 3
        *(u64 *)(r0 + 0) = r1
        r0 = r1
"""
UPDATED = """
        r3 = r10
        r3 += -16
        r4 = {flags}
        call bpf_map_update_elem
"""
DELETED = "call bpf_map_delete_elem"


def work_inside(rng: random.Random) -> str:
    """A lookup in the outer map, and something done with the inner one, if there is one."""
    call = rng.choice((LOOKED_UP, UPDATED.format(flags=rng.choice((0, 0, 1, 2, 3))), DELETED))
    over = 8 + len([line for line in call.splitlines() if line.strip()])
    at, key, value = rng.randint(0, 3), rng.randint(0, 2), rng.randint(1, 99)
    return ONE.format(at=at, key=key, value=value, call=call, over=over)


@pytest.mark.parametrize("outer", ["array_of_maps", "hash_of_maps"])
@pytest.mark.parametrize("inner", ["array", "hash"])
def test_programs_use_maps_in_maps(outer: str, inner: str) -> None:
    """Two entries of the outer map lead to one inner map, one to another, one nowhere."""
    rng = random.Random(outer + inner)
    shared = MapDef("shared", inner, 4, 8, 2)
    for _ in range(15):
        body = "".join(work_inside(rng) for _ in range(8))
        program = asm(INSIDE.format(inner=inner, outer=outer, body=body))
        env = Environment()
        env.load(program)
        contents = {0: shared, 1: MapDef("other", inner, 4, 8, 2), 2: shared}
        with load_program(program) as loaded, KernelMap(shared) as one, KernelMap(shared) as two:
            assert loaded.accepted, loaded.log
            for key, definition in contents.items():
                env.map("outer").update(key, env.map(definition))
                fd = one.fd if definition is shared else two.fd
                loaded.maps["outer"].put_fd(key.to_bytes(4, "little"), fd)
            for engine in ENGINES * 2:
                result = run(program, Inputs(bytes(64)), env, engine=engine)
                assert result.r0 is not None
                assert result.r0 & 0xFFFFFFFF == loaded.run(contents=False).retval, body
            assert env.map("shared").entries() == one.entries()
            assert env.map("other").entries() == two.entries()
