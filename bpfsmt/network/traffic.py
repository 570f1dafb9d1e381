"""Traffic from a seed: as many frames of a kind as wanted, the same for the same seed.

A specification is text: the kind, how many, and what not to leave to chance.

>>> frames = generate("udp:3,dst=192.0.2.1,dport=53", seed=7)
>>> len(frames), frames == generate("udp:3,dst=192.0.2.1,dport=53", seed=7)
(3, True)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from bpfsmt.errors import BpfsmtError
from bpfsmt.network.frames import SYN, arp, frame, ip, ping, tcp, udp

MOST = 1_000_000
"""More frames than that are refused: they are made in memory."""

_OUTSIDE, _OUTSIDE6 = ip_network("198.18.0.0/15"), ip_network("2001:db8:1::/64")
_INSIDE, _INSIDE6 = ip_network("192.0.2.0/24"), ip_network("2001:db8:2::/64")
_LONGEST_PAYLOAD = 1400


@dataclass(frozen=True, slots=True)
class Choice:
    """What is drawn from: addresses out of networks, and fixed numbers where given.

    ``size`` is the payload's length in bytes.
    """

    src: IPv4Network | IPv6Network = _OUTSIDE
    dst: IPv4Network | IPv6Network = _INSIDE
    sport: int | None = None
    dport: int | None = None
    ttl: int | None = None
    size: int | None = None
    vlan: int | None = None


class _Dice:
    """The choices for one frame."""

    def __init__(self, choice: Choice, rng: random.Random) -> None:
        self.choice = choice
        self.rng = rng

    def addresses(self) -> tuple[str, str]:
        return self._host(self.choice.src), self._host(self.choice.dst)

    def _host(self, network: IPv4Network | IPv6Network) -> str:
        return str(network[self.rng.randrange(network.num_addresses)])

    def ports(self) -> tuple[int, int]:
        common = self.rng.choice((22, 53, 80, 123, 443, 8080))
        return (
            _given(self.choice.sport, self.rng.randrange(1024, 65536)),
            _given(self.choice.dport, common),
        )

    def ttl(self) -> int:
        return _given(self.choice.ttl, self.rng.choice((32, 57, 64, 64, 118, 128, 255)))

    def payload(self) -> bytes:
        return self.rng.randbytes(_given(self.choice.size, self.rng.randrange(18, 120)))

    def vlan(self) -> int:
        return _given(self.choice.vlan, 0)


def _given(fixed: int | None, drawn: int) -> int:
    return drawn if fixed is None else fixed


def _udp(dice: _Dice) -> bytes:
    datagram = udp(*dice.ports(), dice.payload())
    return frame(ip(*dice.addresses(), datagram, ttl=dice.ttl()), vlan=dice.vlan())


def _tcp(dice: _Dice) -> bytes:
    segment = tcp(*dice.ports(), dice.payload(), seq=dice.rng.getrandbits(32))
    return frame(ip(*dice.addresses(), segment, ttl=dice.ttl()), vlan=dice.vlan())


def _syn(dice: _Dice) -> bytes:
    segment = tcp(*dice.ports(), flags=SYN, seq=dice.rng.getrandbits(32))
    return frame(ip(*dice.addresses(), segment, ttl=dice.ttl()), vlan=dice.vlan())


def _ping(dice: _Dice) -> bytes:
    echo = ping(dice.rng.getrandbits(16), dice.payload(), version=dice.choice.src.version)
    return frame(ip(*dice.addresses(), echo, ttl=dice.ttl()), vlan=dice.vlan())


def _fragment(dice: _Dice) -> bytes:
    datagram = udp(*dice.ports(), dice.payload())
    at = dice.rng.randrange(1, 180)
    packet = ip(*dice.addresses(), datagram, ttl=dice.ttl(), fragment=at)
    return frame(packet, vlan=dice.vlan())


def _arp(dice: _Dice) -> bytes:
    return frame(arp(*dice.addresses()), vlan=dice.vlan())


def _garbage(dice: _Dice) -> bytes:
    return dice.rng.randbytes(_given(dice.choice.size, dice.rng.randrange(14, 200)))


def _mixed(dice: _Dice) -> bytes:
    kinds = (_udp, _udp, _udp, _tcp, _tcp, _tcp, _syn, _ping, _fragment, _garbage)
    return dice.rng.choice(kinds)(dice)


KINDS: Mapping[str, tuple[str, Callable[[_Dice], bytes]]] = {
    "udp": ("UDP datagrams", _udp),
    "tcp": ("TCP segments with data", _tcp),
    "syn": ("TCP connection requests", _syn),
    "ping": ("ICMP echo requests", _ping),
    "fragment": ("later IPv4 fragments", _fragment),
    "arp": ("ARP requests", _arp),
    "garbage": ("random bytes", _garbage),
    "mixed": ("of all kinds", _mixed),
    "udp6": ("UDP over IPv6", _udp),
    "tcp6": ("TCP over IPv6", _tcp),
    "ping6": ("ICMPv6 echo requests", _ping),
}
"""Every kind of traffic: what it is, and how one frame of it is made."""

_NUMBERS = {"sport": 0xFFFF, "dport": 0xFFFF, "ttl": 0xFF, "size": _LONGEST_PAYLOAD, "vlan": 0xFFF}


def generate(specification: str, *, seed: int = 0) -> list[bytes]:
    """The frames of ``KIND:N[,src=NET][,dst=NET][,sport=P][,dport=P][,ttl=T][,size=S][,vlan=V]``.

    Addresses are drawn from the networks, by default documentation and benchmark networks.
    Raises `BpfsmtError` for what is no specification.
    """
    kind, count, choice = _parsed(specification)
    dice = _Dice(choice, random.Random(f"{seed} {kind}"))
    make = KINDS[kind][1]
    return [make(dice) for _ in range(count)]


def _parsed(specification: str) -> tuple[str, int, Choice]:
    head, *options = specification.split(",")
    kind, _, number = head.partition(":")
    where = f"traffic {specification!r}"
    if kind not in KINDS:
        raise BpfsmtError(f"{where}: no kind {kind!r} (there are {', '.join(KINDS)})")
    if not number.isascii() or not number.isdigit() or int(number) > MOST:
        raise BpfsmtError(f"{where}: {number!r} is no number of frames up to {MOST}")
    version = 6 if kind.endswith("6") else 4
    fields: dict[str, Any] = {"src": _OUTSIDE, "dst": _INSIDE}
    if version == 6:
        fields = {"src": _OUTSIDE6, "dst": _INSIDE6}
    for name, value in _options(options, where):
        if name in ("src", "dst"):
            fields[name] = _network(value, version, where)
        else:
            fields[name] = _number(name, value, where)
    return kind, int(number), Choice(**fields)


def _options(options: list[str], where: str) -> Iterator[tuple[str, str]]:
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or name not in ("src", "dst", *_NUMBERS):
            known = ", ".join(("src", "dst", *_NUMBERS))
            raise BpfsmtError(f"{where}: {option!r} is no NAME=VALUE with one of {known}")
        yield name, value


def _network(value: str, version: int, where: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        network = None
    if network is None or network.version != version:
        raise BpfsmtError(f"{where}: {value!r} is no IPv{version} address or network")
    return network


def _number(name: str, value: str, where: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) > _NUMBERS[name]:
        raise BpfsmtError(f"{where}: {name} is 0..{_NUMBERS[name]}, not {value!r}")
    return int(value)
