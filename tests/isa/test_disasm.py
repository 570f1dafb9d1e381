"""What each instruction looks like in both styles, and that the text reads back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from bpfsmt.errors import DecodeError
from bpfsmt.isa import (
    CallSrc,
    Instruction,
    LdImm64Src,
    assemble,
    decode_one,
    disassemble,
    encode_one,
    listing,
)

from .strategies import FORMS

# bytes, asm style, kernel style (as Linux prints it, without the opcode byte)
EXAMPLES = [
    ("b700000002000000", "r0 = 2", "r0 = 2"),
    ("b4010000ffffffff", "w1 = -1", "w1 = -1"),
    ("bc21000000000000", "w1 = w2", "w1 = w2"),
    ("0f10000000000000", "r0 += r1", "r0 += r1"),
    ("1701000008000000", "r1 -= 8", "r1 -= 8"),
    ("3c10010000000000", "w0 s/= w1", "w0 s/= w1"),
    ("9700010003000000", "r0 s%= 3", "r0 s%= 3"),
    ("9f10000000000000", "r0 %= r1", "r0 %= r1"),
    ("c700000020000000", "r0 s>>= 32", "r0 s>>= 32"),
    ("6f10000000000000", "r0 <<= r1", "r0 <<= r1"),
    ("8700000000000000", "r0 = -r0", "r0 = -r0"),
    ("8403000000000000", "w3 = -w3", "w3 = -w3"),
    ("d400000010000000", "r0 = le16 r0", "r0 = le16 r0"),
    ("dc00000020000000", "r0 = be32 r0", "r0 = be32 r0"),
    ("d700000040000000", "r0 = bswap64 r0", "r0 = bswap64 r0"),
    ("bf21080000000000", "r1 = (s8)r2", "r1 = (s8)r2"),
    ("bf21200000000000", "r1 = (s32)r2", "r1 = (s32)r2"),
    ("bc21100000000000", "w1 = (s16)w2", "w1 = (s16)w2"),
    ("6110040000000000", "r0 = *(u32 *)(r1 +4)", "r0 = *(u32 *)(r1 +4)"),
    ("8910feff00000000", "r0 = *(s16 *)(r1 -2)", "r0 = *(s16 *)(r1 -2)"),
    ("7b1af8ff00000000", "*(u64 *)(r10 -8) = r1", "*(u64 *)(r10 -8) = r1"),
    ("7201000007000000", "*(u8 *)(r1 +0) = 7", "*(u8 *)(r1 +0) = 7"),
    ("db21000000000000", "lock *(u64 *)(r1 +0) += r2", "lock *(u64 *)(r1 +0) += r2"),
    ("c321040050000000", "lock *(u32 *)(r1 +4) &= w2", "lock *(u32 *)(r1 +4) &= r2"),
    (
        "db21000001000000",
        "r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)",
        "r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)",
    ),
    (
        "c321000041000000",
        "w2 = atomic_fetch_or((u32 *)(r1 +0), w2)",
        "r2 = atomic_fetch_or((u32 *)(r1 +0), r2)",
    ),
    (
        "db210000e1000000",
        "r2 = atomic64_xchg((u64 *)(r1 +0), r2)",
        "r2 = atomic64_xchg((u64 *)(r1 +0), r2)",
    ),
    (
        "db210000f1000000",
        "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)",
        "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)",
    ),
    (
        "c3210000f1000000",
        "w0 = atomic_cmpxchg((u32 *)(r1 +0), w0, w2)",
        "r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)",
    ),
    ("300000000e000000", "r0 = *(u8 *)skb[14]", "r0 = *(u8 *)skb[14]"),
    ("4860000002000000", "r0 = *(u16 *)skb[r6 + 2]", "r0 = *(u16 *)skb[r6 + 2]"),
    ("40600000feffffff", "r0 = *(u32 *)skb[r6 + -2]", "r0 = *(u32 *)skb[r6 + -2]"),
    ("18010000887766550000000044332211", "r1 = 0x1122334455667788 ll", "r1 = 0x1122334455667788"),
    ("18110000030000000000000000000000", "r1 = map[#3]", "r1 = 0x3"),
    ("18210000030000000000000008000000", "r1 = map[#3][0]+8", "r1 = 0x800000003"),
    ("18310000090000000000000000000000", "r1 = var[9]", "r1 = 0x9"),
    ("18310000090000000000000002000000", "r1 = var[9]@2", "r1 = 0x200000009"),
    ("18410000fbffffff0000000000000000", "r1 = func[pc-5]", "r1 = 0xfffffffb"),
    ("18510000030000000000000000000000", "r1 = map_idx[3]", "r1 = 0x3"),
    ("186100000300000000000000fcffffff", "r1 = map_idx[3][0]-4", "r1 = 0xfffffffc00000003"),
    ("8500000001000000", "call bpf_map_lookup_elem#1", "call bpf_map_lookup_elem#1"),
    ("85000000d3000000", "call bpf_cgrp_storage_delete#211", "call bpf_cgrp_storage_delete#211"),
    ("8500000000000000", "call 0", "call bpf_unspec#0"),
    ("85000000e8030000", "call 1000", "call unknown#1000"),
    ("8510000003000000", "call pc+3", "call pc+3"),
    ("852000000c000000", "call kfunc#12", "call kernel-function#12"),
    ("852003000c000000", "call kfunc#12@3", "call kernel-function#12"),
    ("9500000000000000", "exit", "exit"),
    ("0500030000000000", "goto +3", "goto pc+3"),
    ("0600000070110100", "gotol +70000", "gotol pc+70000"),
    ("6501030005000000", "if r1 s> 5 goto +3", "if r1 s> 0x5 goto pc+3"),
    ("1e21ffff00000000", "if w1 == w2 goto -1", "if w1 == w2 goto pc-1"),
    ("1501000085ffffff", "if r1 == -123 goto +0", "if r1 == 0xffffff85 goto pc+0"),
    ("4601feff07000000", "if w1 & 0x7 goto -2", "if w1 & 0x7 goto pc-2"),
    ("45010000f0ffffff", "if r1 & -0x10 goto +0", "if r1 & 0xfffffff0 goto pc+0"),
    ("e500010000000000", "may_goto +1", "may_goto pc+1"),
]


@pytest.mark.parametrize(("data", "asm", "kernel"), EXAMPLES, ids=[asm for _, asm, _ in EXAMPLES])
def test_examples(data: str, asm: str, kernel: str) -> None:
    insn = decode_one(bytes.fromhex(data))
    assert disassemble(insn) == asm
    assert disassemble(insn, style="kernel") == f"({data[:2]}) {kernel}"
    assert assemble(asm).slots[0] == insn
    assert encode_one(insn).hex() == data


def loses_nothing(insn: Instruction) -> bool:
    """The kernel's style does not say what constants and kfunc calls refer to."""
    if insn.is_ld_imm64:
        return insn.src == LdImm64Src.IMM
    return not (insn.opcode == 0x85 and insn.src == CallSrc.KFUNC and insn.offset)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_reads_back(name: str) -> None:
    @settings(max_examples=10, deadline=None)
    @given(FORMS[name])
    def check(insn: Instruction) -> None:
        assert assemble(disassemble(insn)).slots[0] == insn
        if loses_nothing(insn):
            assert assemble(disassemble(insn, style="kernel")).slots[0] == insn
            assert assemble(listing(assemble(disassemble(insn)).slots, "kernel")).slots[0] == insn

    check()


def test_labels_replace_distances_where_the_place_is_known() -> None:
    insn = Instruction(0x05, offset=2)
    assert disassemble(insn, 4, labels={7: "out"}) == "goto out"
    assert disassemble(insn, 5, labels={7: "out"}) == "goto +2"
    assert disassemble(insn, labels={7: "out"}) == "goto +2"


def test_maps_are_named_by_index() -> None:
    insn = Instruction(0x18, 1, LdImm64Src.MAP_BY_FD, imm=1)
    assert disassemble(insn, maps=["a", "b"]) == "r1 = map[b]"
    assert disassemble(insn, maps=["a"]) == "r1 = map[#1]"
    assert disassemble(insn, maps=["a", "b"], style="kernel") == "(18) r1 = map[b]"


def test_a_listing_counts_slots() -> None:
    slots = assemble("r0 = 1 ll\nexit").slots
    assert listing(slots) == "0: r0 = 0x1 ll\n2: exit"
    assert listing(slots, "kernel") == "0: (18) r0 = 0x1\n2: (95) exit"


def test_an_invalid_instruction_has_no_text() -> None:
    with pytest.raises(DecodeError, match="instruction 4: opcode 0x8f"):
        disassemble(Instruction(0x8F), pc=4)
