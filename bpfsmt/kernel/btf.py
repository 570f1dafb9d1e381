"""BTF put together type by type, for what the kernel wants to know by types.

Format: Linux, Documentation/bpf/btf.rst.
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


@dataclass
class BtfBuilder:
    """Types one after another; each method gives the new type's id."""

    types: list[bytes] = field(default_factory=list)
    strings: bytearray = field(default_factory=lambda: bytearray(1))

    def _add(self, name: str, kind: Kind, ref: int, extra: bytes = b"", *, info: int = 0) -> int:
        header = struct.pack("<III", self._string(name), kind << 24 | info, ref)
        self.types.append(header + extra)
        return len(self.types)

    def _string(self, text: str) -> int:
        if not text:
            return 0
        offset = len(self.strings)
        self.strings += text.encode() + b"\0"
        return offset

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

    def empty_struct(self, name: str, size: int) -> int:
        """A struct of which only the size is known."""
        return self._add(name, Kind.STRUCT, size)

    def pointer(self, to: int) -> int:
        """A pointer; 0 is ``void``."""
        return self._add("", Kind.PTR, to)

    def declared(self, name: str) -> int:
        """A struct that is declared and not defined."""
        return self._add(name, Kind.FWD, 0)

    def function(
        self, name: str, result: int, params: Sequence[int] = (), *, is_global: bool = False
    ) -> int:
        """A function with parameters of these types; ``result`` 0 is ``void``."""
        names = [self._string(f"p{n}") for n in range(len(params))]
        records = b"".join(struct.pack("<II", *pair) for pair in zip(names, params, strict=True))
        proto = self._add("", Kind.FUNC_PROTO, result, records, info=len(params))
        return self._add(name, Kind.FUNC, proto, info=int(is_global))

    def tag(self, function: int, param: int, text: str) -> None:
        """A tag on a function's parameter."""
        self._add(text, Kind.DECL_TAG, function, struct.pack("<i", param))

    def blob(self) -> bytes:
        """The whole, as the kernel loads it."""
        types, strings = b"".join(self.types), bytes(self.strings)
        lengths = struct.pack("<IIII", 0, len(types), len(types), len(strings))
        header = struct.pack("<HBBI", MAGIC, 1, 0, 8 + len(lengths)) + lengths
        return header + types + strings


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
