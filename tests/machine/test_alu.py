"""Every arithmetic operation and compare, against a table written from RFC 9669 by hand."""

from __future__ import annotations

import pytest

from bpfsmt.isa import Instruction
from bpfsmt.machine import Inputs, run
from bpfsmt.program import Program, ProgramType

MIN64, MIN32 = 0x8000000000000000, 0x80000000
ONES = 0xFFFFFFFFFFFFFFFF
HIGH = 0xDEADBEEF00000000  # an upper half that 32-bit operations must not see


def ld64(dst: int, value: int) -> list[Instruction | None]:
    def signed(half: int) -> int:
        return half - (1 << 32) if half >> 31 else half

    low, high = signed(value & 0xFFFFFFFF), signed(value >> 32)
    return [Instruction(0x18, dst, imm=low, next_imm=high), None]


def result_of(insn: Instruction, r1: int, r2: int) -> int:
    """R1 after one instruction."""
    slots = (
        *ld64(1, r1), *ld64(2, r2), insn, Instruction(0xBF, 0, 1), Instruction(0x95),
    )  # fmt: skip
    result = run(Program("alu", ProgramType.XDP, slots), Inputs())
    assert result.outcome == "exit" and result.r0 is not None
    return result.r0


# operation bits, offset, (dst, src, 64-bit result), (dst, src, 32-bit result)
TABLE: dict[str, tuple[int, int, list[tuple[int, int, int]], list[tuple[int, int, int]]]] = {
    "add": (0x00, 0, [(1, 2, 3), (ONES, 1, 0)], [(HIGH | 1, HIGH | 2, 3), (ONES, 1, 0)]),
    "sub": (0x10, 0, [(1, 2, ONES), (0, MIN64, MIN64)], [(HIGH, 1, 0xFFFFFFFF)]),
    "mul": (
        0x20, 0,
        [(1 << 32, 1 << 32, 0), (ONES, ONES, 1), (7, 6, 42)],
        [(0x10001, 0x10001, 0x20001), (HIGH | 3, 5, 15)],
    ),
    "div": (
        0x30, 0,
        [(7, 2, 3), (7, 0, 0), (ONES, 2, (1 << 63) - 1), (MIN64, ONES, 0)],
        [(HIGH | 7, 2, 3), (7, HIGH, 0), (0xFFFFFFFF, 2, 0x7FFFFFFF)],
    ),
    "sdiv": (
        0x30, 1,
        [(ONES - 6, 2, ONES - 2), (7, ONES - 1, ONES - 2), (MIN64, ONES, MIN64), (ONES, 0, 0)],
        [(0xFFFFFFF9, 2, 0xFFFFFFFD), (MIN32, 0xFFFFFFFF, MIN32), (5, HIGH, 0)],
    ),
    "mod": (
        0x90, 0,
        [(7, 4, 3), (ONES, 0, ONES), (MIN64, 3, 2)],
        [(HIGH | 7, 4, 3), (HIGH | 9, HIGH, 9)],
    ),
    "smod": (
        0x90, 1,
        [(ONES - 6, 4, ONES - 2), (7, ONES - 3, 3), (MIN64, ONES, 0), (ONES - 6, 0, ONES - 6)],
        [(0xFFFFFFF9, 4, 0xFFFFFFFD), (MIN32, 0xFFFFFFFF, 0), (HIGH | 9, HIGH, 9)],
    ),
    "or": (0x40, 0, [(MIN64, 1, MIN64 | 1)], [(HIGH | 4, 3, 7)]),
    "and": (0x50, 0, [(ONES, MIN64, MIN64)], [(ONES, HIGH | 6, 6)]),
    "xor": (0xA0, 0, [(ONES, 1, ONES - 1)], [(HIGH | 5, 1, 4)]),
    "lsh": (
        0x60, 0,
        [(1, 63, MIN64), (1, 64, 1), (3, 65, 6), (1, ONES, MIN64)],
        [(1, 31, MIN32), (1, 32, 1), (MIN32, 1, 0), (HIGH | 1, 33, 2)],
    ),
    "rsh": (
        0x70, 0,
        [(MIN64, 63, 1), (MIN64, 64, MIN64), (ONES, 1, ONES >> 1)],
        [(HIGH | MIN32, 31, 1), (MIN32, 32, MIN32), (ONES, 4, 0x0FFFFFFF)],
    ),
    "arsh": (
        0xC0, 0,
        [(MIN64, 63, ONES), (MIN64, 64, MIN64), (MIN64 >> 1, 62, 1)],
        [(MIN32, 31, 0xFFFFFFFF), (HIGH | 0x40000000, 30, 1), (MIN32, 32, MIN32)],
    ),
    "mov": (0xB0, 0, [(1, MIN64 | 5, MIN64 | 5)], [(ONES, HIGH | 5, 5)]),
    "movsx8": (0xB0, 8, [(0, 0x80, ONES - 127), (0, 0x17F, 0x7F)], [(0, 0x80, 0xFFFFFF80)]),
    "movsx16": (0xB0, 16, [(0, 0x8000, ONES - 0x7FFF)], [(0, 0xFF8000, 0xFFFF8000)]),
    "movsx32": (0xB0, 32, [(0, MIN32, ONES - 0x7FFFFFFF), (0, HIGH | 1, 1)], []),
}  # fmt: skip

