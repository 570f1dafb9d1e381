"""The context that R1 points to: its fields, which of them are pointers to the packet."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

from bpfsmt.errors import BpfsmtError, UnsupportedError
from bpfsmt.machine.memory import Fault, Memory
from bpfsmt.machine.packet import Packet
from bpfsmt.machine.socket import Socket
from bpfsmt.program.program import ProgramType
from bpfsmt.semantics.context import LAYOUTS, ContextLayout, CtxField, field_after_write


class Shape(NamedTuple):
    """What contexts of one program type are like: their layout, and the fields that hold
    numbers by name."""

    type: ProgramType
    layout: ContextLayout | None
    fields: Mapping[str, CtxField]
    size: int


@functools.cache
def shape_of(type_: ProgramType) -> Shape:
    """The shape of a program type's context."""
    layout = LAYOUTS.get(type_)
    if layout is None:
        return Shape(type_, None, {}, 1)
    fields = {f.name: f for f in layout.fields if f.kind == "scalar"}
    return Shape(type_, layout, fields, layout.size)


class Context:
    """The context of one run.

    The region admits no access by itself, so that all come through `load` and `store`,
    which know the fields.  ``socket`` is the one that the packet belongs to, if any.
    """

    __slots__ = ("_fields", "data", "layout", "packet", "region", "socket", "type")

    def __init__(self, memory: Memory, shape: Shape, packet: Packet) -> None:
        self.type, self.layout, self._fields, size = shape
        self.data = bytearray(size)
        self.region = memory.add("ctx", self.data, "context")
        self.region.high = 0
        self.packet = packet
        memory.show(self.region, self)
        self.socket: Socket | None = None

    def has(self, name: str) -> bool:
        """Whether there is a field of that name that holds a number."""
        return name in self._fields

    def get(self, name: str) -> int:
        """A field's number; 0 if there is no such field."""
        f = self._fields.get(name)
        return 0 if f is None else int.from_bytes(self.data[f.offset : f.offset + f.size], "little")

    def set(self, name: str, value: int) -> None:
        """Set a field to the low bits of a number, as many as the kernel keeps; raises
        `BpfsmtError` if there is no such field."""
        f = self._fields.get(name)
        if f is None:
            raise BpfsmtError(f"the context has no scalar field {name}")
        number = value & ((1 << 8 * (f.kept or f.size)) - 1)
        self.data[f.offset : f.offset + f.size] = number.to_bytes(f.size, "little")

    def put(self, name: str, value: int) -> None:
        """As `set`, where a program of this type may not see the field at all."""
        if name in self._fields:
            self.set(name, value)

    def load(self, address: int, at: int, size: int) -> int:
        """What a program's load gives; raises `Fault`."""
        f = self._field(address, at, size, write=False)
        kind = f.kind
        if kind == "pkt":
            return self.packet.data
        if kind == "pkt_end":
            return self.packet.data_end
        if kind == "pkt_meta":
            return self.packet.data_meta
        if kind == "sock_common_or_null":
            return self.socket.region.base if self.socket is not None else 0
        if kind != "scalar":
            raise UnsupportedError(f"context fields of kind {kind} are not modelled")
        at = f.source(at, size)
        return int.from_bytes(self.data[at : at + size], "little")

    def store(self, address: int, at: int, data: bytes) -> None:
        """A program's store; raises `Fault`."""
        size = len(data)
        f = self._field(address, at, size, write=True)
        old, new = (int.from_bytes(each, "little") for each in (self.data[at : at + size], data))
        kept = field_after_write(old, new, f.mask, f.most)
        self.data[at : at + size] = kept.to_bytes(size, "little")

    def _field(self, address: int, at: int, size: int, *, write: bool) -> CtxField:
        if self.layout is None:
            raise UnsupportedError(f"the context of {self.type.value} is not modelled")
        f = self.layout.access(at, size, write=write)
        if f is None:
            what = "write" if write else "read"
            why = f"{self.layout.struct} has no such field"
            raise Fault(what, address, size, f"context{at:+d}", why)
        return f


def fields_of(type_: ProgramType, data: bytes) -> dict[str, int]:
    """The numbers in a context's bytes, by name of field."""
    return {
        name: int.from_bytes(data[f.offset : f.offset + f.size], "little")
        for name, f in shape_of(type_).fields.items()
    }
