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

    def struct_of(self, name: str, size: int, *members: tuple[str, int, int]) -> int:
        """A struct of ``size`` bytes with members: name, type and offset in bytes of each."""
        packed = b"".join(
            struct.pack("<III", self._string(label), member, _CHAR_BITS * offset)
            for label, member, offset in members
        )
        return self._add(name, Kind.STRUCT, size, packed, info=len(members))

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


_KERNELS = {"bpf_spin_lock": 4, "bpf_timer": 16, "bpf_wq": 16}
"""Structs that a map's value may have for the kernel to use, with their sizes."""


def describes(fields: Sequence[tuple[str, int, int]]) -> bool:
    """Whether `key_value_btf` can tell the kernel of all of these parts of a value."""
    return all(_KERNELS.get(name) == size for name, _, size in fields)


def key_value_btf(
    key_size: int, value_size: int, fields: Sequence[tuple[str, int, int]] = ()
) -> tuple[bytes, int, int]:
    """BTF of a map's key and value, and their type ids.

    The key is an integer, or bytes if there is none of that size; the value is bytes, or has
    those ``fields`` (see `MapDef`).
    """
    builder = BtfBuilder()
    number, byte = builder.integer("int", 4, signed=True), builder.integer("char", 1)
    key = number
    if key_size != 4:
        key = builder.array(byte, number, key_size)
    members = [("", builder.array(byte, number, value_size), 0)]
    if fields:
        members = [
            (f"m{n}", _kernel_struct(builder, name, number), offset)
            for n, (name, offset, _) in enumerate(fields)
        ]
    value = builder.struct_of("value", value_size, *members)
    return builder.blob(), key, value


def _kernel_struct(builder: BtfBuilder, name: str, number: int) -> int:
    content = builder.array(number, number, _KERNELS[name] // 4)
    return builder.struct_of(name, _KERNELS[name], ("content", content, 0))


@contextmanager
def loaded_btf(blob: bytes) -> Iterator[int]:
    """The BTF's file descriptor while it is needed; raises `BpfError`."""
    data = buffer_of(blob)
    fd = checked("BTF", Command.BTF_LOAD, BtfLoad(btf=address(data), btf_size=len(blob)))
    try:
        yield fd
    finally:
        close(fd)
