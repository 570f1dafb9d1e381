"""The ``.BTF.ext`` section: which source line an instruction comes from, and whether it
needs a CO-RE relocation.

Format: Documentation/bpf/btf.rst of Linux.  All positions are bytes within an ELF section.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from bpfsmt.errors import LoadError
from bpfsmt.isa.codec import SLOT_BYTES
from bpfsmt.program.btf import MAGIC, Btf

_HEADER = struct.Struct("<HBBI")
_PART = struct.Struct("<II")
_BLOCK = struct.Struct("<II")
_LINE = struct.Struct("<IIII")
_WORD = struct.Struct("<I")

_LINE_INFO, _CORE_RELO = 1, 2  # the parts, in the header's order; part 0 is func_info
_COLUMN_BITS = 10


@dataclass(frozen=True, slots=True)
class BtfExt:
    """Source lines as ``"file:line: text"`` and CO-RE positions, by section and byte."""

    lines: dict[str, dict[int, str]] = field(default_factory=dict)
    core: dict[str, frozenset[int]] = field(default_factory=dict)


def parse_btf_ext(data: bytes, btf: Btf) -> BtfExt:
    """Parse the section; `LoadError` where it is damaged."""
    lines: dict[str, dict[int, str]] = {}
    for section, record in _records(data, _LINE_INFO, _LINE.size, btf):
        offset, file_name, text, line_column = _LINE.unpack_from(record)
        if offset % SLOT_BYTES:
            raise _damaged(f"a line that begins at byte {offset}, inside an instruction")
        line = line_column >> _COLUMN_BITS
        if line:  # 0: the compiler's own instructions, which belong to no line
            where = f"{btf.string(file_name)}:{line}"
            lines.setdefault(section, {})[offset] = f"{where}: {btf.string(text).strip()}"
    core: dict[str, set[int]] = {}
    for section, record in _records(data, _CORE_RELO, _WORD.size, btf):
        core.setdefault(section, set()).add(_WORD.unpack_from(record)[0])
    return BtfExt(lines, {section: frozenset(offsets) for section, offsets in core.items()})


def _records(data: bytes, part: int, least: int, btf: Btf) -> Iterator[tuple[str, bytes]]:
    """The records of one part, each with the ELF section it speaks of.

    A part is the size of its records and then blocks, one for each section: the section's
    name, the number of records, and these.
    """
    content = _part(data, part)
    if not content:
        return
    size = _unpack(_WORD, content, 0)[0]
    if size < least:
        raise _damaged(f"records of {size} bytes instead of {least}")
    position = _WORD.size
    while position < len(content):
        name, count = _unpack(_BLOCK, content, position)
        position += _BLOCK.size
        if position + size * count > len(content):
            raise _damaged("records reach beyond the end of their part")
        section = btf.string(name)
        for _ in range(count):
            yield section, content[position : position + size]
            position += size


def _part(data: bytes, part: int) -> bytes:
    """The bytes of the numbered part; none where the header is too short to name it."""
    magic, version, _, header = _unpack(_HEADER, data, 0)
    if magic != MAGIC or version != 1:
        raise _damaged("the header is not that of version 1")
    entry = _HEADER.size + part * _PART.size
    if entry + _PART.size > header:
        return b""
    offset, length = _unpack(_PART, data, entry)
    if header + offset + length > len(data):
        raise _damaged("a part reaches beyond the end of the section")
    return data[header + offset : header + offset + length]


def _unpack(layout: struct.Struct, data: bytes, position: int) -> tuple[int, ...]:
    if position + layout.size > len(data):
        raise _damaged("cut short")
    return layout.unpack_from(data, position)


def _damaged(detail: str) -> LoadError:
    return LoadError(f"damaged .BTF.ext: {detail}")
