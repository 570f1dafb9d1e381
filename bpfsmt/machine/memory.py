"""The machine's memory: regions far apart, so that a wild access hits none of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from struct import Struct
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from bpfsmt.machine.maps.base import MapState, Value

RegionKind = Literal["ctx", "packet", "stack", "map_value", "map", "record", "socket"]

CHUNK_BITS = 32
FIRST_CHUNK = 0xFF110000
"""High in the address space, as kernel pointers are: negative when read signed."""
FIRST_HANDLE = 0xFF010000
"""Where the maps themselves are, in the order in which an environment came to know them."""
FUNCTIONS = 0xFF000000
"""Where functions are: their addresses are handed to helpers as callbacks."""
INSIDE = 0x8000_0000
"""Where a region begins in its 4 GiB: offsets of up to 2 GiB either way stay inside."""

_U2, _U4, _U8 = Struct("<H"), Struct("<I"), Struct("<Q")
get2, get4, get8 = _U2.unpack_from, _U4.unpack_from, _U8.unpack_from
put2, put4, put8 = _U2.pack_into, _U4.pack_into, _U8.pack_into


class Fault(Exception):
    """The program did what the kernel must not let it do.

    ``pc`` is the instruction, ``what`` the deed ("read"), ``address`` and ``size`` the
    bytes touched, ``region`` the name of the region near there, or "no region", and ``kind``
    its kind.
    """

    def __init__(
        self, what: str, address: int = 0, size: int = 0, region: str = "no region", why: str = ""
    ) -> None:
        super().__init__(what)
        self.pc = -1
        self.what = what
        self.address = address
        self.size = size
        self.region = region
        self.why = why
        self.kind: RegionKind | None = None

    def __str__(self) -> str:
        touched = f" of {self.size} bytes at {self.address:#x} ({self.region})" if self.size else ""
        return f"pc {self.pc}: {self.what}{touched}{': ' if self.why else ''}{self.why}"


class Region:
    """Contiguous bytes that pointers may point into.

    ``base`` is the address of ``data[0]``.  Only offsets from ``low`` up to but not
    including ``high`` may be accessed.  ``index`` is the map's number in the program, or of
    a stack the frame's; ``owner`` is the memory in which a map's value has its address.
    """

    __slots__ = ("base", "data", "high", "index", "kind", "low", "name", "owner", "writable")

    def __init__(
        self,
        kind: RegionKind,
        base: int,
        data: bytearray,
        name: str,
        writable: bool = True,
        index: int = -1,
    ) -> None:
        self.kind: RegionKind = kind
        self.base = base
        self.data = data
        self.name = name
        self.writable = writable
        self.index = index
        self.low = 0
        self.high = len(data)
        self.owner: Memory | None = None

    @property
    def size(self) -> int:
        """All bytes, accessible or not."""
        return len(self.data)

    @property
    def end(self) -> int:
        """The address behind the last byte."""
        return self.base + len(self.data)

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.data)} bytes at {self.base:#x}>"


class View(Protocol):
    """A region whose bytes mean more than they are: its own loads and stores."""

    def load(self, address: int, at: int, size: int) -> int:
        """What a load at offset ``at`` gives; raises `Fault`."""
        ...

    def store(self, address: int, at: int, data: bytes) -> None:
        """A store at offset ``at``; raises `Fault`."""
        ...


class Memory:
    """All regions of one run, by address.

    ``handles`` are the regions of the maps themselves, by their address's upper half.

    >>> memory = Memory()
    >>> stack = memory.add("stack", bytearray(512), name="stack of frame 0")
    >>> memory.write(stack.end - 4, b"abcd")
    >>> memory.read(stack.end - 3, 2)
    b'bc'
    >>> memory.read(stack.end - 3, 4)
    Traceback (most recent call last):
    bpfsmt.machine.memory.Fault: pc -1: read of 4 bytes at 0xff110000800001fd (stack of frame \
0+509): only offsets 0..511 are accessible
    """

    def __init__(self) -> None:
        self.chunks: dict[int, Region] = {}
        self.given_up: dict[int, Region] = {}
        self.handles: Mapping[int, Region] = {}
        self._views: dict[int, View] = {}
        self._next = FIRST_CHUNK

    def add(
        self,
        kind: RegionKind,
        data: bytearray,
        name: str,
        writable: bool = True,
        index: int = -1,
    ) -> Region:
        """A new region of these very bytes, at an address that none had before."""
        chunk = self._next
        self._next = chunk + 1
        base = chunk << CHUNK_BITS | INSIDE
        region = self.chunks[chunk] = Region(kind, base, data, name, writable, index)
        return region

    def show(self, region: Region, view: View) -> None:
        """Let a view answer for a region, where that admits no access by itself."""
        self._views[region.base >> CHUNK_BITS] = view

    def attach(self, value: Value, state: MapState, index: int) -> int:
        """The address of a map's value: in one run always the same for the same value."""
        region = value.region
        if region is None:
            region = Region("map_value", 0, value, state.region_name, state.writable)
            value.region = region
        if region.owner is not self:
            region.owner, region.index = self, index
            region.base = (self._next << CHUNK_BITS) | INSIDE
            self.chunks[self._next] = region
            self._next += 1
        return region.base

    def drop(self, region: Region) -> None:
        """End a region's life: what points to it now dangles."""
        chunk = region.base >> CHUNK_BITS
        del self.chunks[chunk]
        if region.kind == "record":
            self.given_up[chunk] = region

    def region_at(self, address: int) -> Region | None:
        """The region within 2 GiB of an address, whether or not it may be accessed there."""
        chunk = address >> CHUNK_BITS
        return self.chunks.get(chunk) or self.handles.get(chunk)

    def snapshot(self) -> Memory:
        """The regions as they are now, for later questions of where an address pointed to.

        With them are the records that the program had and gave up.
        """
        frozen = Memory()
        known = {**self.given_up, **self.chunks}
        frozen.chunks = {chunk: copy.copy(region) for chunk, region in known.items()}
        frozen.handles = dict(self.handles)
        return frozen

    def find(self, address: int, size: int, *, write: bool = False) -> tuple[Region, int]:
        """The region and the offset in it of an access; raises `Fault` if it must not be."""
        region = self.chunks.get(address >> CHUNK_BITS)
        if region is not None:
            at = address - region.base
            if region.low <= at and at + size <= region.high and (region.writable or not write):
                return region, at
        raise fault_at(self.region_at(address), address, size, write)

    # Helpers ---------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        """Bytes that a helper reads; raises `Fault`."""
        if size == 0:
            return b""
        region = self.chunks.get(address >> CHUNK_BITS)
        if region is not None:
            at = address - region.base
            if region.low <= at and at + size <= region.high:
                return bytes(region.data[at : at + size])
        raise fault_at(self.region_at(address), address, size, False)

    def write(self, address: int, data: bytes) -> None:
        """Bytes that a helper writes; raises `Fault`."""
        if data:
            region, at = self.find(address, len(data), write=True)
            region.data[at : at + len(data)] = data

    # Loads and stores ------------------------------------------------------------------

    def load(self, address: int, size: int) -> int:
        """What a load gives, zero-extended; raises `Fault`."""
        region = self.chunks.get(address >> CHUNK_BITS)
        if region is not None:
            at = address - region.base
            if region.low <= at and at + size <= region.high:
                return int.from_bytes(region.data[at : at + size], "little")
            view = self._views.get(address >> CHUNK_BITS)
            if view is not None:
                return view.load(address, at, size)
        raise fault_at(self.region_at(address), address, size, False)

    def store(self, address: int, size: int, value: int) -> None:
        """Store the low ``size`` bytes of ``value``; raises `Fault`."""
        region = self.chunks.get(address >> CHUNK_BITS)
        data = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        if region is not None:
            at = address - region.base
            if region.low <= at and at + size <= region.high and region.writable:
                region.data[at : at + size] = data
                return
            view = self._views.get(address >> CHUNK_BITS)
            if view is not None:
                view.store(address, at, data)
                return
        raise fault_at(self.region_at(address), address, size, True)


def fault_at(region: Region | None, address: int, size: int, write: bool) -> Fault:
    """The fault of an access that must not be, near a region or none."""
    what = "write" if write else "read"
    if region is None:
        return Fault(what, address, size)
    at = address - region.base
    if region.kind in ("ctx", "socket"):
        why = f"a helper cannot access the {region.name}"
    elif region.low <= at and at + size <= region.high:
        why = "it is read-only"
    elif region.low < region.high:
        why = f"only offsets {region.low}..{region.high - 1} are accessible"
    else:
        why = "none of it is accessible"
    fault = Fault(what, address, size, f"{region.name}{at:+d}", why)
    fault.kind = region.kind
    return fault
