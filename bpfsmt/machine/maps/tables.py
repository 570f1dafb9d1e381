"""Maps that say where a packet goes on: programs, interfaces, CPUs, sockets.

Only user space fills them.  Packets are sent on by index; `bpfsmt.machine.Redirect` tells
what was found there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.machine.errno import E2BIG, EEXIST, EINVAL, ENODEV, ENOENT, EOVERFLOW
from bpfsmt.machine.maps.base import ANY, EXIST, NOEXIST, MapState, Value, bad_flags
from bpfsmt.program.program import MapDef, Program, ProgramType

_MAX_QUEUE = 16384


@dataclass(slots=True)
class Target:
    """Where an entry leads: its number (interface, CPU's queue size, socket) and the program
    that runs there, if any; ``value`` are the bytes that a lookup shows."""

    number: int
    program: Program | None
    value: Value


class ProgArrayState(MapState):
    """prog_array: programs of one type, that of the first one ever stored, for tail calls."""

    holds_bytes = False

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self._programs: dict[int, Program] = {}
        self._type: ProgramType | None = None

    def program(self, index: int) -> Program | None:
        """The program at an index."""
        return self._programs.get(index)

    def read(self, key: bytes) -> Program | int:
        """The program or -ENOENT."""
        program = self._programs.get(int.from_bytes(key, "little"))
        return ENOENT if program is None else program

    def write(self, key: bytes, value: Program, flags: int = ANY) -> int:
        """0, -EINVAL for flags or a program of another type, or -E2BIG."""
        index = int.from_bytes(key, "little")
        if flags != ANY:
            return EINVAL
        if index >= self.definition.max_entries:
            return E2BIG
        if self._type not in (None, value.type):
            return EINVAL
        self._type = value.type
        self._programs[index] = value
        return 0

    def remove(self, key: bytes) -> int:
        """0, -E2BIG or -ENOENT."""
        index = int.from_bytes(key, "little")
        if index >= self.definition.max_entries:
            return E2BIG
        return ENOENT if self._programs.pop(index, None) is None else 0

    def keys(self) -> Iterator[bytes]:
        """The indexes that have a program, ascending."""
        return (index.to_bytes(4, "little") for index in sorted(self._programs))


class TableState(MapState):
    """Where the entries are that `Target` describes; each kind of map checks its own."""

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self.writable = False
        self._targets: dict[int, Target] = {}
        self._program_ids = 0

    def target(self, index: int) -> Target | None:
        """What is at an index."""
        return self._targets.get(index)

    def targets(self) -> Iterator[tuple[int, Target]]:
        """Every entry with its index, ascending: where a broadcast goes."""
        return iter(sorted(self._targets.items()))

    def lookup(self, key: bytes, cpu: int = 0) -> Value | None:
        """The entry's bytes: its number and, in a wider value, its program's."""
        found = self._targets.get(int.from_bytes(key, "little"))
        return None if found is None else found.value

    def read(self, key: bytes) -> bytes | int:
        """The entry's bytes or -ENOENT."""
        value = self.lookup(key)
        return ENOENT if value is None else bytes(value)

    def write(
        self, key: bytes, value: bytes, flags: int = ANY, program: Program | None = None
    ) -> int:
        """Store an entry; ``program`` is run on what is sent there."""
        raise NotImplementedError

    def update(self, key: bytes, value: bytes, flags: int = ANY, cpu: int = 0) -> int:
        """As `write`, without a program."""
        return self.write(key, value, flags)

    def delete(self, key: bytes) -> int:
        """0, whether or not there was an entry; -EINVAL for an index that there is not."""
        index = int.from_bytes(key, "little")
        if index >= self.definition.max_entries:
            return EINVAL
        self._targets.pop(index, None)
        return 0

    def keys(self) -> Iterator[bytes]:
        """The indexes that have an entry, ascending."""
        return (index.to_bytes(4, "little") for index in sorted(self._targets))

    def _put(self, index: int, value: bytes, program: Program | None) -> int:
        number = int.from_bytes(value[:4], "little")
        shown = Value(value)
        if program is not None:
            self._program_ids += 1
            shown[4:8] = self._program_ids.to_bytes(4, "little")
        self._targets[index] = Target(number, program, shown)
        return 0

    def _bad_program(self, value: bytes, program: Program | None) -> bool:
        """A number in place of a program, no room for one, or one that is not for XDP."""
        if program is not None:
            return self.definition.value_size < 8 or program.type is not ProgramType.XDP
        return int.from_bytes(value[4:8], "little", signed=True) > 0


class DevmapState(TableState):
    """devmap: an interface per index; interface 0 takes the entry out."""

    def write(
        self, key: bytes, value: bytes, flags: int = ANY, program: Program | None = None
    ) -> int:
        """0, -EINVAL, -E2BIG, or -EEXIST: as in an array, every index is there already."""
        index = int.from_bytes(key, "little")
        if bad_flags(flags):
            return EINVAL
        if index >= self.definition.max_entries:
            return E2BIG
        if flags == NOEXIST:
            return EEXIST
        if self._bad_program(value, program):
            return EINVAL
        if int.from_bytes(value[:4], "little"):
            return self._put(index, value, program)
        if program is not None:
            return EINVAL
        self._targets.pop(index, None)
        return 0


class DevmapHashState(TableState):
    """devmap_hash: an interface per key."""

    def write(
        self, key: bytes, value: bytes, flags: int = ANY, program: Program | None = None
    ) -> int:
        """0, -EINVAL, -EEXIST, or -E2BIG in a full map."""
        index = int.from_bytes(key, "little")
        if bad_flags(flags) or not int.from_bytes(value[:4], "little"):
            return EINVAL
        exists = index in self._targets
        if exists and flags == NOEXIST:
            return EEXIST
        if self._bad_program(value, program):
            return EINVAL
        if not exists and len(self._targets) >= self.definition.max_entries:
            return E2BIG
        return self._put(index, value, program)

    def delete(self, key: bytes) -> int:
        """0 or -ENOENT."""
        return ENOENT if self._targets.pop(int.from_bytes(key, "little"), None) is None else 0


class CpumapState(TableState):
    """cpumap: per CPU the size of its queue; size 0 takes the entry out."""

    def write(
        self, key: bytes, value: bytes, flags: int = ANY, program: Program | None = None
    ) -> int:
        """0, -EINVAL, -E2BIG, -EEXIST, -EOVERFLOW for a queue, or -ENODEV for a CPU."""
        index, queue = int.from_bytes(key, "little"), int.from_bytes(value[:4], "little")
        if bad_flags(flags):
            return EINVAL
        if index >= self.definition.max_entries:
            return E2BIG
        if flags == NOEXIST:
            return EEXIST
        if queue > _MAX_QUEUE:
            return EOVERFLOW
        if index >= self.cpus:
            return ENODEV
        if queue == 0:
            self._targets.pop(index, None)
            return 0
        if self._bad_program(value, program):
            return EINVAL
        return self._put(index, value, program)


class XskmapState(TableState):
    """xskmap: an AF_XDP socket per index, here just a number."""

    holds_bytes = True

    def write(
        self, key: bytes, value: bytes, flags: int = ANY, program: Program | None = None
    ) -> int:
        """0, -EINVAL, -E2BIG, -EEXIST or -ENOENT."""
        index, socket = int.from_bytes(key, "little"), int.from_bytes(value[:4], "little")
        if bad_flags(flags) or program is not None:
            return EINVAL
        if index >= self.definition.max_entries:
            return E2BIG
        old = self._targets.get(index)
        if old is not None and old.number == socket:
            return 0
        if old is not None and flags == NOEXIST:
            return EEXIST
        if old is None and flags == EXIST:
            return ENOENT
        return self._put(index, value, None)
