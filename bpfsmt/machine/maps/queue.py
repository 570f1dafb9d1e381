"""queue and stack: values without keys, first or last in first out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from bpfsmt.machine.errno import E2BIG, EINVAL, ENOENT
from bpfsmt.machine.maps.base import ANY, EXIST, NOEXIST, MapState, bad_flags
from bpfsmt.program.program import MapDef


class QueueState(MapState):
    """Up to ``max_entries`` values; the next to come out is at the right end."""

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self._values: deque[bytes] = deque()
        self._is_stack = definition.type == "stack"

    def push(self, value: bytes, flags: int = ANY) -> int:
        """0, -EINVAL for a flag, or -E2BIG; with EXIST a full map drops its oldest value."""
        if flags & NOEXIST or bad_flags(flags):
            return EINVAL
        if len(self._values) >= self.definition.max_entries:
            if not flags & EXIST:
                return E2BIG
            self._values.popleft() if self._is_stack else self._values.pop()
        self._values.append(value) if self._is_stack else self._values.appendleft(value)
        return 0

    def peek(self) -> bytes | None:
        """The next value, which stays."""
        return self._values[-1] if self._values else None

    def pop(self) -> bytes | None:
        """The next value, which is then gone."""
        return self._values.pop() if self._values else None

    def read(self, key: bytes) -> bytes | int:
        """The next value, which stays, or -ENOENT."""
        value = self.peek()
        return ENOENT if value is None else value

    def write(self, key: bytes, value: bytes, flags: int = ANY) -> int:
        """As `push`."""
        return self.push(value, flags)

    def take(self, key: bytes) -> bytes | int:
        """The next value, which is then gone, or -ENOENT."""
        value = self.pop()
        return ENOENT if value is None else value

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[bytes]:
        """All values, in the order in which they would come out."""
        return reversed(self._values)
