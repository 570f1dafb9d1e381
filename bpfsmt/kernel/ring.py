"""What programs have put into a ring buffer, read through its memory.

Layout (Linux, Documentation/bpf/ringbuf.rst): a page with the consumer's position, one with
the producer's, then the data, mapped twice in a row so that no record is ever split.  A
record is its length with two flags, four bytes of the kernel's, the data, padding to eight.
"""

from __future__ import annotations

import struct

from bpfsmt.kernel.target import target

_POSITION = struct.Struct("<Q")
_HEADER = struct.Struct("<II")
_BUSY, _DISCARDED = 1 << 31, 1 << 30
_ALIGN = 8


def ring_records(fd: int, size: int) -> list[bytes]:
    """The records that nobody consumed yet, oldest first; they stay unconsumed.

    ``size`` is that of the data in bytes.  Stops at a record that is still being written.
    """
    page = target().page_bytes
    position = _POSITION.unpack(target().peek(fd, 0, page)[: _POSITION.size])[0]
    produced = target().peek(fd, page, page + 2 * size)
    end = _POSITION.unpack_from(produced, 0)[0]
    records = []
    while position < end:
        at = page + position % size
        word, _ = _HEADER.unpack_from(produced, at)
        if word & _BUSY:
            break
        length = word & ~_DISCARDED
        data = at + _HEADER.size
        if not word & _DISCARDED:
            records.append(produced[data : data + length])
        position += -(-(_HEADER.size + length) // _ALIGN) * _ALIGN
    return records