CASES = [
    pytest.param(bits | cls, offset, *case, id=f"{name}{width}-{case[0]:x}-{case[1]:x}")
    for name, (bits, offset, wide, narrow) in TABLE.items()
    for cls, width, cases in ((0x07, 64, wide), (0x04, 32, narrow))
    for case in cases
]


@pytest.mark.parametrize(("opcode", "offset", "dst", "src", "expected"), CASES)
def test_operation(opcode: int, offset: int, dst: int, src: int, expected: int) -> None:
    assert result_of(Instruction(opcode | 0x08, 1, 2, offset), dst, src) == expected
    constant = src - (1 << 64) if src >> 63 else src
    if -(1 << 31) <= constant < 1 << 31 and not (offset > 1):
        assert result_of(Instruction(opcode, 1, 0, offset, constant), dst, 0) == expected


X = 0x1122334455667788


@pytest.mark.parametrize(
    ("opcode", "bits", "expected"),
    [
        (0xD4, 16, 0x7788), (0xD4, 32, 0x55667788), (0xD4, 64, X),
        (0xDC, 16, 0x8877), (0xDC, 32, 0x88776655), (0xDC, 64, 0x8877665544332211),
        (0xD7, 16, 0x8877), (0xD7, 32, 0x88776655), (0xD7, 64, 0x8877665544332211),
    ],
)  # fmt: skip
def test_byte_order(opcode: int, bits: int, expected: int) -> None:
    assert result_of(Instruction(opcode, 1, imm=bits), X, 0) == expected


def test_negation() -> None:
    assert result_of(Instruction(0x87, 1), 1, 0) == ONES
    assert result_of(Instruction(0x87, 1), MIN64, 0) == MIN64
    assert result_of(Instruction(0x84, 1), HIGH | 1, 0) == 0xFFFFFFFF


# operation bits, dst, src, taken with 64 bits, taken with 32 bits
JUMPS = {
    "eq": (0x10, [(1, 1, True, True), (HIGH | 1, 1, False, True), (1, 2, False, False)]),
    "ne": (0x50, [(1, 1, False, False), (HIGH | 1, 1, True, False)]),
    "gt": (0x20, [(2, 1, True, True), (1, 1, False, False), (HIGH, 1, True, False)]),
    "ge": (0x30, [(1, 1, True, True), (HIGH, 1, True, False), (0, 1, False, False)]),
    "lt": (0xA0, [(1, ONES, True, True), (1, 1, False, False), (HIGH, 1, False, True)]),
    "le": (0xB0, [(1, 1, True, True), (2, 1, False, False), (HIGH, 1, False, True)]),
    "set": (0x40, [(6, 2, True, True), (5, 2, False, False), (HIGH, MIN64, True, False)]),
    "sgt": (0x60, [(0, ONES, True, True), (MIN32, 0, True, False), (MIN64, 0, False, False)]),
    "sge": (0x70, [(ONES, ONES, True, True), (MIN32, 0, True, False)]),
    "slt": (0xC0, [(ONES, 0, True, True), (MIN32, 0, False, True), (MIN64, 0, True, False)]),
    "sle": (0xD0, [(0, 0, True, True), (MIN32, 0, False, True), (1, 0, False, False)]),
}


