"""Decode and encode are inverse to each other, and total up to DecodeError."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpfsmt.errors import DecodeError
from bpfsmt.isa import Instruction, decode, decode_one, encode, encode_one
from bpfsmt.isa.codec import ByteOrder
from bpfsmt.isa.validate import problem

from .strategies import FORMS, S16, programs

# The opcodes of RFC 9669, appendix A, written out; 0xe5 is Linux's may_goto.
RFC_OPCODES = bytes.fromhex(
    "04050607 0c0f 1415161718 1c1d1e1f 20 2425262728 2c2d2e2f 30 34353637 3c3d3e3f"
    "40 44454647 48 4c4d4e4f 50 54555657 5c5d5e5f 616263 64656667 696a6b 6c6d6e6f"
    "717273 74757677 797a7b 7c7d7e7f 81 8485 87 89 91 949597 9c9f a4a5a6a7 acadaeaf"
    "b4b5b6b7 bcbdbebf c3 c4c5c6c7 cccdcecf d4d5d6d7 db dcddde e5"
)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_every_form_survives_encoding(name: str, byteorder: ByteOrder) -> None:
    @settings(max_examples=10, deadline=None)
    @given(FORMS[name])
    def check(insn: Instruction) -> None:
        data = encode_one(insn, byteorder)
        assert len(data) == 8 * insn.slots
        assert decode_one(data, byteorder) == insn
        assert encode(decode(data, byteorder), byteorder) == data

    check()


@given(programs())
def test_programs_survive_encoding(slots: tuple[Instruction | None, ...]) -> None:
    assert decode(encode(slots)) == slots


@given(st.binary(max_size=80))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    try:
        slots = decode(data)
    except DecodeError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("instruction ")
    else:
        assert encode(slots) == data


@settings(max_examples=400)
@given(
    st.sampled_from(sorted(RFC_OPCODES)),
    st.integers(0, 255),
    st.one_of(st.just(0), S16),
    st.one_of(st.just(bytes(4)), st.binary(min_size=4, max_size=4)),
    st.sampled_from([b"", bytes(8), bytes(7) + b"\xff", b"\x01" + bytes(7)]),
)
def test_almost_valid_bytes_decode_or_are_refused(
    opcode: int, regs: int, offset: int, imm: bytes, second: bytes
) -> None:
    data = bytes([opcode, regs]) + offset.to_bytes(2, "little", signed=True) + imm + second
    try:
        slots = decode(data)
    except DecodeError:
        return
    assert encode(slots) == data


def test_exactly_the_opcodes_of_the_standard_are_valid() -> None:
    """An opcode is valid if any values of the other fields make it so."""
    imms = (0, 16, 0xE1)
    valid = {
        opcode
        for opcode in range(256)
        if any(problem(Instruction(opcode, imm=imm)) is None for imm in imms)
    }
    assert valid == set(RFC_OPCODES)


def test_the_strategy_reaches_every_opcode() -> None:
    seen: set[int] = set()
    for form in FORMS.values():

        @settings(max_examples=1, database=None)
        @given(form)
        def note(insn: Instruction) -> None:
            seen.add(insn.opcode)

        note()
    assert seen == set(RFC_OPCODES)


def test_the_register_nibbles_swap_with_the_byte_order() -> None:
    """RFC 9669, section 3: destination low on little-endian, high on big-endian."""
    insn = Instruction(0x7B, dst=10, src=1, offset=-8)
    assert encode_one(insn) == bytes.fromhex("7b1af8ff00000000")
    assert encode_one(insn, "big") == bytes.fromhex("7ba1fff800000000")


def test_a_64_bit_constant_is_split_low_half_first() -> None:
    data = bytes.fromhex("1801000088776655 0000000044332211")
    assert decode(data)[0] == Instruction(0x18, 1, imm=0x55667788, next_imm=0x11223344)
    assert decode(data)[1] is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("b70000000200", "instruction 0: cut short: 6 of 8 bytes"),
        ("9500000000000000 95", "instruction 1: cut short: 1 of 8 bytes"),
        ("9500000000000000 1800000000000000", "instruction 1: ld_imm64 has no second slot"),
        (
            "1800000000000000 9500000000000000",
            "instruction 0: second slot: opcode: must be 0, is 149",
        ),
        ("1800000000000000 0001000000000000", "instruction 0: second slot: dst: must be 0, is 1"),
        ("1800000000000000 0010000000000000", "instruction 0: second slot: src: must be 0, is 1"),
        (
            "1800000000000000 0000ffff00000000",
            "instruction 0: second slot: offset: must be 0, is -1",
        ),
        ("9500000000000000 8f00000000000000", "instruction 1: opcode 0x8f: NEG takes no register"),
    ],
)
def test_bad_bytes_are_named(data: str, message: str) -> None:
    with pytest.raises(DecodeError) as error:
        decode(bytes.fromhex(data))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("slots", "message"),
    [
        ([None], "instruction 0: slot must be None exactly behind ld_imm64"),
        ([Instruction(0x95), None], "instruction 1: slot must be None exactly behind ld_imm64"),
        (
            [Instruction(0x18), Instruction(0x95)],
            "instruction 1: slot must be None exactly behind ld_imm64",
        ),
        ([Instruction(0x18)], "instruction 0: ld_imm64 has no second slot"),
        ([Instruction(0x95), Instruction(0x95, dst=1)], "instruction 1: dst: must be 0, is 1"),
    ],
)
def test_bad_slots_are_refused(slots: list[Instruction | None], message: str) -> None:
    with pytest.raises(DecodeError) as error:
        encode(slots)
    assert str(error.value) == message


@pytest.mark.parametrize("data", ["", "95000000000000009500000000000000"])
def test_decode_one_takes_exactly_one(data: str) -> None:
    with pytest.raises(DecodeError, match="expected one instruction"):
        decode_one(bytes.fromhex(data))
