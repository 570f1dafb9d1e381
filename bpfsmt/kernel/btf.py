"""The little BTF that a kernel asks for: names for functions, types for some maps' keys.

A compiler's BTF is not needed to verify a program, but a callback must have a function's
type, and local storage must have types for its key and value.  Format: Linux,
Documentation/bpf/btf.rst.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bpfsmt.kernel.attrs import BtfLoad, Command
from bpfsmt.kernel.syscall import address, buffer_of, checked, close
from bpfsmt.program.btf import MAGIC, Kind

_SIGNED, _CHAR_BITS = 1 << 24, 8
_STATIC = 0


@dataclass
class BtfBuilder:
    """Types one after another; each method gives the new type's id."""

    types: list[bytes] = field(default_factory=list)
    strings: bytearray = field(default_factory=lambda: bytearray(1))

    def _add(self, name: str, kind: Kind, ref: int, extra: bytes = b"", *, info: int = 0) -> int:
        offset = 0
        if name:
            offset = len(self.strings)
            self.strings += name.encode() + b"\0"
        self.types.append(struct.pack("<III", offset, kind << 24 | info, ref) + extra)
        return len(self.types)

    def integer(self, name: str, size: int, *, signed: bool = False) -> int:
        """An integer of ``size`` bytes."""
        encoding = (_SIGNED if signed else 0) | size * _CHAR_BITS
        return self._add(name, Kind.INT, size, struct.pack("<I", encoding))

    def array(self, element: int, index: int, length: int) -> int:
        """An array; ``index`` is the type of its indexes."""
        return self._add("", Kind.ARRAY, 0, struct.pack("<III", element, index, length))

    def struct_of(self, name: str, member: int, size: int) -> int:
        """A struct of ``size`` bytes with one member."""
        return self._add(name, Kind.STRUCT, size, struct.pack("<III", 0, member, 0), info=1)

    def function(self, name: str, result: int) -> int:
        """A static function without declared parameters."""
        proto = self._add("", Kind.FUNC_PROTO, result)
        return self._add(name, Kind.FUNC, proto, info=_STATIC)

    def blob(self) -> bytes:
        """The whole, as the kernel loads it."""
        types, strings = b"".join(self.types), bytes(self.strings)
        lengths = struct.pack("<IIII", 0, len(types), len(types), len(strings))
        header = struct.pack("<HBBI", MAGIC, 1, 0, 8 + len(lengths)) + lengths
        return header + types + strings


def functions_btf(names: Sequence[str]) -> tuple[bytes, list[int]]:
    """BTF with a function for each name, and their type ids.

    Names that C would not admit are replaced by ones that it does.
    """
    builder = BtfBuilder()
    result = builder.integer("int", 4, signed=True)
    ids = [builder.function(_identifier(name, n), result) for n, name in enumerate(names)]
    return builder.blob(), ids


def _identifier(name: str, number: int) -> str:
    """
    >>> _identifier("f.part.0", 3), _identifier("", 3)
    ('f_part_0', 'f3')
    """
    text = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return text if text and not text[0].isdigit() else f"f{number}{text}"


def key_value_btf(key_size: int, value_size: int) -> tuple[bytes, int, int]:
    """BTF with an integer as a map's key and bytes as its value, and their type ids."""
    builder = BtfBuilder()
    key = builder.integer("int", key_size, signed=True)
    content = builder.array(builder.integer("char", 1), key, value_size)
    value = builder.struct_of("value", content, value_size)
    return builder.blob(), key, value


@contextmanager
def loaded_btf(blob: bytes) -> Iterator[int]:
    """The BTF's file descriptor while it is needed; raises `BpfError`."""
    data = buffer_of(blob)
    fd = checked("BTF", Command.BTF_LOAD, BtfLoad(btf=address(data), btf_size=len(blob)))
    try:
        yield fd
    finally:
        close(fd)
