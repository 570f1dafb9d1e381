"""Each rule of validity fires, and says which field is wrong."""

from __future__ import annotations

import pytest

from bpfsmt.errors import DecodeError
from bpfsmt.isa import Instruction, validate

I = Instruction  # noqa: E741

BAD = [
    # what the bits cannot hold
    (I(0x100), "opcode: 256 is outside 0..255"),
    (I(0xB7, dst=16), "dst: 16 is outside 0..15"),
    (I(0xBF, src=-1), "src: -1 is outside 0..15"),
    (I(0x05, offset=1 << 15), "offset: 32768 is outside -32768..32767"),
    (I(0xB7, imm=1 << 31), "imm: 2147483648 is outside -2147483648..2147483647"),
    (I(0x18, next_imm=-(1 << 31) - 1), "next_imm: -2147483649 is outside"),
    # any instruction
    (I(0xB7, dst=11), "dst: no register r11"),
    (I(0xB7, next_imm=1), "next_imm: must be 0, is 1"),
    # arithmetic
    (I(0xE7), "opcode 0xe7: no arithmetic operation 0xe0"),
    (I(0xF4), "opcode 0xf4: no arithmetic operation 0xf0"),
    (I(0x8F), "opcode 0x8f: NEG takes no register source"),
    (I(0x8C), "opcode 0x8c: NEG takes no register source"),
    (I(0x87, src=1), "src: must be 0, is 1"),
    (I(0x87, offset=1), "offset: must be 0, is 1"),
    (I(0x87, imm=1), "imm: must be 0, is 1"),
    (I(0x0F, src=11), "src: no register r11"),
    (I(0x0F, imm=3), "imm: must be 0, is 3"),
    (I(0x07, src=3), "src: must be 0, is 3"),
    (I(0x07, offset=12), "offset: must be 0, is 12"),
    (I(0x37, offset=2), "offset: must be 0 or 1, is 2"),
    (I(0x9C, offset=-1), "offset: must be 0 or 1, is -1"),
    (I(0xBF, offset=7), "offset: must be 0 or 8 or 16 or 32, is 7"),
    (I(0xBC, offset=32), "offset: must be 0 or 8 or 16, is 32"),
    (I(0xB7, offset=8), "offset: must be 0, is 8"),
    # byte swaps
    (I(0xDF, imm=16), "opcode 0xdf: bswap has no big-endian form"),
    (I(0xD4, src=1, imm=16), "src: must be 0, is 1"),
    (I(0xD4, offset=1, imm=16), "offset: must be 0, is 1"),
    (I(0xD4, imm=8), "imm: must be 16 or 32 or 64, is 8"),
    # jumps
    (I(0xF5), "opcode 0xf5: no jump operation 0xf0"),
    (I(0x0D), "opcode 0x0d: JA takes no register source"),
    (I(0x8D), "opcode 0x8d: CALL takes no register source"),
    (I(0x9D), "opcode 0x9d: EXIT takes no register source"),
    (I(0xED), "opcode 0xed: JCOND takes no register source"),
    (I(0x86), "opcode 0x86: CALL exists in class JMP only"),
    (I(0x96), "opcode 0x96: EXIT exists in class JMP only"),
    (I(0xE6), "opcode 0xe6: JCOND exists in class JMP only"),
    (I(0x05, dst=1), "dst: must be 0, is 1"),
    (I(0x05, src=1), "src: must be 0, is 1"),
    (I(0x05, imm=1), "imm: must be 0, is 1"),
    (I(0x06, offset=1), "offset: must be 0, is 1"),
    (I(0xE5, imm=1), "imm: must be 0, is 1"),
    (I(0x1D, src=12), "src: no register r12"),
    (I(0x1D, imm=1), "imm: must be 0, is 1"),
    (I(0x16, src=1), "src: must be 0, is 1"),
    (I(0x85, dst=1), "dst: must be 0, is 1"),
    (I(0x85, src=3), "src: no kind of call 3"),
    (I(0x85, offset=1), "offset: must be 0, is 1"),
    (I(0x85, src=1, offset=1), "offset: must be 0, is 1"),
    (I(0x95, dst=1), "dst: must be 0, is 1"),
    (I(0x95, src=1), "src: must be 0, is 1"),
    (I(0x95, offset=1), "offset: must be 0, is 1"),
    (I(0x95, imm=1), "imm: must be 0, is 1"),
    # 64-bit constants and packet loads
    (I(0x18, src=7), "src: no kind of 64-bit immediate 7"),
    (I(0x18, offset=1), "offset: must be 0, is 1"),
    (I(0x18, src=1, next_imm=1), "next_imm: must be 0, is 1"),
    (I(0x18, src=4, next_imm=1), "next_imm: must be 0, is 1"),
    (I(0x18, src=5, next_imm=1), "next_imm: must be 0, is 1"),
    (I(0x00), "opcode 0x00: no such load"),
    (I(0x38), "opcode 0x38: no such load"),
    (I(0x60), "opcode 0x60: no such load"),
    (I(0x30, dst=1), "dst: must be 0, is 1"),
    (I(0x30, src=1), "src: must be 0, is 1"),
    (I(0x30, offset=1), "offset: must be 0, is 1"),
    (I(0x50, dst=1), "dst: must be 0, is 1"),
    (I(0x50, src=11), "src: no register r11"),
    # loads and stores
    (I(0x01), "opcode 0x01: no such load"),
    (I(0x99), "opcode 0x99: a 64-bit load has no sign extension"),
    (I(0x61, src=11), "src: no register r11"),
    (I(0x61, imm=1), "imm: must be 0, is 1"),
    (I(0xC2), "opcode 0xc2: no such store"),
    (I(0x62, src=1), "src: must be 0, is 1"),
    (I(0x03), "opcode 0x03: no such store"),
    (I(0x63, src=11), "src: no register r11"),
    (I(0x63, imm=1), "imm: must be 0, is 1"),
    (I(0xD3), "opcode 0xd3: atomics are 32 or 64 bits wide"),
    (I(0xDB, imm=0x10), "imm: no atomic operation 0x10"),
    (I(0xDB, imm=0xE0), "imm: no atomic operation 0xe0"),
    (I(0xC3, imm=-1), "imm: no atomic operation 0xffffffff"),
    (I(0xC3, src=11), "src: no register r11"),
]


@pytest.mark.parametrize(("insn", "message"), BAD, ids=[message for _, message in BAD])
def test_the_rule_fires(insn: Instruction, message: str) -> None:
    with pytest.raises(DecodeError) as error:
        validate(insn, pc=7)
    assert str(error.value).startswith(f"instruction 7: {message}")


def test_a_module_index_goes_with_kfunc_calls_only() -> None:
    validate(I(0x85, src=2, offset=3, imm=12))


def test_a_variable_may_name_its_btf() -> None:
    validate(I(0x18, src=3, imm=12, next_imm=5))
