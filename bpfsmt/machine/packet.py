"""The packet in its buffer: headroom, metadata, data, tailroom.

The layout is that of a driver's XDP buffer, and of ``BPF_PROG_TEST_RUN`` (Linux 6.18,
net/core/filter.c ``bpf_xdp_adjust_head`` and its kin): one page, of whose end the kernel
keeps 320 bytes, 256 bytes of headroom, of which it keeps the first 40 for itself.
"""

from __future__ import annotations

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine.errno import EACCES, EINVAL
from bpfsmt.machine.memory import Memory, Region

HEADROOM = 256
"""Bytes before the packet when the program starts."""

ETHERNET = 14
"""The length of an Ethernet header, which every packet keeps."""

_KEPT_HEADROOM = 40
_BUFFER = 4096 - 320
_LONGEST_META = 252


class Packet:
    """The packet's region and the three marks in it, as offsets into the buffer.

    What surrounds the packet at the start is 0.  ``bounds`` are the addresses of data_meta,
    data, data_end and of the whole buffer, for those who ask often.
    """

    __slots__ = ("_data", "_end", "_meta", "_room", "_start", "bounds", "region")

    def __init__(self, memory: Memory, packet: bytes, meta: bytes) -> None:
        begin, end = HEADROOM - len(meta), HEADROOM + len(packet)
        if begin < 0:
            raise BpfsmtError(f"metadata: {len(meta)} bytes do not fit into {HEADROOM}")
        self._room = max(_BUFFER, end)
        buffer = bytearray(self._room)
        buffer[begin:end] = meta + packet
        self.region: Region = memory.add("packet", buffer, "packet buffer")
        self._start = HEADROOM
        self._place(begin, HEADROOM, end)

    def _place(self, meta: int, data: int, end: int) -> None:
        self._meta, self._data, self._end = meta, data, end
        region = self.region
        region.low, region.high = meta, end
        base = region.base
        self.bounds = base + meta, base + data, base + end, base

    @property
    def data_meta(self) -> int:
        """The address where the metadata begins; equal to `data` if there is none."""
        return self.region.base + self._meta

    @property
    def data(self) -> int:
        """The address of the packet's first byte."""
        return self.region.base + self._data

    @property
    def data_end(self) -> int:
        """The address behind the packet's last byte."""
        return self.region.base + self._end

    def __len__(self) -> int:
        return self._end - self._data

    @property
    def content(self) -> bytes:
        """The packet as it is now."""
        return bytes(self.region.data[self._data : self._end])

    @property
    def meta(self) -> bytes:
        """The metadata in front of it as it is now."""
        if self._meta == self._data:
            return b""
        return bytes(self.region.data[self._meta : self._data])

    def at(self, offset: int, size: int) -> bytes:
        """Bytes of the packet, which must be there."""
        begin = self._data + offset
        return bytes(self.region.data[begin : begin + size])

    def put(self, offset: int, data: bytes) -> None:
        """Overwrite bytes of the packet, which must be there."""
        begin = self._data + offset
        self.region.data[begin : begin + len(data)] = data

    # XDP -------------------------------------------------------------------------------

    def adjust_head(self, delta: int) -> int:
        """Move the packet's start, metadata with it; 0 or -EINVAL."""
        meta_size = self._data - self._meta
        data = self._data + delta
        if data < _KEPT_HEADROOM + meta_size or data > self._end - ETHERNET:
            return EINVAL
        buffer = self.region.data
        buffer[data - meta_size : data] = buffer[self._meta : self._data]
        self._place(data - meta_size, data, self._end)
        return 0

    def adjust_meta(self, delta: int) -> int:
        """Move the start of the metadata; 0, -EINVAL, or -EACCES for a size that is not
        a multiple of 4 up to 252.
        """
        meta = self._meta + delta
        if meta < _KEPT_HEADROOM or meta > self._data:
            return EINVAL
        if (self._data - meta) % 4 or self._data - meta > _LONGEST_META:
            return EACCES
        self._place(meta, self._data, self._end)
        return 0

    def adjust_tail(self, delta: int) -> int:
        """Move the packet's end, new bytes being 0; 0 or -EINVAL."""
        end = self._end + delta
        if end > self._room or end < self._data + ETHERNET:
            return EINVAL
        if delta > 0:
            self.region.data[self._end : end] = bytes(delta)
        self._place(self._meta, self._data, end)
        return 0

    # Where it is -----------------------------------------------------------------------

    @property
    def marks(self) -> tuple[int, int, int]:
        """Where data_meta, data and data_end are, seen from where data was at the start."""
        return self._meta - self._start, self._data - self._start, self._end - self._start

    def force(self, meta: int, data: int, end: int) -> None:
        """Put the `marks` there, in a longer buffer if need be.

        Raises `BpfsmtError` if they are out of order or before the headroom.
        """
        if not -HEADROOM <= meta <= data <= end:
            raise BpfsmtError(f"no packet has its metadata, data and end at {meta}, {data}, {end}")
        buffer = self.region.data
        buffer.extend(bytes(max(0, self._start + end - len(buffer))))
        self._place(self._start + meta, self._start + data, self._start + end)
