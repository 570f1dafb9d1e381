"""Maps of maps and of programs, filled in random order here and in the running kernel."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from bpfsmt.kernel import available, load_program
from bpfsmt.kernel.maps import KernelMap
from bpfsmt.machine import Environment, UserMap
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
