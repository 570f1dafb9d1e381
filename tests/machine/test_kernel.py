"""Helpers on the machine against the running kernel: the same answer, packet and maps.

Instructions, generated programs and the compiled ones are compared in ``tests/conformance``.
"""

from __future__ import annotations

import random

import pytest

from bpfsmt.conformance import Agreement, Case, check
from bpfsmt.kernel import RunInput, available

from .programs import asm
from .texts import on_stack

pytestmark = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")


def same_answer(text: str, *inputs: RunInput) -> None:
    found = check(Case("files", "test", asm(text), inputs or (RunInput(),)))
    assert found.agreement is Agreement.SAME, (text, found.why, *map(str, found.differences))


ADJUST = """
    r6 = r1
    r2 = {delta}
    call bpf_xdp_adjust_{part}
    r1 = *(u32 *)(r6 + {first})
    r2 = *(u32 *)(r6 + {last})
    r2 -= r1
    r0 <<= 16
    r0 ^= r2
    exit
"""
DELTAS = [0, 1, 14, 50, 51, 64, -1, -4, -8, -200, -215, -216, -217, -252, 3455, 3456, 3457, 1 << 16]


@pytest.mark.parametrize(
    ("part", "first", "last"), [("head", 0, 4), ("tail", 0, 4), ("meta", 8, 0)]
)
def test_the_packet_moves_as_in_the_kernel(part: str, first: int, last: int) -> None:
    inputs = [RunInput(bytes(range(64))), RunInput(bytes(range(64)), data_meta=b"metadata")]
    for delta in DELTAS:
        same_answer(ADJUST.format(part=part, delta=delta, first=first, last=last), *inputs)


CSUM = """
    {old}
    {new}
    r1 = {old_at}
    r2 = {old_size}
    r3 = {new_at}
    r4 = {new_size}
    r5 = {seed} ll
    call bpf_csum_diff
    exit
"""


def buffer(rng: random.Random, size: int, below: int, *given: bytes) -> tuple[str, str, bytes]:
    """Lines that put bytes on the stack, what to set a register to, and the bytes."""
    data = rng.choice((bytes(64), b"\xff" * 64, rng.randbytes(64), *given))
    return on_stack(data, below), f"r10\nr{{0}} += -{below}" if size else "0", data


def test_checksums_are_those_of_the_kernel() -> None:
    """Zeros and ones, where a sum of 0 has two forms, equal buffers, and every size."""
    rng = random.Random(4)
    for _ in range(150):
        old_size, new_size = (rng.choice((0, 1, 2, 4, 8, 64, rng.randrange(65))) for _ in range(2))
        new_size = rng.choice((new_size, old_size))
        old, old_at, data = buffer(rng, old_size, 64)
        new, new_at, _ = buffer(rng, new_size, 128, data)
        text = CSUM.format(
            old=old, new=new, old_at=old_at.format(1), new_at=new_at.format(3),
            old_size=old_size, new_size=new_size,
            seed=rng.choice((0, 0, 1, 0xFFFF, 0xFFFF0000, 0xFFFFFFFF, rng.getrandbits(32))),
        )  # fmt: skip
        same_answer(text)
