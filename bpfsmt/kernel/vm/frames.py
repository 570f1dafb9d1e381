"""The frames that go over the serial line: requests to the loader, its answers.

``loader.c`` has the same layouts.  Each begins with a magic number and the CRC-32 of what
follows; a request has a number, which its answer repeats.  Little endian.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from bpfsmt.errors import OracleError

_MAGIC = 0x42504653
_HEAD = struct.Struct("<II")
_REQUEST = struct.Struct("<II4Q")
_ANSWER = struct.Struct("<IIq")
_HELLO = struct.Struct("<II72s")

ANSWER_BYTES = _HEAD.size + _ANSWER.size
HELLO_BYTES = _HEAD.size + _HELLO.size


class Operation(IntEnum):
    """What the loader does: map the shared memory, call bpf(2), close, copy what is mapped."""

    SHARE = 0
    BPF = 1
    CLOSE = 2
    PEEK = 3


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame, by which the loader says that it is there."""

    cpus: int
    page_bytes: int
    release: str


def request(number: int, operation: Operation, args: tuple[int, ...]) -> bytes:
    """A request with up to four arguments, unsigned.

    >>> len(request(1, Operation.CLOSE, (3,)))
    48
    """
    padded = (*args, 0, 0, 0, 0)[:4]
    return _framed(_REQUEST.pack(number, operation, *padded))


def answer(number: int, result: int) -> bytes:
    """An answer, as the loader makes it (here for tests of the other side)."""
    return _framed(_ANSWER.pack(number, 0, result))


def read_answer(frame: bytes, number: int) -> int:
    """The result in the answer to the request of that number.

    Raises `OracleError` for a damaged frame or another's answer.

    >>> read_answer(answer(7, -22), 7)
    -22
    """
    found, _, result = _ANSWER.unpack(_checked(frame))
    if found != number:
        raise OracleError(f"the answer to request {found} came for request {number}")
    return int(result)


def read_hello(frame: bytes) -> Hello:
    """The first frame; raises `OracleError` if it is damaged."""
    cpus, page_bytes, release = _HELLO.unpack(_checked(frame))
    return Hello(cpus, page_bytes, release.split(b"\0")[0].decode("ascii", "replace"))


def _framed(body: bytes) -> bytes:
    return _HEAD.pack(_MAGIC, zlib.crc32(body)) + body


def _checked(frame: bytes) -> bytes:
    """The body of a frame."""
    magic, checksum = _HEAD.unpack_from(frame)
    body = frame[_HEAD.size :]
    if magic != _MAGIC or checksum != zlib.crc32(body):
        raise OracleError("a frame came damaged over the serial line")
    return body
