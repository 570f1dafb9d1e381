"""Which kernel bpf(2) goes to: the running one, or inside `asking` another.

What loads, fills maps and test-runs is written once.  It meets a kernel only through the few
things that a `Target` does, so that it works on a kernel in a virtual machine as well.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Protocol, TypeAlias

from bpfsmt.errors import OracleError

_NUMBERS = {
    "x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280, "ppc64le": 361,
}  # fmt: skip
"""The number of the call by architecture: the little-endian 64-bit ones of Linux."""

Buffer: TypeAlias = "ctypes.Array[ctypes.c_char]"
"""Bytes that the kernel can read and write."""


class Target(Protocol):
    """A kernel that takes bpf(2), or somebody who brings the call to one.

    Every method raises `OracleError` where the kernel cannot be reached.
    """

    @property
    def release(self) -> str:
        """Its ``uname -r``."""
        ...

    @property
    def cpus(self) -> int:
        """How many CPUs are possible: so many values has an entry of a per-CPU map."""
        ...

    @property
    def page_bytes(self) -> int:
        """The size of a page of memory."""
        ...

    def call(self, command: int, attr: ctypes.Structure) -> int:
        """The system call: its result, or minus the error number; ``attr`` is updated.

        What ``attr`` points to are buffers made by `buffer`.
        """
        ...

    def close(self, fd: int) -> None:
        """Let go of a descriptor that a call gave; raises `OSError` for one that is none."""
        ...

    def buffer(self, size: int) -> Buffer:
        """So many zeros in memory that the kernel can read and write."""
        ...

    def peek(self, fd: int, offset: int, size: int) -> bytes:
        """What lies behind a descriptor that can be mapped; ``offset`` is of whole pages."""
        ...


class Here:
    """The running kernel."""

    @property
    def release(self) -> str:
        """Its ``uname -r``."""
        return os.uname().release

    @functools.cached_property
    def cpus(self) -> int:
        """The number of possible CPUs."""
        text = Path("/sys/devices/system/cpu/possible").read_text(encoding="ascii")
        return sum(_length(part.split("-")) for part in text.strip().split(","))

    @property
    def page_bytes(self) -> int:
        """The size of a page of memory."""
        return mmap.PAGESIZE

    def call(self, command: int, attr: ctypes.Structure) -> int:
        """The system call; raises `OracleError` where there is no such call at all."""
        call, number = _system_call()
        result = call(number, command, ctypes.byref(attr), ctypes.sizeof(attr))
        return result if result >= 0 else -ctypes.get_errno()

    def close(self, fd: int) -> None:
        """close(2)."""
        os.close(fd)

    def buffer(self, size: int) -> Buffer:
        """So many zeros."""
        return (ctypes.c_char * size)()

    def peek(self, fd: int, offset: int, size: int) -> bytes:
        """What lies behind a descriptor that can be mapped."""
        with mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset) as found:
            return found[:]


def _length(ends: Iterable[str]) -> int:
    first, *last = (int(end) for end in ends)
    return last[0] - first + 1 if last else 1


@functools.cache
def _system_call() -> tuple[Callable[..., int], int]:
    number = _NUMBERS.get(platform.machine())
    if not sys.platform.startswith("linux") or sys.byteorder != "little" or number is None:
        raise OracleError(f"no bpf() on {platform.system()} {platform.machine()}")
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    return call, number


HERE = Here()
_asked: ContextVar[Target] = ContextVar("asked", default=HERE)


def target() -> Target:
    """The kernel that is asked now."""
    return _asked.get()


@contextmanager
def asking(kernel: Target) -> Iterator[None]:
    """Inside, everything in `bpfsmt.kernel` asks this kernel (in this thread).

    What is opened inside must be closed inside.
    """
    token = _asked.set(kernel)
    try:
        yield
    finally:
        _asked.reset(token)
