"""The netlink messages that give a kernel addresses, routes and neighbours.

Layouts: ``include/uapi/linux/rtnetlink.h``, ``if_link.h``, ``if_addr.h``, ``neighbour.h``.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from itertools import count

LOOPBACK = 1

_REQUEST, _ACK, _CREATE, _APPEND = 1, 4, 0x400, 0x800
_NEW_LINK, _NEW_ADDRESS, _NEW_ROUTE, _NEW_NEIGHBOUR = 16, 20, 24, 28
_UP, _PERMANENT, _ON_LINK, _STATIC = 1, 0x80, 4, 4
_KINDS = {"unicast": 1, "local": 2, "blackhole": 6, "unreachable": 7, "prohibit": 8}
_FAMILIES = {4: 2, 6: 10}

# Attributes.
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_DST, _OIF, _GATEWAY, _PRIORITY, _PREFSRC, _METRICS, _TABLE = 1, 4, 5, 6, 7, 8, 15
_LOCK, _MTU = 1, 2
_NDA_DST, _NDA_LLADDR = 1, 2

_numbers = count(1)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _attribute(kind: int, data: bytes) -> bytes:
    return _padded(struct.pack("<HH", 4 + len(data), kind) + data)


def _message(kind: int, body: bytes) -> bytes:
    flags = _REQUEST | _ACK | _CREATE | (_APPEND if kind == _NEW_ROUTE else 0)
    return struct.pack("<IHHII", 16 + len(body), kind, flags, next(_numbers), 0) + body


def up() -> bytes:
    """The loopback is up."""
    return _message(_NEW_LINK, struct.pack("<BBHiII", 0, 0, 0, LOOPBACK, _UP, _UP))


def address(text: str) -> bytes:
    """The loopback has this address, alone in its network."""
    found = ipaddress.ip_address(text)
    head = struct.pack("<BBBBI", _FAMILIES[found.version], found.max_prefixlen, 0, 0, LOOPBACK)
    data = found.packed
    return _message(
        _NEW_ADDRESS, head + _attribute(_IFA_LOCAL, data) + _attribute(_IFA_ADDRESS, data)
    )


def neighbour(text: str, mac: str) -> bytes:
    """This host is on the loopback's link."""
    found = ipaddress.ip_address(text)
    head = struct.pack("<BBHiHBB", _FAMILIES[found.version], 0, 0, LOOPBACK, _PERMANENT, 0, 0)
    mac_bytes = bytes.fromhex(mac.replace(":", ""))
    return _message(
        _NEW_NEIGHBOUR,
        head + _attribute(_NDA_DST, found.packed) + _attribute(_NDA_LLADDR, mac_bytes),
    )


def route(
    prefix: str,
    *,
    via: str | None = None,
    kind: str = "unicast",
    metric: int = 0,
    mtu: int | None = None,
    source: str | None = None,
    table: int = 254,
) -> bytes:
    """A route out of the loopback, as `bpfsmt.machine.Routes.route` describes it."""
    network = ipaddress.ip_network(prefix)
    family, flags = _FAMILIES[network.version], _ON_LINK if via else 0
    head = struct.pack("<8BI", family, network.prefixlen, 0, 0, 0, _STATIC, 0, _KINDS[kind], flags)
    return _message(_NEW_ROUTE, head + b"".join(
        _attributes(network.network_address.packed, via, kind, metric, mtu, source, table)
    ))  # fmt: skip


def _attributes(
    to: bytes, via: str | None, kind: str, metric: int, mtu: int | None, source: str | None,
    table: int,
) -> Iterator[bytes]:  # fmt: skip
    yield _attribute(_DST, to)
    yield _attribute(_TABLE, struct.pack("<I", table))
    if kind == "unicast":
        yield _attribute(_OIF, struct.pack("<I", LOOPBACK))
    if via is not None:
        yield _attribute(_GATEWAY, ipaddress.ip_address(via).packed)
    if metric:
        yield _attribute(_PRIORITY, struct.pack("<I", metric))
    if source is not None:
        yield _attribute(_PREFSRC, ipaddress.ip_address(source).packed)
    if mtu is not None:
        lock = _attribute(_LOCK, struct.pack("<I", 1 << _MTU))
        yield _attribute(_METRICS, lock + _attribute(_MTU, struct.pack("<I", mtu)))
