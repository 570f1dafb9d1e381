"""Helpers of XDP programs, in random order with random arguments, as in the running kernel."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from bpfsmt.conformance import Agreement, Case, check
from bpfsmt.kernel import RunInput, available
from bpfsmt.program import load_asm

from .texts import END, FOLD, START, on_stack

pytestmark = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")

MAPS = """
    .map dev type=devmap key=4 value=4 entries=3
    .map devh type=devmap_hash key=4 value=8 entries=3
    .map cpu type=cpumap key=4 value=4 entries=2
    .map xsk type=xskmap key=4 value=4 entries=3
    .map perf type=perf_event_array key=4 value=4 entries=4
"""


def number(value: int) -> bytes:
    return value.to_bytes(4, "little")


FILLED = {
    "dev": {number(0): number(1), number(2): number(1)},
    "devh": {number(1): number(1) + bytes(4), number(7): number(1) + bytes(4)},
    "cpu": {number(0): number(192)},
}
"""Interface 1, the loopback, is everywhere; an xskmap takes open sockets alone."""


def call(name: str, *args: int | str) -> str:
    """A call with arguments that are numbers or, as text, what a register is set to."""
    lines = [
        f"r{n} = {arg}" if isinstance(arg, str) else f"r{n} = {arg} ll"
        for n, arg in enumerate(args, start=1)
    ]
    return "\n".join([*lines, f"call bpf_{name}"]) + "\n" + FOLD


def on_frame(register: int, below: int = 64) -> str:
    """An argument that points into the stack."""
    return f"r10\nr{register} += -{below}"


OFFSETS = (0, 1, 14, 48, 60, 63, 64, 100, 0xFFFF, 0x10000, 1 << 31, 0xFFFFFFFF, (1 << 32) + 1)


def copied(rng: random.Random) -> str:
    """Bytes into the packet or out of it."""
    name = rng.choice(("load", "store"))
    size = rng.choice((1, 4, 8, 16, 64))
    text = call(f"xdp_{name}_bytes", "r6", rng.choice(OFFSETS), on_frame(3), size)
    return text + f"r0 = *(u64 *)(r10 - 64)\n{FOLD}"


def measured(rng: random.Random) -> str:
    """The packet's length."""
    return call("xdp_get_buff_len", "r6")


def moved(rng: random.Random) -> str:
    """Start, end or metadata."""
    part = rng.choice(("head", "tail", "meta"))
    delta = rng.choice((0, 1, 4, 8, -1, -4, -8, -14, 20, -20, 50, -50, 51))
    return call(f"xdp_adjust_{part}", "r6", str(delta))


def sent(rng: random.Random) -> str:
    """To an interface."""
    return call("redirect", rng.choice((0, 1, 2, 7, 1 << 31)), rng.choice((0, 0, 1, 2, 1 << 40)))


def sent_by_map(rng: random.Random) -> str:
    """To what an index of a map says, or to all, or as the flags say."""
    index = rng.choice((0, 1, 2, 3, 4, 7, 0xFFFFFFFF, 1 << 32, (1 << 32) + 1))
    flags = rng.choice((0, 1, 2, 3, 4, 8, 9, 16, 24, 27, 32, 1 << 32))
    return call("redirect_map", f"map[{rng.choice(('dev', 'devh', 'cpu', 'xsk'))}]", index, flags)


def put_out(rng: random.Random) -> str:
    """A sample for user space, which does not listen."""
    flags = rng.choice((
        0, 1, 3, 4, 100, 0xFFFFFFFF, 0xFFFFFFFE, 1 << 32, 64 << 32, 65 << 32, 0xFFFFF << 32,
        (60 << 32) | 0xFFFFFFFF, 1 << 52, 1 << 63,
    ))  # fmt: skip
    return call("perf_event_output", "r6", "map[perf]", flags, on_frame(4), rng.choice((0, 1, 64)))


KINDS: tuple[Callable[[random.Random], str], ...] = (
    copied, measured, moved, sent, sent_by_map, put_out,
)  # fmt: skip


def same(body: str, rng: random.Random) -> None:
    text = MAPS + START + on_stack(rng.randbytes(64), 64) + body + END
    inputs = (
        RunInput(rng.randbytes(64)), RunInput(rng.randbytes(64), maps=FILLED),
        RunInput(rng.randbytes(100), data_meta=bytes(8)),
    )  # fmt: skip
    found = check(Case("files", "test", load_asm(text, "test"), inputs))
    assert found.agreement is Agreement.SAME, (body, found.why, *map(str, found.differences))
    assert found.pairs == 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_one_helper(kind: Callable[[random.Random], str]) -> None:
    rng = random.Random(kind.__name__)
    for _ in range(30):
        same(kind(rng), rng)


def test_many_in_any_order() -> None:
    rng = random.Random(8)
    for _ in range(60):
        same("".join(rng.choice(KINDS)(rng) for _ in range(8)), rng)
