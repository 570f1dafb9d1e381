"""Helpers that send data to user space: perf events, ring buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.errno import EFAULT, EINVAL
from bpfsmt.machine.helpers.base import Host
from bpfsmt.machine.maps import PerfEventArrayState, RingbufState
from bpfsmt.machine.memory import Fault
from bpfsmt.program.program import ProgramType

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_INDEX = 0xFFFFFFFF
_CURRENT_CPU = 0xFFFFFFFF
_PACKET_BYTES = 0xFFFFF << 32
_TRACING = (ProgramType.KPROBE, ProgramType.TRACEPOINT)


class OutputHelpers(Host):
    """Nobody listens until user space does: see `bpfsmt.machine.UserMap`."""

    def bpf_perf_event_output(
        self, m: Machine, ctx: int, handle: int, flags: int, data: int, size: int
    ) -> int:
        """Put out a sample, with some bytes of the packet behind it: 0 or an error number."""
        state = m.map_state(handle)
        if not isinstance(state, PerfEventArrayState):
            raise Fault("helper call", why="the map is no perf_event_array")
        sample = m.memory.read(data, size)
        if m.program.type in _TRACING:
            if flags & ~_INDEX:
                return EINVAL
        else:
            if flags & ~(_INDEX | _PACKET_BYTES):
                return EINVAL
            count = (flags & _PACKET_BYTES) >> 32
            if count > len(m.packet):
                return EFAULT
            sample += m.packet.at(0, count)
        index = flags & _INDEX
        return state.output(self.cpu if index == _CURRENT_CPU else index, self.cpu, sample)

    # Ring buffers ----------------------------------------------------------------------

    def _ring(self, m: Machine, handle: int) -> RingbufState:
        state = m.map_state(handle)
        if not isinstance(state, RingbufState):
            raise Fault("helper call", why="the map is no ring buffer")
        return state

    def bpf_ringbuf_reserve(self, m: Machine, handle: int, size: int, flags: int, *_: int) -> int:
        """The address of a new record, or 0 for flags or if there is no room."""
        ring = self._ring(m, handle)
        record = None if flags else ring.reserve(size)
        if record is None:
            return 0
        region = m.memory.add("record", record, name=ring.region_name)
        m.records[region.base] = ring, record
        return region.base

    def _finish(self, m: Machine, address: int, *, discard: bool) -> int:
        """The record is no longer the program's; the address must be that of its start."""
        found = m.records.pop(address, None)
        if found is None:
            raise Fault("helper call", why=f"{address:#x} is no reserved record")
        ring, record = found
        ring.commit(record, discard=discard)
        region, _at = m.memory.find(address, 0)
        m.memory.drop(region)
        return 0

    def bpf_ringbuf_submit(self, m: Machine, record: int, flags: int, *_: int) -> int:
        """Let user space have a record."""
        return self._finish(m, record, discard=False)

    def bpf_ringbuf_discard(self, m: Machine, record: int, flags: int, *_: int) -> int:
        """Give a record up."""
        return self._finish(m, record, discard=True)

    def bpf_ringbuf_output(
        self, m: Machine, handle: int, data: int, size: int, flags: int, _: int
    ) -> int:
        """Copy a record in: 0, -EINVAL for flags, -EAGAIN if there is no room."""
        ring = self._ring(m, handle)
        return ring.output(m.memory.read(data, size), flags)

    def bpf_ringbuf_query(self, m: Machine, handle: int, what: int, *_: int) -> int:
        """Bytes not read yet, the size, or the consumer's or producer's position."""
        return self._ring(m, handle).query(what)
