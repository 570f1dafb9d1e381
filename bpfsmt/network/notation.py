"""Bytes as people write them: keys and values of maps in JSON.

| written | means |
|---|---|
| ``7`` | a number, little-endian, as wide as the key or value |
| ``"0a 00 00 01"``, ``"0x0a000001"`` | these bytes |
| ``"10.0.0.1"``, ``"2001:db8::1"`` | an address, in network order |
| ``"02:00:00:00:00:01"`` | a MAC address |
| ``"u16:80"``, ``"be16:80"`` (8 to 64 bits) | a number of that width, in that order |
| ``"zero:3"`` | so many zero bytes |
| ``[...]`` | parts of these kinds, one behind the other (a plain number is one byte) |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from bpfsmt.errors import BpfsmtError

_NUMBER = re.compile(r"(u|be)(8|16|32|64):(0x[0-9a-fA-F]+|0|[1-9][0-9]*)")
_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2}\s*)+)")
_MAC = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}")
_ZEROS = re.compile(r"zero:([0-9]{1,6})")


def to_bytes(written: Any, size: int) -> bytes:
    """``size`` bytes from what stands in a JSON file; raises `BpfsmtError` saying why not.

    >>> to_bytes(258, 4).hex(), to_bytes("10.0.0.1", 4).hex(), to_bytes(["be16:80", 1], 3).hex()
    ('02010000', '0a000001', '005001')
    """
    if isinstance(written, int) and not isinstance(written, bool):
        return _number(written, size, "little")
    parts = written if isinstance(written, list) else [written]
    data = b"".join(_part(part) for part in parts)
    if len(data) != size:
        raise BpfsmtError(f"{written!r} has {len(data)} bytes, not {size}")
    return data


def _part(written: Any) -> bytes:
    if isinstance(written, int) and not isinstance(written, bool):
        return _number(written, 1, "little")
    if isinstance(written, str):
        for pattern, read in _READERS:
            match = pattern.fullmatch(written.strip())
            if match:
                return read(match)
        try:
            return ip_address(written.strip()).packed
        except ValueError:
            pass
    raise BpfsmtError(f"{written!r} is no number, bytes in hexadecimal, address, or list of them")


def _number(value: int, size: int, order: Any) -> bytes:
    try:
        return value.to_bytes(size, order)
    except OverflowError:
        raise BpfsmtError(f"{value} is no unsigned number of {8 * size} bits") from None


def _sized(match: re.Match[str]) -> bytes:
    order = "big" if match[1] == "be" else "little"
    return _number(int(match[3], 0), int(match[2]) // 8, order)


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], bytes]], ...] = (
    (_NUMBER, _sized),
    (_ZEROS, lambda match: bytes(int(match[1]))),
    (_MAC, lambda match: bytes.fromhex(match[0].replace(":", ""))),
    (_HEX, lambda match: bytes.fromhex(match[1])),
)
