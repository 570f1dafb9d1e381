"""ringbuf: records that programs write and user space reads in the order of reservation."""

from __future__ import annotations

from collections import deque

from bpfsmt.machine.errno import EAGAIN, EINVAL
from bpfsmt.machine.maps.base import MapState, Value
from bpfsmt.program.program import MapDef

NO_WAKEUP, FORCE_WAKEUP = 1, 2
AVAIL_DATA, RING_SIZE, CONS_POS, PROD_POS = range(4)

_HEADER = 8
_MAX_RECORD = 0xFFFFFFFF // 4
_PAGE = 4096


class Record(Value):
    """One record's bytes; ``busy`` until it is submitted or discarded."""

    __slots__ = ("busy", "discarded", "room")

    def __init__(self, size: int, room: int) -> None:
        super().__init__(size)
        self.room = room
        self.busy = True
        self.discarded = False


class RingbufState(MapState):
    """Positions count bytes since the beginning, each record's header included.

    The size is the definition's, rounded up to a power of two of whole pages (libbpf).
    """

    def __init__(self, definition: MapDef, cpus: int = 1) -> None:
        super().__init__(definition, cpus)
        self.size = max(_PAGE, 1 << (definition.max_entries - 1).bit_length())
        self.region_name = f"record of {definition.name}"
        self.consumer = self.producer = 0
        self._records: deque[Record] = deque()

    def reserve(self, size: int) -> Record | None:
        """A new record, or `None` if there is no room for it."""
        room = -(-(size + _HEADER) // 8) * 8
        if size > _MAX_RECORD or room > self.size:
            return None
        end = self.producer + room
        # Neither what was not read yet nor what was not finished yet may be overtaken.
        if end - self.consumer >= self.size or end - self._pending() >= self.size:
            return None
        self.producer = end
        record = Record(size, room)
        self._records.append(record)
        return record

    def _pending(self) -> int:
        """The position of the oldest record that is not finished."""
        position = self.consumer
        for record in self._records:
            if record.busy:
                break
            position += record.room
        return position

    def commit(self, record: Record, *, discard: bool) -> None:
        """Finish a record: user space sees it, or skips it."""
        record.busy, record.discarded = False, discard

    def output(self, data: bytes, flags: int) -> int:
        """Copy a whole record in: 0, -EINVAL for flags, -EAGAIN if there is no room."""
        if flags & ~(NO_WAKEUP | FORCE_WAKEUP):
            return EINVAL
        record = self.reserve(len(data))
        if record is None:
            return EAGAIN
        record[:] = data
        self.commit(record, discard=False)
        return 0

    def query(self, what: int) -> int:
        """AVAIL_DATA, RING_SIZE, CONS_POS or PROD_POS; 0 for anything else."""
        answers = (self.producer - self.consumer, self.size, self.consumer, self.producer)
        return answers[what] if what < len(answers) else 0

    def consume(self) -> list[bytes]:
        """What user space reads: all finished records before the first unfinished one."""
        found = []
        while self._records and not self._records[0].busy:
            record = self._records.popleft()
            self.consumer += record.room
            if not record.discarded:
                found.append(bytes(record))
        return found

    def __len__(self) -> int:
        return len(self._records)
