"""Numbers and packets where things go wrong, if they do."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import TypeVar

EDGES = (
    0, 1, 2, 7, 31, 32, 33, 63, 64, 65, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF,
    0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 2, (1 << 64) - 1,
    0xFFFFFFFF80000000, 0xFFFFFFFF7FFFFFFF, 0x80000000FFFFFFFF, 0x1122334455667788,
)  # fmt: skip
"""64-bit words at which widths end and signs turn: INT_MIN, -1, shifts at and over the width."""

IMMEDIATES = (
    0, 1, -1, 2, 7, 31, 32, 63, 64, 127, -128, 255, 0x7FFF, -0x8000, 0xFFFF, (1 << 31) - 1,
    -(1 << 31), -(1 << 31) + 1, 0x11223344,
)  # fmt: skip
"""The same for the signed 32 bits of an immediate."""

_ETHERNET = bytes.fromhex("020000000001 020000000002")


def word(rng: random.Random) -> int:
    """A 64-bit word, mostly near an edge."""
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(EDGES)
    if kind < 0.8:
        return (rng.choice(EDGES) + rng.randint(-3, 3)) & (1 << 64) - 1
    return rng.getrandbits(64)


def words(rng: random.Random, count: int) -> bytes:
    """So many of them, in little endian."""
    return b"".join(word(rng).to_bytes(8, "little") for _ in range(count))


def frames(rng: random.Random) -> Iterator[bytes]:
    """Ethernet frames of the kinds that programs tell apart, some of them damaged.

    Most are plain and between the same two hosts and ports, so that flows meet again.
    """
    while True:
        for ether_type, payload in _payloads(rng):
            frame = _ETHERNET + _vlan(rng) + ether_type + payload
            if rng.random() < 0.1:
                frame = frame[: rng.randint(14, len(frame))]
            if rng.random() < 0.1:
                at = rng.randrange(len(frame))
                frame = frame[:at] + rng.randbytes(1) + frame[at + 1 :]
            yield frame


T = TypeVar("T")


def _mostly(rng: random.Random, usual: T, *others: T) -> T:
    return usual if rng.random() < 0.7 else rng.choice(others)


def _payloads(rng: random.Random) -> list[tuple[bytes, bytes]]:
    """One of each kind: the EtherType, and what is behind it."""
    v4, v6 = b"\x08\x00", b"\x86\xdd"
    return [
        (v4, _ipv4(rng, 17, _udp(rng))),
        (v4, _ipv4(rng, 6, _tcp(rng))),
        (v4, _ipv4(rng, 6, _tcp(rng))),
        (v4, _ipv4(rng, 1, b"\x08\x00\xf7\xff\x00\x00\x00\x00" + bytes(24))),
        (v4, _ipv4(rng, 4, _ipv4(rng, 6, _tcp(rng)))),
        (v6, _ipv6(rng, 17, _udp(rng))),
        (v6, _ipv6(rng, 6, _tcp(rng))),
        (v6, _ipv6(rng, 58, b"\x80\x00\x00\x00\x00\x01\x00\x01" + bytes(24))),
        (v6, _ipv6(rng, *_extended(rng, 17, _udp(rng)))),
        (v6, _ipv6(rng, *_extended(rng, 6, _tcp(rng)))),
        (b"\x08\x06", b"\x00\x01\x08\x00\x06\x04\x00\x01" + rng.randbytes(20)),
        (b"\x88\xb5", rng.randbytes(rng.choice((0, 1, 46, 1000)))),
    ]  # fmt: skip


def _vlan(rng: random.Random) -> bytes:
    number = rng.choice((0, 1, 5, 4095)).to_bytes(2, "big")
    tag = b"\x81\x00" + number
    return _mostly(rng, b"", tag, tag + tag, b"\x88\xa8" + number + tag)


def _ipv4(rng: random.Random, protocol: int, payload: bytes) -> bytes:
    options = bytes(_mostly(rng, 0, 4, 40))
    length = 20 + len(options) + len(payload)
    fragment = _mostly(rng, 0, 0x4000, 0x2000, 0x00B9)
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45 + len(options) // 4, rng.choice((0, 0x28, 0xB8)), length,
        rng.getrandbits(16), fragment, _mostly(rng, 64, 0, 1, 2, 255), protocol, 0,
        *_addresses(rng),
    )  # fmt: skip
    total: int = sum(struct.unpack(">10H", head))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + (~total & 0xFFFF).to_bytes(2, "big") + head[12:] + options + payload


def _ipv6(rng: random.Random, following: int, payload: bytes) -> bytes:
    hops = _mostly(rng, 64, 0, 1, 255)
    addresses = b"".join(bytes.fromhex("20010db8") + bytes(8) + a for a in _addresses(rng))
    return struct.pack(">IHBB", 6 << 28, len(payload), following, hops) + addresses + payload


def _extended(rng: random.Random, following: int, payload: bytes) -> tuple[int, bytes]:
    """A chain of extension headers in front: options, routing, fragment, authentication."""
    for _ in range(rng.randrange(1, 8)):
        kind, words = rng.choice((0, 43, 44, 51, 60, 135)), rng.choice((0, 0, 1, 2))
        size = 4 * (words + 2) if kind == 51 else 8 if kind == 44 else 8 * (words + 1)
        header = bytes([following, 0 if kind == 44 else words]).ljust(max(size, 8), b"\0")
        following, payload = kind, header + payload
    return following, payload


def _addresses(rng: random.Random) -> tuple[bytes, bytes]:
    """Source and destination, IPv4."""
    source, destination = _mostly(rng, (1, 2), (1, 3), (2, 1), (4, 2))
    return bytes([10, 0, 0, source]), bytes([10, 0, 0, destination])


def _ports(rng: random.Random) -> tuple[int, int]:
    return _mostly(rng, (4000, 80), (4000, 53), (4000, 22), (443, 65535))


def _udp(rng: random.Random) -> bytes:
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01"
    data = query if rng.random() < 0.5 else rng.randbytes(rng.choice((0, 18, 200)))
    ports = (4000, 53) if data is query else _ports(rng)
    return struct.pack(">HHHH", *ports, 8 + len(data), rng.choice((0, 0x1234))) + data


def _tcp(rng: random.Random) -> bytes:
    options = b"".join(rng.choice(_TCP_OPTIONS) for _ in range(rng.randrange(16)))[:40]
    options += bytes(-len(options) % 4)
    flags = _mostly(rng, 0x02, 0x10, 0x12, 0x01)
    offset = (20 + len(options)) // 4 << 4
    number = rng.getrandbits(32)
    head = struct.pack(">HHIIBBHHH", *_ports(rng), number, 0, offset, flags, 65535, 0xABCD, 0)
    return head + options + rng.randbytes(rng.choice((0, 20)))


_TCP_OPTIONS = (
    b"\x02\x04\x05\xb4", b"\x02\x04\x01\x00", b"\x01", b"\x01", b"\x01", b"\x03\x03\x07",
    b"\x04\x02", b"\x04\x02", b"\x08\x0a" + bytes(8), b"\x02\x03\x05", b"\x05\x01",
)  # fmt: skip
"""Segment sizes, padding, timestamps, and some that are not well formed."""
