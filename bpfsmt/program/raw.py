"""Raw bytes, instruction after instruction, to one program."""

from __future__ import annotations

from collections.abc import Sequence

from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.isa.asm import is_function_reference
from bpfsmt.isa.codec import SLOT_BYTES, Slots, decode
from bpfsmt.isa.opcodes import LdImm64Src
from bpfsmt.program.link import MAX_SLOTS
from bpfsmt.program.maptypes import check_map
from bpfsmt.program.program import MapDef, Program, ProgramType

_MAP_SOURCES = (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_VALUE)


def load_raw(
    data: bytes,
    name: str,
    type: ProgramType = ProgramType.XDP,
    maps: Sequence[MapDef] = (),
) -> Program:
    """The program in ``data``, little-endian; map references are indexes into ``maps``.

    Raises `LoadError`, one line beginning with ``name``, for bytes that are no program.

    >>> len(load_raw(bytes.fromhex("b7000000020000009500000000000000"), "pass"))
    2
    """
    try:
        if not data:
            raise LoadError("empty")
        if len(data) > MAX_SLOTS * SLOT_BYTES:
            raise LoadError(f"more than {MAX_SLOTS} instructions")
        slots = decode(data)
        checked = tuple(check_map(definition) for definition in maps)
        check_map_references(slots, len(checked))
    except BpfsmtError as error:
        raise LoadError(f"{name}: {error}") from error
    return Program(name, type, slots, checked, functions=_functions(slots))


def check_map_references(slots: Slots, maps: int) -> None:
    """Raise `LoadError` unless every reference to a map is an index below ``maps``."""
    for pc, insn in enumerate(slots):
        if insn is None or not insn.is_ld_imm64 or insn.src not in _MAP_SOURCES:
            continue
        if not 0 <= insn.imm < maps:
            raise LoadError(f"instruction {pc}: refers to map {insn.imm}, and there are {maps}")


def _functions(slots: Slots) -> dict[int, str]:
    """The main function and every one that is referred to, named by its first slot."""
    starts = {
        pc + 1 + insn.imm
        for pc, insn in enumerate(slots)
        if insn is not None and is_function_reference(insn)
    }
    inside = sorted(pc for pc in starts if 0 < pc < len(slots) and slots[pc] is not None)
    return {0: "main"} | {pc: f"func_{pc}" for pc in inside}
