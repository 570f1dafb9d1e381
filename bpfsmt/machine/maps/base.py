"""What every kind of map is: the face that programs see, and the one of user space.

Operations answer as the kernel's do, with 0 or a negative error number (Linux 6.18,
``kernel/bpf/*map.c`` and ``syscall.c``); `bpfsmt.machine.UserMap` turns those of user
space into exceptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from bpfsmt.machine.errno import EEXIST, EINVAL, ENOENT, ENOTSUPP
from bpfsmt.machine.memory import Region
from bpfsmt.program.maptypes import RDONLY_PROG
from bpfsmt.program.program import MapDef, Program

if TYPE_CHECKING:
    from bpfsmt.machine.maps.perf import PerfBuffer

ANY, NOEXIST, EXIST, LOCK = 0, 1, 2, 4
"""Flags of an update: in any case, only a new key, only one that is there; under the lock."""

Content: TypeAlias = "bytes | Program | MapState | PerfBuffer"
"""What user space reads and writes: bytes, or what a descriptor would stand for."""


class Value(bytearray):
    """The bytes of one value, shared by all who looked it up; ``region`` is where a run sees
    them (made by the first lookup)."""

    __slots__ = ("region",)

    def __init__(self, content: bytes | int) -> None:
        super().__init__(content)
        self.region: Region | None = None


class MapState:
    """The content of one map.  Keys and values have the sizes of ``definition``.

    ``cpus`` is for how many CPUs a per-CPU map holds values; the operations of programs
    take the number of the CPU that they run on.
    """

    per_cpu = False
    """Whether each CPU has its own value under a key."""

    holds_bytes = True
    """Whether values are bytes: other maps hold programs, maps or perf buffers."""

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        self.definition = definition
        self.cpus = cpus
        self.writable = not (definition.frozen or definition.flags & RDONLY_PROG)
        self.region_name = f"value of {definition.name}"

    # What programs do ---------------------------------------------------------------

    def lookup(self, key: bytes, cpu: int = 0) -> Value | None:
        """The value itself, not a copy; `None` where there is none."""
        return None

    def update(self, key: bytes, value: bytes, flags: int = ANY, cpu: int = 0) -> int:
        """Store a value: 0 or a negative error number."""
        return EINVAL

    def delete(self, key: bytes) -> int:
        """Take a key out: 0 or a negative error number."""
        return EINVAL

    # What user space does -----------------------------------------------------------

    def read(self, key: bytes) -> Content | int:
        """A copy of the value (per CPU: of all, one behind the other), or an error number."""
        return ENOTSUPP

    def write(self, key: bytes, value: Any, flags: int = ANY) -> int:
        """As `update`; a value for one CPU is stored for all."""
        return self.update(key, value, flags)

    def remove(self, key: bytes) -> int:
        """As `delete`."""
        return self.delete(key)

    def take(self, key: bytes) -> bytes | int:
        """Read a value and take it out, where the kernel can do that."""
        return ENOTSUPP

    def keys(self) -> Iterator[bytes]:
        """Every key, in an order of the map's own."""
        return iter(())

    def held(self) -> Iterator[bytes]:
        """The keys under which something may be that is not all zeros, in the order of `keys`."""
        return self.keys()

    def __len__(self) -> int:
        return sum(1 for _ in self.keys())

    # Values ------------------------------------------------------------------------

    def copies(self, value: bytes) -> list[bytes]:
        """What each CPU gets of a value that user space writes, one behind the other or one
        for all."""
        size = self.definition.value_size
        if len(value) == size:
            return [value] * self.cpus
        return [value[n * size : (n + 1) * size] for n in range(self.cpus)]


def bad_flags(flags: int) -> bool:
    """Whether an update's flags are none that a map without a lock takes."""
    return flags > EXIST


def check_flags(exists: bool, flags: int) -> int:
    """-EEXIST or -ENOENT if the flags of an update forbid it, else 0 (``check_flags``)."""
    if exists:
        return EEXIST if flags == NOEXIST else 0
    return ENOENT if flags == EXIST else 0
