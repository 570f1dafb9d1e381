"""Captures: pcap and pcapng files of Ethernet frames, through dpkt."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from bpfsmt.errors import LoadError
from bpfsmt.network.library import packet_library

LONGEST_FRAME = 65535
ETHERNET = 1
"""The link type of frames that begin with an Ethernet header (LINKTYPE_ETHERNET)."""

_NANOSECONDS = 1_000_000_000
_LARGEST_FILE = 1 << 30


class Captured(NamedTuple):
    """One frame and when it was seen, in nanoseconds since 1970."""

    time: int
    data: bytes


class _Whole(BytesIO):
    """A file whose every record is whole: dpkt takes what a short read gives.

    The reader asks for a record's header and then for its content, so the file may end
    only where a header is asked for: an end that is met twice was met too early.
    """

    ended = False

    def read(self, size: int | None = -1) -> bytes:
        """Exactly ``size`` bytes, or none once at the end; else `LoadError`."""
        at = self.tell()
        data = super().read(size)
        if size is None or size <= 0:
            return data
        if 0 < len(data) < size or (not data and self.ended):
            raise LoadError(f"byte {at}: ends in the middle of a record")
        self.ended = not data
        return data


def read_capture(path: str | Path) -> list[Captured]:
    """All frames of a pcap or pcapng file.

    Raises `LoadError`, one line that begins with the path, for a file that is none, ends
    too early, or holds frames that are not Ethernet; `BpfsmtError` without dpkt.
    """
    dpkt = packet_library()
    file = _Whole(_content(path))
    frames: list[Captured] = []
    try:
        reader = _reader(dpkt, file)
        if reader.datalink() != ETHERNET:
            raise LoadError(f"link type {reader.datalink()}, frames must be Ethernet ({ETHERNET})")
        for time, data in reader:
            if len(data) > LONGEST_FRAME:
                raise LoadError(f"frame {len(frames) + 1} has {len(data)} bytes")
            frames.append(Captured(_nanoseconds(time), bytes(data)))
    except LoadError as error:
        raise LoadError(f"{path}: {error}") from None
    except (dpkt.Error, struct.error, ValueError, OverflowError, MemoryError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise LoadError(f"{path}: frame {len(frames) + 1}: no capture: {why}") from None
    return frames


def _content(path: str | Path) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise LoadError(f"{path}: {reason}") from None
    if len(data) > _LARGEST_FILE:
        raise LoadError(f"{path}: larger than {_LARGEST_FILE >> 30} GiB")
    return data


def _reader(dpkt: Any, file: _Whole) -> Any:
    magic = file.getvalue()[:4]
    if magic == b"\n\r\r\n":
        return dpkt.pcapng.Reader(file)
    if len(magic) < 4:
        raise LoadError("too short for a capture")
    if int.from_bytes(magic, "big") not in dpkt.pcap.MAGIC_TO_PKT_HDR:
        raise LoadError(f"neither pcap nor pcapng (begins with {magic.hex()})")
    return dpkt.pcap.Reader(file)


def _nanoseconds(seconds: float | Decimal) -> int:
    if isinstance(seconds, Decimal):
        return int(seconds * _NANOSECONDS)
    return round(seconds * 1_000_000) * 1000  # a float of today's date is exact to that


def write_capture(path: str | Path, frames: Iterable[Captured]) -> None:
    """Write a pcap file with nanosecond times; raises `OSError`."""
    dpkt = packet_library()
    with Path(path).open("wb") as file:
        writer = dpkt.pcap.Writer(file, snaplen=LONGEST_FRAME, linktype=ETHERNET, nano=True)
        for time, data in frames:
            writer.writepkt_time(data, Decimal(time) / _NANOSECONDS)
