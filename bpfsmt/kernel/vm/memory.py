"""Memory that host and guest share, at the same addresses in both.

Buffers for bpf(2) lie here: pointers mean the same on either side, nothing is copied.
"""

from __future__ import annotations

import ctypes
import mmap
import os

from bpfsmt.errors import OracleError
from bpfsmt.kernel.target import Buffer

SHARED_BYTES = 1 << 29
"""Address space, of which only what is used takes memory: enough for a log of 256 MiB."""

_ALIGN = 64


class SharedMemory:
    """A file in memory, and buffers in it, handed out one behind the other.

    ``fd`` is the file, for QEMU; ``address`` where it is mapped here.
    """

    def __init__(self, size: int = SHARED_BYTES) -> None:
        self.size = size
        self.fd = os.memfd_create("bpfsmt-shared")
        try:
            os.ftruncate(self.fd, size)
            self.map_elsewhere()
        except BaseException:
            os.close(self.fd)
            raise
        self._next = self._used = 0

    def map_elsewhere(self) -> None:
        """Choose an(other) address; buffers handed out before are no use any more."""
        # While the old one is mapped (the name keeps it), the new one is somewhere else.
        old = getattr(self, "_map", None)
        self._map = mmap.mmap(self.fd, self.size)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        del old

    def close(self) -> None:
        """Give up the file; its memory goes with the last buffer."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def clear(self) -> None:
        """All buffers are free again: for the next use."""
        self._next = 0

    def buffer(self, size: int) -> Buffer:
        """So many zeros; raises `OracleError` when the memory is full."""
        start, end = self._next, self._next + size
        if end > self.size:
            raise OracleError(f"the memory shared with the machine is full ({self.size} bytes)")
        found = (ctypes.c_char * size).from_buffer(self._map, start)
        if start < self._used:  # what was never used is zero
            ctypes.memset(found, 0, min(end, self._used) - start)
        self._next = -(-end // _ALIGN) * _ALIGN
        self._used = max(self._used, end)
        return found
