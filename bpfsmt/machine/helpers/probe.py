"""Helpers that read memory which may not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.errno import EFAULT, ERANGE
from bpfsmt.machine.helpers.base import U32, Host
from bpfsmt.machine.memory import Fault

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_LONGEST_STRING = 4096
_KERNEL = 0xFFFF_8000_0000_0000
"""Where the kernel's half of the addresses begins (x86-64)."""


class ProbeHelpers(Host):
    """Kernel memory is the machine's regions; user memory is what the environment was given."""

    def kernel_bytes(self, m: Machine, address: int, size: int) -> bytes | None:
        """Bytes of the machine's memory; `None` if they are not all there."""
        try:
            return m.memory.read(address, size)
        except Fault:
            return None

    def user_bytes(self, m: Machine, address: int, size: int) -> bytes | None:
        """Bytes of the process's memory; `None` if they are not all there."""
        for base, data in self.user_memory.items():
            if base <= address and address + size <= base + len(data):
                return data[address - base : address - base + size]
        return None if size else b""

    def _probe(self, m: Machine, to: int, size: int, source: int, *, user: bool) -> int:
        size &= U32
        found = (self.user_bytes if user else self.kernel_bytes)(m, source, size)
        m.memory.write(to, bytes(size) if found is None else found)
        return _unread(source, user=user) if found is None else 0

    def bpf_probe_read_kernel(self, m: Machine, to: int, size: int, source: int, *_: int) -> int:
        """Copy: 0, or -EFAULT and zeros; -ERANGE for what is no address of the kernel."""
        return self._probe(m, to, size, source, user=False)

    def bpf_probe_read_user(self, m: Machine, to: int, size: int, source: int, *_: int) -> int:
        """Copy: 0, or -EFAULT and zeros."""
        return self._probe(m, to, size, source, user=True)

    def bpf_probe_read(self, m: Machine, to: int, size: int, source: int, *_: int) -> int:
        """Copy, from user memory if the address is in its half."""
        if source >> 63:
            return self.bpf_probe_read_kernel(m, to, size, source)
        return self.bpf_probe_read_user(m, to, size, source)

    def string_at(self, m: Machine, source: int, limit: int, *, user: bool) -> bytes | None:
        """A string without its end, at most ``limit`` bytes of it; `None` if none is there."""
        read = self.user_bytes if user else self.kernel_bytes
        found = bytearray()
        while len(found) < min(limit, _LONGEST_STRING):
            byte = read(m, source + len(found), 1)
            if byte is None:
                return None
            if byte == b"\0":
                break
            found += byte
        return bytes(found)

    def _probe_str(self, m: Machine, to: int, size: int, source: int, *, user: bool) -> int:
        """Copy a string, cut to the room: its length with the end, or an error and zeros.

        So many bytes are read as there is room for, though the last becomes the end.
        """
        size &= U32
        if size == 0:
            return 0
        found = self.string_at(m, source, size, user=user)
        if found is None:
            m.memory.write(to, bytes(size))
            return _unread(source, user=user)
        m.memory.write(to, found[: size - 1] + b"\0")
        return min(len(found) + 1, size)

    def bpf_probe_read_kernel_str(
        self, m: Machine, to: int, size: int, source: int, *_: int
    ) -> int:
        """Copy a string: its length with the end, or -EFAULT and zeros."""
        return self._probe_str(m, to, size, source, user=False)

    def bpf_probe_read_user_str(self, m: Machine, to: int, size: int, source: int, *_: int) -> int:
        """Copy a string: its length with the end, or -EFAULT and zeros."""
        return self._probe_str(m, to, size, source, user=True)

    def bpf_probe_read_str(self, m: Machine, to: int, size: int, source: int, *_: int) -> int:
        """Copy a string, from user memory if the address is in its half."""
        return self._probe_str(m, to, size, source, user=not source >> 63)


def _unread(source: int, *, user: bool) -> int:
    """The error of a read that failed (kernel ``copy_from_kernel_nofault_allowed``)."""
    return ERANGE if not user and source < _KERNEL else EFAULT
