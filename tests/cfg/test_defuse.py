"""Registers read and written, for every form of instruction."""

from __future__ import annotations

import pytest

from bpfsmt.cfg import reads, registers, writes
from bpfsmt.errors import UnsupportedError
from bpfsmt.isa import Instruction, assemble

CALLER_SAVED = (0, 1, 2, 3, 4, 5)

FORMS = [
    ("r1 = r2", (2,), (1,)),
    ("w1 = w2", (2,), (1,)),
    ("r1 = (s8)r2", (2,), (1,)),
    ("r1 = 5", (), (1,)),
    ("r1 = 5 ll", (), (1,)),
    ("r1 += r2", (1, 2), (1,)),
    ("r1 += 5", (1,), (1,)),
    ("w1 s/= w2", (1, 2), (1,)),
    ("r3 ^= r3", (3,), (3,)),
    ("r1 = -r1", (1,), (1,)),
    ("r1 = be16 r1", (1,), (1,)),
    ("r1 = bswap64 r1", (1,), (1,)),
    ("r1 = *(u32 *)(r2 + 4)", (2,), (1,)),
    ("r1 = *(s8 *)(r2 + 4)", (2,), (1,)),
    ("*(u32 *)(r1 + 4) = 7", (1,), ()),
    ("*(u32 *)(r1 + 4) = r2", (1, 2), ()),
    ("r0 = *(u8 *)skb[4]", (6,), CALLER_SAVED),
    ("r0 = *(u8 *)skb[r7 + 4]", (6, 7), CALLER_SAVED),
    ("lock *(u64 *)(r1 + 0) += r2", (1, 2), ()),
    ("r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)", (1, 2), (2,)),
    ("r2 = xchg_64(r1 + 0, r2)", (1, 2), (2,)),
    ("r0 = cmpxchg_64(r1 + 0, r0, r2)", (0, 1, 2), (0,)),
    ("if r1 == 0 goto pc+0", (1,), ()),
    ("if r1 == r2 goto pc+0", (1, 2), ()),
    ("if w1 s< w2 goto pc+0", (1, 2), ()),
    ("if r1 & 4 goto pc+0", (1,), ()),
    ("goto pc+0", (), ()),
    ("gotol pc+0", (), ()),
    ("may_goto pc+0", (), ()),
    ("call 1", (1, 2, 3, 4, 5), CALLER_SAVED),
    ("call pc+0", (1, 2, 3, 4, 5), CALLER_SAVED),
    ("exit", (0,), ()),
]


@pytest.mark.parametrize(("text", "read", "written"), FORMS)
def test_form(text: str, read: tuple[int, ...], written: tuple[int, ...]) -> None:
    insn = assemble(text + "\nexit").slots[0]
    assert insn is not None
    assert registers(reads(insn)) == read
    assert registers(writes(insn)) == written


@pytest.mark.parametrize(
    "insn",
    [
        Instruction(0xE4),  # no such arithmetic
        Instruction(0xF5),  # no such jump
        Instruction(0x8D),  # call through a register
        Instruction(0x86),  # 32-bit call
        Instruction(0x96),  # 32-bit exit
        Instruction(0xDB, imm=0x30),  # no such atomic
        Instruction(0x60),  # no such load
        Instruction(0x00),  # ld_imm64 with another width
    ],
)
def test_unknown_operations_are_unsupported(insn: Instruction) -> None:
    with pytest.raises(UnsupportedError, match="unknown"):
        reads(insn)
    with pytest.raises(UnsupportedError, match="unknown"):
        writes(insn)
