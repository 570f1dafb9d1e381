"""Between bytes and instructions (RFC 9669, section 3).

Both directions check every instruction with `bpfsmt.isa.validate`, so that
``encode(decode(data)) == data`` and ``decode(encode(slots)) == slots`` hold for all
that is accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from struct import Struct
from typing import Literal, TypeAlias

from bpfsmt.errors import DecodeError
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.validate import validate

Slots: TypeAlias = tuple[Instruction | None, ...]
"""Instructions by slot; `None` is the second slot of the ``ld_imm64`` before it."""

ByteOrder: TypeAlias = Literal["little", "big"]
"""The byte order of the machine that the program is for."""

SLOT_BYTES = 8

# opcode, the two registers, offset, imm
_LAYOUT: dict[ByteOrder, Struct] = {"little": Struct("<BBhi"), "big": Struct(">BBhi")}


def decode(data: bytes, byteorder: ByteOrder = "little") -> Slots:
    """Decode a whole program.

    Raises `DecodeError` with one line naming the instruction (by slot) and the field.

    >>> decode(bytes.fromhex("b700000002000000 9500000000000000"))[0]
    Instruction(opcode=183, dst=0, src=0, offset=0, imm=2, next_imm=0)
    """
    whole, rest = divmod(len(data), SLOT_BYTES)
    if rest:
        raise DecodeError(f"instruction {whole}: cut short: {rest} of {SLOT_BYTES} bytes")
    slots: list[Instruction | None] = []
    while len(slots) < whole:
        pc = len(slots)
        insn = _slot(data, pc, byteorder)
        if insn.is_ld_imm64:
            insn = replace(insn, next_imm=_second_slot(data, pc, whole, byteorder))
        validate(insn, pc)
        slots += [insn] if insn.slots == 1 else [insn, None]
    return tuple(slots)


def decode_one(data: bytes, byteorder: ByteOrder = "little") -> Instruction:
    """Decode exactly one instruction: 8 bytes, or 16 for ``ld_imm64``.

    Raises `DecodeError`, also when there is no or more than one instruction.
    """
    insns = [insn for insn in decode(data, byteorder) if insn is not None]
    if len(insns) != 1:
        raise DecodeError(f"expected one instruction, found {len(insns)}")
    return insns[0]


def encode(slots: Sequence[Instruction | None], byteorder: ByteOrder = "little") -> bytes:
    """Encode a whole program given by slot, the inverse of `decode`.

    Raises `DecodeError` for an invalid instruction, and where the `None` slots do not
    sit exactly behind each ``ld_imm64``.

    >>> encode([Instruction(opcode=0xb7, imm=2), Instruction(opcode=0x95)]).hex(" ", 8)
    'b700000002000000 9500000000000000'
    """
    parts = []
    for pc, insn in enumerate(slots):
        before = slots[pc - 1] if pc else None
        if (insn is None) != (before is not None and before.is_ld_imm64):
            raise DecodeError(f"instruction {pc}: slot must be None exactly behind ld_imm64")
        if insn is not None:
            parts.append(encode_one(insn, byteorder, pc))
    if slots and (last := slots[-1]) is not None and last.is_ld_imm64:
        raise DecodeError(f"instruction {len(slots) - 1}: ld_imm64 has no second slot")
    return b"".join(parts)


def encode_one(insn: Instruction, byteorder: ByteOrder = "little", pc: int = 0) -> bytes:
    """Encode one instruction to 8 or 16 bytes; ``pc`` is only for the `DecodeError`."""
    validate(insn, pc)
    low, high = (insn.dst, insn.src) if byteorder == "little" else (insn.src, insn.dst)
    pack = _LAYOUT[byteorder].pack
    first = pack(insn.opcode, low | high << 4, insn.offset, insn.imm)
    return first + pack(0, 0, 0, insn.next_imm) if insn.is_ld_imm64 else first


def _slot(data: bytes, pc: int, byteorder: ByteOrder) -> Instruction:
    """The fields of one slot, unchecked; the register nibbles swap with the byte order."""
    opcode, regs, offset, imm = _LAYOUT[byteorder].unpack_from(data, pc * SLOT_BYTES)
    low, high = regs & 0xF, regs >> 4
    dst, src = (low, high) if byteorder == "little" else (high, low)
    return Instruction(opcode, dst, src, offset, imm)


def _second_slot(data: bytes, pc: int, whole: int, byteorder: ByteOrder) -> int:
    """The immediate of the second slot of the ``ld_imm64`` at ``pc``; all else must be 0."""
    if pc + 1 == whole:
        raise DecodeError(f"instruction {pc}: ld_imm64 has no second slot")
    second = _slot(data, pc + 1, byteorder)
    for field in ("opcode", "dst", "src", "offset"):
        value = getattr(second, field)
        if value:
            raise DecodeError(f"instruction {pc}: second slot: {field}: must be 0, is {value}")
    return second.imm