@pytest.mark.parametrize("name", JUMPS)
def test_jump(name: str) -> None:
    bits, cases = JUMPS[name]
    for dst, src, wide, narrow in cases:
        for cls, taken in ((0x05, wide), (0x06, narrow)):
            jump = Instruction(bits | cls | 0x08, 1, 2, 1)
            slots = (
                *ld64(1, dst), *ld64(2, src), Instruction(0xB7, imm=1), jump,
                Instruction(0xB7, imm=0), Instruction(0x95),
            )  # fmt: skip
            program = Program("jump", ProgramType.XDP, slots)
            assert run(program, Inputs()).r0 == taken, (dst, src, cls)


# imm, memory before, R2 before, memory after, R2 after (None: as it was)
ATOMICS = [
    (0x00, 5, 3, 8, None), (0x01, 5, 3, 8, 5), (0x01, ONES, 1, 0, ONES),
    (0x40, 5, 3, 7, None), (0x41, 5, 3, 7, 5),
    (0x50, 5, 3, 1, None), (0x51, 5, 3, 1, 5),
    (0xA0, 5, 3, 6, None), (0xA1, 5, 3, 6, 5),
    (0xE1, 5, MIN64 | 3, MIN64 | 3, 5),
]  # fmt: skip


@pytest.mark.parametrize(("imm", "memory", "r2", "after", "fetched"), ATOMICS)
def test_atomic(imm: int, memory: int, r2: int, after: int, fetched: int | None) -> None:
    assert atomic(0xDB, imm, memory, r2) == (after, r2 if fetched is None else fetched)
    low = 0xFFFFFFFF
    rest = memory & ~low
    expected = (rest | after & low, r2 if fetched is None else fetched & low)
    assert atomic(0xC3, imm, memory, r2) == expected


def test_atomic_32_leaves_the_upper_half_alone() -> None:
    assert atomic(0xC3, 0x01, HIGH | 0xFFFFFFFF, 1) == (HIGH, 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("opcode", "memory", "r0", "after", "fetched"),
    [
        (0xDB, 5, 5, 9, 5), (0xDB, 5, HIGH | 5, 5, 5), (0xDB, HIGH, HIGH, 9, HIGH),
        (0xC3, HIGH | 5, 5, HIGH | 9, 5), (0xC3, 5, HIGH | 5, 9, 5),
        (0xC3, HIGH | 5, 6, HIGH | 5, 5),
    ],
)  # fmt: skip
def test_compare_exchange(opcode: int, memory: int, r0: int, after: int, fetched: int) -> None:
    assert atomic(opcode, 0xF1, memory, 9, r0=r0, fetched=0) == (after, fetched)


def atomic(
    opcode: int, imm: int, memory: int, r2: int, *, r0: int = 0, fetched: int = 2
) -> tuple[int, int]:
    """The eight bytes after an atomic on them, and the register that fetched."""

    def with_answer(end: tuple[Instruction, ...]) -> int:
        slots = (
            *ld64(0, r0), *ld64(1, memory), *ld64(2, r2),
            Instruction(0x7B, 10, 1, -8), Instruction(opcode, 10, 2, -8, imm),
            *end, Instruction(0x95),
        )  # fmt: skip
        result = run(Program("atomic", ProgramType.XDP, slots), Inputs())
        assert result.outcome == "exit" and result.r0 is not None
        return result.r0

    stored = with_answer((Instruction(0x79, 0, 10, -8),))
    return stored, with_answer((Instruction(0xBF, 0, fetched),))
