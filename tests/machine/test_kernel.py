"""Helpers on the machine against the running kernel: the same answer, packet and maps.

Instructions, generated programs and the compiled ones are compared in ``tests/conformance``.
"""

from __future__ import annotations

import random

import pytest

from bpfsmt.conformance import Agreement, Case, check
from bpfsmt.conformance.values import EDGES
from bpfsmt.kernel import RunInput, available

from .programs import asm

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
    r1 = {old} ll
    *(u64 *)(r10 - 8) = r1
    r1 = {new} ll
    *(u64 *)(r10 - 16) = r1
    r1 = r10
    r1 += -8
    r2 = {old_size}
    r3 = r10
    r3 += -16
    r4 = {new_size}
    r5 = {seed} ll
    call bpf_csum_diff
    exit
"""


def test_checksums_are_those_of_the_kernel() -> None:
    rng = random.Random(2)
    for _ in range(40):
        values = [rng.choice([*EDGES, rng.getrandbits(64)]) for _ in range(3)]
        text = CSUM.format(
            old=values[0], new=values[1], seed=values[2] & 0xFFFFFFFF,
            old_size=rng.choice((4, 8)), new_size=rng.choice((4, 8)),
        )  # fmt: skip
        same_answer(text)
