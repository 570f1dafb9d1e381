"""The control plane: maps as user space reads and writes them through bpf(2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine.errno import ENOENT, EPERM, errno_name
from bpfsmt.machine.maps.base import ANY, Content, MapState
from bpfsmt.machine.maps.perf import PerfBuffer, PerfEventArrayState, PerfReader
from bpfsmt.machine.maps.ringbuf import RingbufState
from bpfsmt.machine.maps.tables import TableState
from bpfsmt.program.program import MapDef, Program

_RDONLY, _WRONLY = 1 << 3, 1 << 4  # flags: what user space may not do


class MapError(BpfsmtError):
    """The kernel would say no; ``errno`` is its (positive) error number."""

    def __init__(self, what: str, number: int) -> None:
        super().__init__(f"{what}: {errno_name(number)}")
        self.errno = abs(number)


class UserMap:
    """One map in the hands of user space; programs see every change at once.

    Keys and values are bytes of the map's sizes, or numbers, which are stored in little
    endian.  A value of a per-CPU map is that of every CPU, one behind the other; one for a
    single CPU is written to all.  Raises `MapError` where the kernel gives an error, and
    `BpfsmtError` for a key or value of the wrong size.

    >>> from bpfsmt.machine import NOEXIST, Environment
    >>> counts = Environment().map(MapDef("counts", "hash", 4, 8, max_entries=2))
    >>> counts.update(7, 42)
    >>> counts.number(7), counts.lookup(8), len(counts)
    (42, None, 1)
    >>> counts.update(7, 43, NOEXIST)
    Traceback (most recent call last):
    bpfsmt.machine.maps.user.MapError: map counts: update of 07000000: EEXIST
    """

    def __init__(self, state: MapState) -> None:
        self.state = state

    @property
    def definition(self) -> MapDef:
        """Type and sizes."""
        return self.state.definition

    # Entries -------------------------------------------------------------------------

    def lookup(self, key: bytes | int = b"") -> Content | None:
        """A copy of the value, `None` where there is none.

        Of a prog_array the program, of a map of maps the inner map (as a `MapState`), of a
        queue or stack the next value, which stays.
        """
        name = self._key(key)
        self._permit(_WRONLY, "lookup", name)
        found = self.state.read(name)
        return self._found(found, "lookup", name)

    def number(self, key: bytes | int = b"") -> int | None:
        """The value as a number (of a per-CPU map: the sum), `None` where there is none."""
        value = self.lookup(key)
        if value is None:
            return None
        if not isinstance(value, bytes):
            raise BpfsmtError(f"{self._name}: its values are no numbers")
        size = self.definition.value_size
        parts = (value[at : at + size] for at in range(0, len(value), size))
        return sum(int.from_bytes(part, "little") for part in parts)

    def update(
        self, key: bytes | int, value: Any, flags: int = ANY, *, program: Program | None = None
    ) -> None:
        """Store a value.

        A prog_array takes a `Program`, a map of maps a `UserMap` or `MapState`; an entry of a
        devmap or cpumap may have a ``program`` besides, that runs on what is sent there.
        """
        name = self._key(key)
        self._permit(_RDONLY, "update", name)
        content = self._value(value)
        if isinstance(self.state, TableState):
            code = self.state.write(name, content, flags, program)
        elif program is not None:
            raise BpfsmtError(f"{self._name}: its entries have no programs")
        else:
            code = self.state.write(name, content, flags)
        self._check(code, "update", name)

    def delete(self, key: bytes | int) -> bool:
        """Take a key out; False if it was not there."""
        name = self._key(key)
        self._permit(_RDONLY, "delete", name)
        code = self.state.remove(name)
        if code == ENOENT:
            return False
        self._check(code, "delete", name)
        return True

    def take(self, key: bytes | int = b"") -> bytes | None:
        """Read a value and take it out (hashes, queues, stacks); `None` where there is none."""
        name = self._key(key)
        self._permit(_RDONLY | _WRONLY, "take", name)
        found = self._found(self.state.take(name), "take", name)
        assert found is None or isinstance(found, bytes)
        return found

    # Queues and streams ----------------------------------------------------------------

    def push(self, value: bytes | int, flags: int = ANY) -> None:
        """Put a value into a queue or onto a stack."""
        self.update(b"", value, flags)

    def pop(self) -> bytes | None:
        """Take out the next value of a queue or a stack; `None` if it is empty."""
        return self.take()

    def consume(self) -> list[bytes]:
        """Read a ring buffer: all records that are finished and not read yet."""
        if not isinstance(self.state, RingbufState):
            raise BpfsmtError(f"{self._name}: is no ring buffer")
        return self.state.consume()

    def listen(self) -> PerfReader:
        """Open the buffers of a perf_event_array for all CPUs."""
        if not isinstance(self.state, PerfEventArrayState):
            raise BpfsmtError(f"{self._name}: is no perf_event_array")
        return self.state.listen()

    # All entries -----------------------------------------------------------------------

    def keys(self) -> Iterator[bytes]:
        """Every key; of an array every index, of other indexed maps those with an entry."""
        return self.state.keys()

    def items(self, *, zeros: bool = True) -> Iterator[tuple[bytes, Content]]:
        """Every key and its value, without ``zeros`` only values that have a bit set.

        An array may have many more indexes than anybody ever asked for.
        """
        for key in self.state.keys() if zeros else self.state.held():
            value = self.state.read(key)
            if isinstance(value, int) or (isinstance(value, bytes) and not (zeros or any(value))):
                continue
            yield key, value

    def entries(self) -> dict[bytes, Content]:
        """The whole content."""
        return dict(self.items())

    def __iter__(self) -> Iterator[bytes]:
        return self.keys()

    def __len__(self) -> int:
        return len(self.state)

    # Arguments and answers ---------------------------------------------------------------

    @property
    def _name(self) -> str:
        return f"map {self.definition.name}"

    def _key(self, key: bytes | int) -> bytes:
        return self._bytes(key, (self.definition.key_size,), "key")

    def _value(self, value: Any) -> Any:
        if isinstance(value, UserMap):
            value = value.state
        if not self.state.holds_bytes:
            if isinstance(value, Program | MapState | PerfBuffer):
                return value
            raise BpfsmtError(f"{self._name}: a {self.definition.type} holds no bytes")
        if not isinstance(value, int | bytes | bytearray):
            raise BpfsmtError(f"{self._name}: a value must be bytes or a number")
        size = self.definition.value_size
        copies = self.state.cpus if self.state.per_cpu else 1
        return self._bytes(value, (size, size * copies), "value")

    def _bytes(self, content: bytes | bytearray | int, sizes: tuple[int, ...], what: str) -> bytes:
        if isinstance(content, int):
            if not 0 <= content < 1 << 8 * sizes[0]:
                raise BpfsmtError(f"{self._name}: {content} is no {what} of {sizes[0]} bytes")
            return content.to_bytes(sizes[0], "little")
        if len(content) not in sizes:
            expected = " or ".join(str(size) for size in dict.fromkeys(sizes))
            raise BpfsmtError(f"{self._name}: a {what} of {len(content)} bytes, not {expected}")
        return bytes(content)

    def _permit(self, forbidden: int, what: str, key: bytes) -> None:
        frozen = self.definition.frozen and forbidden & _RDONLY
        if frozen or self.definition.flags & forbidden:
            raise MapError(f"{self._name}: {what} of {key.hex()}", EPERM)

    def _found(self, found: Content | int, what: str, key: bytes) -> Content | None:
        if not isinstance(found, int):
            return found
        if found != ENOENT:
            self._check(found, what, key)
        return None

    def _check(self, code: int, what: str, key: bytes) -> None:
        if code:
            raise MapError(f"{self._name}: {what}{f' of {key.hex()}' if key else ''}", code)
