"""The machine's memory: regions far apart, so that a wild access hits none of them."""

from __future__ import annotations

from typing import Literal

RegionKind = Literal["ctx", "packet", "stack", "map_value", "map"]

_CHUNK_BITS = 32
_FIRST_CHUNK = 0xFF110000
"""High in the address space, as kernel pointers are: negative when read signed."""
_INSIDE = 0x8000_0000
"""Where a region begins in its 4 GiB: offsets of up to 2 GiB either way stay inside."""


class Fault(Exception):
    """The program did what the kernel must not let it do.

    ``pc`` is the instruction, ``what`` the deed ("read"), ``address`` and ``size`` the
    bytes touched, ``region`` the name of the region near there, or "no region".
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

    def __str__(self) -> str:
        touched = f" of {self.size} bytes at {self.address:#x} ({self.region})" if self.size else ""
        return f"pc {self.pc}: {self.what}{touched}{': ' if self.why else ''}{self.why}"


class Region:
    """Contiguous bytes that pointers may point into.

    ``base`` is the address of ``data[0]``.  Only offsets from ``low`` up to but not
    including ``high`` may be accessed.  ``index`` is the map's number, or of a stack the
    frame's; ``key`` is what a map's entry was first looked up by.
    """

    __slots__ = ("base", "data", "high", "index", "key", "kind", "low", "name", "writable")

    def __init__(
        self,
        kind: RegionKind,
        base: int,
        data: bytearray,
        *,
        name: str,
        writable: bool = True,
        index: int = -1,
        key: bytes = b"",
    ) -> None:
        self.kind: RegionKind = kind
        self.base = base
        self.data = data
        self.name = name
        self.writable = writable
        self.index = index
        self.key = key
        self.low = 0
        self.high = len(data)

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


class Memory:
    """All regions of one run, by address.

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
        self._chunks: dict[int, Region] = {}
        self._values: dict[int, Region] = {}
        self._next = _FIRST_CHUNK

    def add(
        self,
        kind: RegionKind,
        data: bytearray,
        *,
        name: str,
        writable: bool = True,
        index: int = -1,
        key: bytes = b"",
    ) -> Region:
        """A new region of these very bytes, at an address that none had before."""
        base = (self._next << _CHUNK_BITS) | _INSIDE
        region = Region(kind, base, data, name=name, writable=writable, index=index, key=key)
        self._chunks[self._next] = region
        self._next += 1
        return region

    def value(
        self, data: bytearray, *, map_name: str, index: int, key: bytes, writable: bool
    ) -> Region:
        """The region of a map's value: always the same for the same bytes."""
        region = self._values.get(id(data))
        if region is None:
            name = f"value of {map_name}"
            region = self.add("map_value", data, name=name, writable=writable, index=index, key=key)
            self._values[id(data)] = region
        return region

    def drop(self, region: Region) -> None:
        """End a region's life: what points to it now dangles."""
        del self._chunks[region.base >> _CHUNK_BITS]

    def region_at(self, address: int) -> Region | None:
        """The region within 2 GiB of an address, whether or not it may be accessed there."""
        return self._chunks.get(address >> _CHUNK_BITS)

    def find(self, address: int, size: int, *, write: bool = False) -> tuple[Region, int]:
        """The region and the offset in it of an access; raises `Fault` if it must not be."""
        region = self._chunks.get(address >> _CHUNK_BITS)
        if region is not None:
            at = address - region.base
            if region.low <= at and at + size <= region.high and (region.writable or not write):
                return region, at
        raise _fault(region, address, size, write)

    def read(self, address: int, size: int) -> bytes:
        """Bytes that a helper reads; raises `Fault`."""
        if size == 0:
            return b""
        region, at = self.find(address, size)
        if region.kind == "ctx":
            raise Fault("read", address, size, region.name, "a helper cannot read the context")
        return bytes(region.data[at : at + size])

    def write(self, address: int, data: bytes) -> None:
        """Bytes that a helper writes; raises `Fault`."""
        if data:
            region, at = self.find(address, len(data), write=True)
            region.data[at : at + len(data)] = data


def _fault(region: Region | None, address: int, size: int, write: bool) -> Fault:
    what = "write" if write else "read"
    if region is None:
        return Fault(what, address, size)
    at = address - region.base
    if region.low <= at and at + size <= region.high:
        why = "it is read-only"
    elif region.low < region.high:
        why = f"only offsets {region.low}..{region.high - 1} are accessible"
    else:
        why = "none of it is accessible"
    return Fault(what, address, size, f"{region.name}{at:+d}", why)
