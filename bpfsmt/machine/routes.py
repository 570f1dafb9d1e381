"""The routing table that ``bpf_fib_lookup`` asks: devices, routes, neighbours."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bpfsmt.errors import BpfsmtError

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Prefix: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
Kind = Literal["unicast", "local", "blackhole", "unreachable", "prohibit"]
REFUSING = frozenset({"blackhole", "unreachable", "prohibit"})
"""The kinds of routes that packets do not leave by."""

MAIN, LOCAL = 254, 255
"""Numbers of the tables that are asked where none is named."""


@dataclass(frozen=True, slots=True)
class Device:
    """A network interface: its number, its link-layer address (6 bytes), the longest packet
    that it sends, and whether packets that come in by it are forwarded."""

    index: int
    mac: bytes
    mtu: int = 1500
    forwards: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """Where packets to a prefix go: out of a device, to a gateway (``via``) or directly.

    ``mtu`` is the longest packet of this route, the device's if `None`: what ``mtu lock``
    sets (without the lock, the kernel forwards by the device's).  ``source`` is the address
    that the host itself would use.
    """

    prefix: Prefix
    device: int
    via: Address | None = None
    kind: Kind = "unicast"
    metric: int = 0
    mtu: int | None = None
    source: Address | None = None
    table: int = MAIN


class Routes:
    """A host's routing table.  Without any device, every interface is there and forwards.

    As in a kernel without routing rules of its own, the main and the local table of IPv4 are
    one (Linux 6.12, ``fib_trie_unmerge``), whichever is asked; of IPv6 they are asked one
    after the other, first the local one.

    >>> routes = Routes()
    >>> routes.device(2, "02:00:00:00:00:02")
    >>> routes.route("10.0.0.0/8", 2, via="192.0.2.1")
    >>> routes.neighbour("192.0.2.1", 2, "02:00:00:00:00:99")
    >>> found = routes.lookup(ipaddress.ip_address("10.1.2.3"))
    >>> found.device, routes.link_address(found.via, found.device).hex(":")
    (2, '02:00:00:00:00:99')

    Addresses are text as `ipaddress` and link-layer addresses as `bytes.fromhex` read it,
    with colons; what they do not read raises `BpfsmtError`.
    """

    def __init__(self) -> None:
        self.devices: dict[int, Device] = {}
        self._routes: dict[tuple[int, int, int], dict[int, list[Route]]] = {}
        self._lengths: dict[tuple[int, int], list[int]] = {}
        self._neighbours: dict[tuple[int, Address], bytes] = {}

    # What the user says ------------------------------------------------------------------

    def device(self, index: int, mac: str, mtu: int = 1500, *, forwards: bool = True) -> None:
        """There is an interface with this number."""
        self.devices[index] = Device(index, _mac(mac), mtu, forwards)

    def route(
        self,
        prefix: str,
        device: int = 0,
        via: str | None = None,
        *,
        kind: Kind = "unicast",
        metric: int = 0,
        mtu: int | None = None,
        source: str | None = None,
        table: int | None = None,
    ) -> None:
        """Packets to a prefix go this way; of several, the lowest metric and the first counts."""
        network = _prefix(prefix)
        if table is None:
            table = LOCAL if kind == "local" else MAIN
        route = Route(
            network, device, _address(via), kind, metric, mtu, _address(source), table
        )  # fmt: skip
        self._at(route).append(route)
        self._at(route).sort(key=lambda each: each.metric)

    def unroute(self, prefix: str, table: int = MAIN) -> bool:
        """No more routes for exactly this prefix; False if there were none."""
        network = _prefix(prefix)
        found = self._routes.get((table, network.version, network.prefixlen), {})
        return bool(found.pop(int(network.network_address), None))

    def neighbour(self, address: str, device: int, mac: str) -> None:
        """The host with this address is on this device's link."""
        known = _address(address)
        assert known is not None
        self._neighbours[device, known] = _mac(mac)

    def forget(self, address: str, device: int) -> bool:
        """The neighbour is gone; False if it was not known."""
        known = _address(address)
        assert known is not None
        return self._neighbours.pop((device, known), None) is not None

    # What the helper asks ----------------------------------------------------------------

    def find_device(self, index: int) -> Device | None:
        """The interface with this number; one made up where the user said nothing of any."""
        if self.devices:
            return self.devices.get(index)
        return Device(index, b"\x02" + index.to_bytes(5, "big")) if index else None

    def lookup(
        self, address: Address, table: int | None = None, device: int | None = None
    ) -> Route | None:
        """The route of the longest prefix in a table, out of ``device`` if that is given.

        A route that refuses packets has no device, and does so for all.
        """
        for tables in _together(address.version, table):
            found = self._longest(address, tables, device)
            if found is not None:
                return found
        return None

    def _longest(
        self, address: Address, tables: tuple[int, ...], device: int | None
    ) -> Route | None:
        number, width, version = int(address), address.max_prefixlen, address.version
        lengths = {length for table in tables for length in self._lengths.get((table, version), ())}
        for length in sorted(lengths, reverse=True):
            shift = width - length
            for table in tables:
                found = self._routes.get((table, version, length), {})
                for route in found.get(number >> shift << shift, ()):
                    if device is None or route.device == device or route.kind in REFUSING:
                        return route
        return None

    def link_address(self, address: Address, device: int) -> bytes | None:
        """The link-layer address of a neighbour."""
        return self._neighbours.get((device, address))

    def __iter__(self) -> Iterator[Route]:
        return (
            route for found in self._routes.values() for each in found.values() for route in each
        )

    def _at(self, route: Route) -> list[Route]:
        network = route.prefix
        key = route.table, network.version, network.prefixlen
        if key not in self._routes:
            self._routes[key] = {}
            lengths = self._lengths.setdefault(key[:2], [])
            lengths.append(network.prefixlen)
            lengths.sort(reverse=True)
        return self._routes[key].setdefault(int(network.network_address), [])


def _together(version: int, table: int | None) -> tuple[tuple[int, ...], ...]:
    """The tables to ask, one after another; those in one group are one table."""
    if version == 4 and table in (None, LOCAL, MAIN):
        return ((LOCAL, MAIN),)
    return ((LOCAL,), (MAIN,)) if table is None else ((table,),)


def _prefix(text: str) -> Prefix:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise BpfsmtError(f"route: {error}") from None


def _address(text: str | None) -> Address | None:
    try:
        return None if text is None else ipaddress.ip_address(text)
    except ValueError as error:
        raise BpfsmtError(f"address: {error}") from None


def _mac(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        found = b""
    if len(found) != 6:
        raise BpfsmtError(f"{text!r} is no link-layer address")
    return found
