"""The machine against the running kernel: random programs must answer the same."""

from __future__ import annotations

import random

import pytest

from bpfsmt.isa import Instruction, encode
from bpfsmt.machine import Inputs, run
from bpfsmt.program import Program, ProgramType

from .kernel_run import run_in_kernel, unavailable
from .programs import asm
from .test_alu import ld64

pytestmark = pytest.mark.skipif(bool(WHY := unavailable()), reason=WHY)

PROGRAMS = 400
EDGES = [
    0, 1, 2, 7, 31, 32, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000,
    0xFFFFFFFF, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - 2,
    0xFFFFFFFF80000000, 0x1122334455667788,
]  # fmt: skip
REGS = range(10)
OPS = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xA0, 0xB0, 0xC0]
SHIFTS = (0x60, 0x70, 0xC0)
ATOMIC_OPS = [0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xA0, 0xA1, 0xE1, 0xF1]
JUMP_OPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xA0, 0xB0, 0xC0, 0xD0]


def alu(rng: random.Random) -> Instruction:
    """Any arithmetic instruction that a verifier lets pass."""
    cls = rng.choice((0x04, 0x07))
    dst = rng.choice(REGS)
    op = rng.choice([*OPS, 0x80, 0xD0])
    if op == 0x80:
        return Instruction(op | cls, dst)
    if op == 0xD0:
        order = 0 if cls == 0x07 else rng.choice((0, 8))
        return Instruction(op | cls | order, dst, imm=rng.choice((16, 32, 64)))
    offset = rng.choice((0, 1)) if op in (0x30, 0x90) else 0
    if rng.random() < 0.5:
        if op == 0xB0:
            offset = rng.choice((0, 8, 16, 32) if cls == 0x07 else (0, 8, 16))
        return Instruction(op | cls | 0x08, dst, rng.choice(REGS), offset)
    imm = rng.choice((0, 1, -1, 5, 127, -128, (1 << 31) - 1, -(1 << 31), rng.getrandbits(31)))
    if op in SHIFTS:
        imm = rng.randrange(64 if cls == 0x07 else 32)
    elif op in (0x30, 0x90):
        imm = imm or 3
    return Instruction(op | cls, dst, 0, offset, imm)


def memory(rng: random.Random) -> list[Instruction]:
    """A number goes to the stack, is changed there, and comes back."""
    size = rng.choice((0x00, 0x18))
    store = Instruction(0x7B, 10, rng.choice(REGS), -8)
    atomic = Instruction(0xC3 | size, 10, rng.choice(REGS), -8, rng.choice(ATOMIC_OPS))
    load = Instruction(rng.choice((0x79, 0x71, 0x69, 0x61, 0x91, 0x89, 0x81)), rng.choice(REGS),
                       10, -8)  # fmt: skip
    return [store, atomic, load]


def random_slots(rng: random.Random) -> list[Instruction | None]:
    slots: list[Instruction | None] = []
    for n in REGS:
        slots += ld64(n, rng.choice(EDGES) if rng.random() < 0.7 else rng.getrandbits(64))
    for _ in range(30):
        kind = rng.random()
        if kind < 0.75:
            slots.append(alu(rng))
        elif kind < 0.9:
            jump = rng.choice(JUMP_OPS) | rng.choice((0x05, 0x06)) | 0x08
            slots += [Instruction(jump, rng.choice(REGS), rng.choice(REGS), 1), alu(rng)]
        else:
            slots += memory(rng)
    return slots + folded()


def folded() -> list[Instruction | None]:
    """All registers into the 32 bits that a test run shows."""
    slots: list[Instruction | None] = []
    for n in range(1, 10):
        slots += [Instruction(0x27, 0, imm=31), Instruction(0xAF, 0, n)]  # r0 = r0 * 31 ^ rn
    slots += [Instruction(0xBF, 1), Instruction(0x77, 1, imm=32), Instruction(0xAF, 0, 1)]
    return [*slots, Instruction(0x95)]


def same_answer(slots: list[Instruction | None], packet: bytes) -> None:
    code = encode(tuple(slots))
    result = run(Program("random", ProgramType.XDP, tuple(slots)), Inputs(packet))
    assert result.r0 is not None, result
    assert result.r0 & 0xFFFFFFFF == run_in_kernel(code, packet), slots


def test_random_programs_answer_as_in_the_kernel() -> None:
    rng = random.Random(1)
    for _ in range(PROGRAMS):
        same_answer(random_slots(rng), bytes(64))


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
    for delta in DELTAS:
        text = ADJUST.format(part=part, delta=delta, first=first, last=last)
        same_answer(list(asm(text).slots), bytes(64))


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
        same_answer(list(asm(text).slots), bytes(64))
