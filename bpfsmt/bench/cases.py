"""The use cases of the XDP paper, sections 4 and 5, as they are measured.

Each names a program of ``bench_programs/xdp``, what its maps hold, which frame it gets and
what it must answer.  Where tables grow, each packet asks for another entry at random.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bpfsmt.bench.prelude import Vary
from bpfsmt.network.frames import frame, ip, mac, tcp, udp

XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT = range(5)

SHORTEST = 60
"""Bytes of the shortest Ethernet frame, without its checksum."""

LOOPBACK = 1
"""The one interface that every machine has; nothing is sent there."""

Contents: TypeAlias = dict[str, dict[bytes, bytes]]
"""Entries of maps, by the map's name."""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the evaluation, for each of ``sizes`` (entries in the table that grows).

    ``fresh`` says that the program changes the packet in a way that changes its next run.
    """

    name: str
    what: str
    program: str
    action: int
    frame: bytes
    contents: Callable[[int], Contents] = lambda size: {}
    sizes: tuple[int, ...] = (0,)
    vary: Callable[[int], Vary | None] = lambda size: None
    fresh: bool = False


def _short(payload: bytes) -> bytes:
    return payload.ljust(SHORTEST, b"\0")


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _udp(src: str = "10.0.0.1", dst: str = "192.0.2.1", dport: int = 80) -> bytes:
    return _short(frame(ip(src, dst, udp(4000, dport))))


_TEN = 0x0A000000
"""10.0.0.0 as a number."""

_SOURCE, _DEST = 26, 30
"""Where an IPv4 header behind an Ethernet header has its addresses."""


def _blacklist(size: int) -> Contents:
    return {"blacklist": {(_TEN + n).to_bytes(4, "big"): bytes(8) for n in range(size)}}


_GATEWAY, _HERE = mac("02:00:00:00:01:01"), mac("02:00:00:00:00:02")


def _routes(size: int) -> Contents:
    """One /24 for each route, all of them to one gateway."""
    route = _HERE + _GATEWAY + _u32(0)
    prefixes = ((_TEN + (n << 8)).to_bytes(4, "big") for n in range(size))
    return {
        "routes": {_u32(24) + prefix: route for prefix in prefixes},
        "tx_ports": {_u32(0): _u32(LOOPBACK)},
    }


_VIP, _VIP_PORT = "192.0.2.1", 80


def _backends(size: int) -> Contents:
    """A service of ``size`` servers, its ring filled with them in turn."""
    key = socket.inet_aton(_VIP) + _VIP_PORT.to_bytes(2, "big") + (6).to_bytes(2, "little")
    servers = {
        _u32(n): (_TEN + 1 + n).to_bytes(4, "big") + _GATEWAY + bytes(2) for n in range(size)
    }
    return {
        "services": {key: _u32(0) + socket.inet_aton("192.0.2.254")},
        "ring": {_u32(n): _u32(n % size) for n in range(256)},
        "backends": servers,
    }


def _stations(size: int) -> Contents:
    def key(number: int) -> bytes:
        return bytes([2, 0]) + number.to_bytes(4, "big") + bytes(2)

    return {
        "stations": {key(1): _u32(0)} | {key(_TEN + n): _u32(1) for n in range(size)},
        "tx_ports": {_u32(n): _u32(LOOPBACK) for n in range(2)},
    }


def cases() -> Iterator[Case]:
    """All of them, in the paper's order."""
    yield Case("drop", "drop everything", "xdp_drop", XDP_DROP, _udp())
    yield Case("tx", "send back where it came from", "xdp_tx", XDP_TX, _udp())
    yield Case(
        "redirect", "send out of another interface", "xdp_redirect", XDP_REDIRECT, _udp(),
        lambda size: {"tx_port": {_u32(0): _u32(LOOPBACK)}},
    )  # fmt: skip
    growing = (10, 100, 1_000, 10_000, 100_000)
    yield Case(
        "ddos-attack", "attack dropped by a blacklist", "xdp_ddos_blacklist", XDP_DROP, _udp(),
        _blacklist, growing, lambda size: Vary(_SOURCE, _TEN, size),
    )  # fmt: skip
    yield Case(
        "ddos-good", "good traffic past a blacklist", "xdp_ddos_blacklist", XDP_PASS, _udp(),
        _blacklist, growing, lambda size: Vary(_SOURCE, 0xC6120000, 1 << 17),
    )  # fmt: skip
    yield Case(
        "l2fwd", "bridge by MAC address", "xdp_l2fwd", XDP_REDIRECT,
        _short(frame(ip("10.0.0.1", "10.0.0.2", udp(1, 2)), dst="02:00:0a:00:00:00")),
        _stations, (2, 4_000), lambda size: Vary(2, _TEN, size),
    )  # fmt: skip
    yield Case(
        "l3fwd", "route by longest prefix", "xdp_l3fwd", XDP_REDIRECT, _udp(),
        _routes, (1, 100, 10_000), lambda size: Vary(_DEST, _TEN, size, 256), fresh=True,
    )  # fmt: skip
    yield Case(
        "lb-encap", "balance flows over servers", "xdp_lb4", XDP_TX,
        _short(frame(ip("10.0.0.1", _VIP, tcp(4000, _VIP_PORT)))),
        _backends, (1, 16, 256), lambda size: Vary(_SOURCE, _TEN, 1 << 20), fresh=True,
    )  # fmt: skip
    yield Case(
        "lb-decap", "unwrap at the server", "xdp_lb_decap", XDP_PASS,
        frame(ip("192.0.2.254", "10.0.0.1", ip("10.9.9.9", _VIP, tcp(4000, _VIP_PORT)))),
        lambda size: {"tunnel_ends": {socket.inet_aton("10.0.0.1"): bytes(8)}}, fresh=True,
    )  # fmt: skip
    yield Case(
        "cpu-redirect", "spread flows over CPUs", "xdp_cpu_redirect", XDP_REDIRECT, _udp(),
        lambda size: {
            "cpu_map": {_u32(0): _u32(192)},
            "cpus": {_u32(0): _u32(0)},
            "cpu_count": {_u32(0): _u32(1)},
        },
        vary=lambda size: Vary(_SOURCE, _TEN, 1 << 20),
    )  # fmt: skip
