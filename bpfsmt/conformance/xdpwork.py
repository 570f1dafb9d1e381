"""Random calls of the helpers that XDP programs have for their packets, with random arguments.

All answers are folded into the program's own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from bpfsmt.conformance.case import Case
from bpfsmt.conformance.folding import END, FOLD, START, on_stack
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program import load_asm

CALLS = 8
"""In one program."""

Caller: TypeAlias = Callable[[random.Random], str]
"""Makes the text of one call."""

_MAPS = """
    .map dev type=devmap key=4 value=4 entries=3
    .map devh type=devmap_hash key=4 value=8 entries=3
    .map cpu type=cpumap key=4 value=4 entries=2
    .map xsk type=xskmap key=4 value=4 entries=3
    .map perf type=perf_event_array key=4 value=4 entries=4
"""


def _number(value: int) -> bytes:
    return value.to_bytes(4, "little")


_FILLED = {
    "dev": {_number(0): _number(1), _number(2): _number(1)},
    "devh": {_number(1): _number(1) + bytes(4), _number(7): _number(1) + bytes(4)},
    "cpu": {_number(0): _number(192)},
}
"""Interface 1, the loopback, is everywhere; an xskmap takes open sockets alone."""


def _call(name: str, *args: int | str) -> str:
    """A call with arguments that are numbers or, as text, what a register is set to."""
    lines = [
        f"r{n} = {arg}" if isinstance(arg, str) else f"r{n} = {arg} ll"
        for n, arg in enumerate(args, start=1)
    ]
    return "\n".join([*lines, f"call bpf_{name}"]) + "\n" + FOLD


def _on_frame(register: int, below: int = 64) -> str:
    """An argument that points into the stack."""
    return f"r10\nr{register} += -{below}"


_OFFSETS = (0, 1, 14, 48, 60, 63, 64, 100, 0xFFFF, 0x10000, 1 << 31, 0xFFFFFFFF, (1 << 32) + 1)


def copied(rng: random.Random) -> str:
    """Bytes into the packet or out of it."""
    name = rng.choice(("load", "store"))
    size = rng.choice((1, 4, 8, 16, 64))
    text = _call(f"xdp_{name}_bytes", "r6", rng.choice(_OFFSETS), _on_frame(3), size)
    return text + f"r0 = *(u64 *)(r10 - 64)\n{FOLD}"


def measured(rng: random.Random) -> str:
    """The packet's length."""
    return _call("xdp_get_buff_len", "r6")


def moved(rng: random.Random) -> str:
    """Start, end or metadata."""
    part = rng.choice(("head", "tail", "meta"))
    delta = rng.choice((0, 1, 4, 8, -1, -4, -8, -14, 20, -20, 50, -50, 51))
    return _call(f"xdp_adjust_{part}", "r6", str(delta))


def sent(rng: random.Random) -> str:
    """To an interface."""
    return _call("redirect", rng.choice((0, 1, 2, 7, 1 << 31)), rng.choice((0, 0, 1, 2, 1 << 40)))


def sent_by_map(rng: random.Random) -> str:
    """To what an index of a map says, or to all, or as the flags say."""
    index = rng.choice((0, 1, 2, 3, 4, 7, 0xFFFFFFFF, 1 << 32, (1 << 32) + 1))
    flags = rng.choice((0, 1, 2, 3, 4, 8, 9, 16, 24, 27, 32, 1 << 32))
    return _call("redirect_map", f"map[{rng.choice(('dev', 'devh', 'cpu', 'xsk'))}]", index, flags)


def put_out(rng: random.Random) -> str:
    """A sample for user space, which does not listen."""
    flags = rng.choice((
        0, 1, 3, 4, 100, 0xFFFFFFFF, 0xFFFFFFFE, 1 << 32, 64 << 32, 65 << 32, 0xFFFFF << 32,
        (60 << 32) | 0xFFFFFFFF, 1 << 52, 1 << 63,
    ))  # fmt: skip
    return _call(
        "perf_event_output", "r6", "map[perf]", flags, _on_frame(4), rng.choice((0, 1, 64))
    )


def summed(rng: random.Random) -> str:
    """What a checksum changes by."""
    old, new = rng.randint(1, 64), rng.randint(1, 64)
    seed = rng.choice((0, 0xFFFF, 0xFFFFFFFF, rng.getrandbits(32)))
    return _call("csum_diff", _on_frame(1), old, _on_frame(3), new, seed)


KINDS: tuple[Caller, ...] = (
    copied, measured, moved, sent, sent_by_map, put_out, summed,
)  # fmt: skip


def xdp_cases(
    numbers: Iterable[int], inputs: int, seed: int, kinds: Sequence[Caller] = KINDS
) -> Iterator[Case]:
    """The programs of these numbers, each on so many packets; the same for the same seed.

    Maps are empty for the first packet, and packets after the second have metadata.
    """
    for number in numbers:
        rng = random.Random(f"xdp helpers {seed} {number}")
        body = "".join(rng.choice(kinds)(rng) for _ in range(CALLS))
        text = _MAPS + START + on_stack(rng.randbytes(64), 64) + body + END
        packets = tuple(
            RunInput(
                rng.randbytes(64 + 10 * n), data_meta=bytes(8 if n > 1 else 0),
                maps=_FILLED if n == 1 else {},
            )
            for n in range(inputs)
        )  # fmt: skip
        program = load_asm(text, "helpers")
        yield Case("helpers", f"xdp helpers {seed}.{number}", program, packets)
