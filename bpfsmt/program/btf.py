"""BPF Type Format: the types, strings and variables in an object's ``.BTF`` section.

Format: Documentation/bpf/btf.rst of Linux.  Only what map definitions need is given a
meaning; the rest is stepped over by its size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from bpfsmt.errors import LoadError
from bpfsmt.program.elf import printable

MAGIC = 0xEB9F
MAX_TYPES = 1 << 17
"""More types than this are refused: an object has hundreds, a whole kernel about 150,000."""

MAX_STRING = 4096
"""Strings are cut off after so many bytes: some are whole lines of generated source."""

_MAX_DEPTH = 32  # of typedefs and arrays inside each other; a cycle ends here
_POINTER_BYTES = 8
_HEADER = struct.Struct("<HBBIIIII")
_TYPE = struct.Struct("<III")


class Kind(IntEnum):
    """The kinds of types."""

    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


# What follows the three words of a type: one record, or one for each of its members.
_ONE = {
    Kind.INT: struct.Struct("<I"),
    Kind.ARRAY: struct.Struct("<III"),
    Kind.VAR: struct.Struct("<I"),
    Kind.DECL_TAG: struct.Struct("<i"),
}
_EACH = {
    Kind.STRUCT: struct.Struct("<III"),
    Kind.UNION: struct.Struct("<III"),
    Kind.ENUM: struct.Struct("<Ii"),
    Kind.FUNC_PROTO: struct.Struct("<II"),
    Kind.DATASEC: struct.Struct("<III"),
    Kind.ENUM64: struct.Struct("<III"),
}
_SIZED = {Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FLOAT, Kind.DATASEC}
_ALIASES = {Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG}


@dataclass(frozen=True, slots=True)
class BtfType:
    """One type.  ``ref`` is its size in bytes or the id of the type it refers to, by kind.

    ``records`` are the numbers that follow: for a struct ``(name offset, type id, bit
    offset)`` for each member, for an array the one ``(element id, index id, length)``.
    """

    kind: Kind
    name: str
    ref: int
    records: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a struct or union; ``offset`` is in bits."""

    name: str
    type_id: int
    offset: int


class Btf:
    """The parsed section.  Type id 0 is ``void``."""

    def __init__(self, data: bytes) -> None:
        """Parse the whole section; `LoadError` where it is damaged."""
        types, strings = _parts(data)
        self._string = cache(lambda offset: _string(strings, offset))
        self.types = _parse_types(types, self._string)

    def string(self, offset: int) -> str:
        """The string at ``offset`` of the section's strings."""
        return self._string(offset)

    def type(self, type_id: int) -> BtfType:
        """The type of that id."""
        if not 0 < type_id <= len(self.types):
            raise _damaged(f"no type {type_id}")
        return self.types[type_id - 1]

    def resolve(self, type_id: int) -> BtfType:
        """The type without typedefs and qualifiers."""
        for _ in range(_MAX_DEPTH):
            found = self.type(type_id)
            if found.kind not in _ALIASES:
                return found
            type_id = found.ref
        raise _damaged(f"type {type_id} is nested too deeply")

    def size(self, type_id: int) -> int:
        """The size of a type in bytes.

        Raises `LoadError` for a type that has none (``void``, a function, a declaration).
        """
        count = 1
        for _ in range(_MAX_DEPTH):
            found = self.resolve(type_id)
            if found.kind is Kind.PTR:
                return count * _POINTER_BYTES
            if found.kind in _SIZED:
                return count * found.ref
            if found.kind is not Kind.ARRAY:
                raise LoadError(f"BTF type {found.name or type_id} has no size")
            type_id, _, length = found.records[0]
            count *= length
        raise _damaged(f"type {type_id} is nested too deeply")

    def members(self, struct_type: BtfType) -> tuple[Member, ...]:
        """The members of a struct or union."""
        return tuple(Member(self.string(n), t, o) for n, t, o in struct_type.records)

    def variables(self, section: str) -> dict[str, int]:
        """The type id of each variable in the named section."""
        found = {}
        for datasec in self.types:
            if datasec.kind is Kind.DATASEC and datasec.name == section:
                for type_id, _offset, _size in datasec.records:
                    variable = self.type(type_id)
                    if variable.kind is Kind.VAR:
                        found[variable.name] = variable.ref
        return found


def _damaged(detail: str) -> LoadError:
    return LoadError(f"damaged BTF: {detail}")


def _parts(data: bytes) -> tuple[bytes, bytes]:
    """The bytes of the types and of the strings."""
    if len(data) < _HEADER.size:
        raise _damaged("the header is cut short")
    magic, version, _, header, type_off, type_len, str_off, str_len = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise _damaged(f"magic is 0x{magic:x}, not 0x{MAGIC:x}")
    if version != 1:
        raise LoadError(f"BTF version is {version}, not 1")
    parts = []
    for what, offset, length in (("types", type_off, type_len), ("strings", str_off, str_len)):
        start = header + offset
        if start + length > len(data):
            raise _damaged(f"the {what} reach beyond the end of the section")
        parts.append(data[start : start + length])
    return parts[0], parts[1]


def _parse_types(data: bytes, string: Callable[[int], str]) -> list[BtfType]:
    types: list[BtfType] = []
    position = 0
    while position < len(data):
        if len(types) == MAX_TYPES:
            raise LoadError(f"more than {MAX_TYPES} BTF types")
        found, position = _parse_type(data, position, string, len(types) + 1)
        types.append(found)
    return types


def _parse_type(
    data: bytes, start: int, string: Callable[[int], str], type_id: int
) -> tuple[BtfType, int]:
    """The type at ``start`` and where the next one begins."""
    try:
        name, info, ref = _TYPE.unpack_from(data, start)
        kind = Kind(info >> 24 & 0x1F)
        position = start + _TYPE.size
        layout, count = _following(kind, info & 0xFFFF)
        end = position + layout.size * count
        records: tuple[Any, ...] = tuple(layout.iter_unpack(data[position:end])) if count else ()
    except (ValueError, struct.error):
        raise _damaged(f"type {type_id} is of no known kind or cut short") from None
    if len(records) != count:
        raise _damaged(f"type {type_id} is cut short")
    return BtfType(kind, string(name), ref, records), end


def _following(kind: Kind, members: int) -> tuple[struct.Struct, int]:
    """The layout and number of the records that follow a type."""
    if kind in _ONE:
        return _ONE[kind], 1
    return (_EACH[kind], members) if kind in _EACH else (_TYPE, 0)


def _string(strings: bytes, offset: int) -> str:
    if offset >= len(strings):
        raise _damaged("a string lies outside the section's strings")
    return printable(strings[offset : offset + MAX_STRING].split(b"\0", 1)[0])
