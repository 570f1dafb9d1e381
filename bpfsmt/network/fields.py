"""Frames as a reader sees them: layers and their fields.

dpkt parses.  What it does not know, and what follows the last header, is ``data``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeAlias

from bpfsmt.network.library import packet_library

Fields: TypeAlias = dict[str, str]

SHOWN = 24
"""So many bytes of data are shown."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One header: its short name, its fields as text, and the bytes of it in the frame.

    A layer of ``data`` has the one field "bytes".
    """

    name: str
    fields: Fields
    start: int
    end: int

    def __str__(self) -> str:
        return self.name + "".join(f" {name}={value}" for name, value in self.fields.items())


def layers(frame: bytes) -> list[Layer]:
    """The headers of an Ethernet frame, outermost first, and then its data if there is any.

    >>> from bpfsmt.network.frames import frame, ip, udp
    >>> for layer in layers(frame(ip("10.0.0.1", "10.0.0.2", udp(4000, 53)))):
    ...     print(layer)
    eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=0x0800
    ip src=10.0.0.1 dst=10.0.0.2 p=17 ttl=64 tos=0x00 len=28 id=0 flags=- offset=0 sum=0x66cf
    udp sport=4000 dport=53 len=8 sum=0xdc06
    """
    found: list[Layer] = []
    at = 0
    for name, fields, size in _headers(frame):
        found.append(Layer(name, fields, at, at + size))
        at += size
    if at < len(frame):
        found.append(Layer("data", {"bytes": shown(frame[at:])}, at, len(frame)))
    return found


def summary(frame: bytes) -> str:
    """A frame in a few words: its length, from where to where, and what.

    >>> from bpfsmt.network.frames import frame, ip, udp
    >>> summary(frame(ip("10.0.0.1", "10.0.0.2", udp(4000, 53))))
    '42 bytes, ip 10.0.0.1 > 10.0.0.2, udp 4000 > 53'
    """
    parts = [f"{len(frame)} bytes"]
    for layer in layers(frame):
        f = layer.fields
        if layer.name in ("ip", "ip6"):
            parts.append(f"{layer.name} {f['src']} > {f['dst']}")
        elif layer.name in ("tcp", "udp"):
            flags = f" {f['flags']}" if layer.name == "tcp" else ""
            parts.append(f"{layer.name} {f['sport']} > {f['dport']}{flags}")
        elif layer.name == "vlan":
            parts.append(f"vlan {f['id']}")
        elif layer.name in ("arp", "icmp", "icmp6"):
            parts.append(layer.name)
    if len(parts) == 1 and len(frame) >= 14:
        parts.append(f"type 0x{frame[12:14].hex()}")
    return ", ".join(parts)


# Parsing --------------------------------------------------------------------------------


def _headers(frame: bytes) -> Iterator[tuple[str, Fields, int]]:
    dpkt = packet_library()
    try:
        layer: Any = dpkt.ethernet.Ethernet(frame)
    except dpkt.Error:
        if len(frame) >= 14:
            yield "eth", _ethernet_fields(frame), 14
        return
    yield "eth", _ethernet_fields(frame), 14
    for tag in getattr(layer, "vlan_tags", ()):
        if not isinstance(tag, dpkt.ethernet.VLANtag8021Q):
            return
        yield "vlan", {"id": str(tag.id), "pri": str(tag.pri), "type": f"0x{tag.type:04x}"}, 4
    readers = _readers(dpkt)
    layer = layer.data
    while type(layer) in readers:
        name, fields, size = readers[type(layer)]
        yield name, fields(layer), size(layer)
        layer = layer.data


def _ethernet_fields(frame: bytes) -> Fields:
    return {"dst": _mac(frame[0:6]), "src": _mac(frame[6:12]), "type": f"0x{frame[12:14].hex()}"}


_Reader: TypeAlias = tuple[str, Callable[[Any], Fields], Callable[[Any], int]]


def _readers(dpkt: Any) -> dict[type, _Reader]:
    """By dpkt's class: the name, the fields, and the length of the header in bytes."""
    return {
        dpkt.ip.IP: ("ip", _ip_fields, lambda h: h.hl * 4),
        dpkt.ip6.IP6: ("ip6", _ip6_fields, lambda h: 40 + sum(map(len, h.all_extension_headers))),
        dpkt.tcp.TCP: ("tcp", _tcp_fields, lambda h: h.off * 4),
        dpkt.udp.UDP: ("udp", _udp_fields, lambda h: 8),
        dpkt.icmp.ICMP: ("icmp", _icmp_fields, lambda h: 4),
        dpkt.icmp6.ICMP6: ("icmp6", _icmp_fields, lambda h: 4),
        dpkt.icmp.ICMP.Echo: ("echo", _echo_fields, lambda h: 4),
        dpkt.icmp6.ICMP6.Echo: ("echo", _echo_fields, lambda h: 4),
        dpkt.arp.ARP: ("arp", _arp_fields, lambda h: 28),
    }


def _ip_fields(h: Any) -> Fields:
    flags = "".join(name for name, bit in (("DF", h.df), ("MF", h.mf)) if bit) or "-"
    fields = {
        "src": _ip(h.src), "dst": _ip(h.dst), "p": str(h.p), "ttl": str(h.ttl),
        "tos": f"0x{h.tos:02x}", "len": str(h.len), "id": str(h.id), "flags": flags,
        "offset": str(h.offset), "sum": f"0x{h.sum:04x}",
    }  # fmt: skip
    return fields | ({"opts": h.opts.hex()} if h.opts else {})


def _ip6_fields(h: Any) -> Fields:
    fields = {
        "src": _ip(h.src), "dst": _ip(h.dst), "nxt": str(h.nxt), "hlim": str(h.hlim),
        "class": f"0x{h.fc:02x}", "flow": f"0x{h.flow:05x}", "plen": str(h.plen),
    }  # fmt: skip
    ext = b"".join(bytes(header) for header in h.all_extension_headers)
    return fields | ({"ext": ext.hex()} if ext else {})


def _tcp_fields(h: Any) -> Fields:
    flags = "".join(letter for bit, letter in enumerate("FSRPAUEC") if h.flags >> bit & 1) or "-"
    fields = {
        "sport": str(h.sport), "dport": str(h.dport), "flags": flags, "seq": str(h.seq),
        "ack": str(h.ack), "win": str(h.win), "sum": f"0x{h.sum:04x}",
    }  # fmt: skip
    return fields | ({"opts": h.opts.hex()} if h.opts else {})


def _udp_fields(h: Any) -> Fields:
    return {
        "sport": str(h.sport), "dport": str(h.dport), "len": str(h.ulen), "sum": f"0x{h.sum:04x}",
    }  # fmt: skip


def _icmp_fields(h: Any) -> Fields:
    return {"type": str(h.type), "code": str(h.code), "sum": f"0x{h.sum:04x}"}


def _echo_fields(h: Any) -> Fields:
    return {"id": str(h.id), "seq": str(h.seq)}


def _arp_fields(h: Any) -> Fields:
    return {
        "op": str(h.op), "sha": _mac(h.sha), "spa": _ip(h.spa), "tha": _mac(h.tha),
        "tpa": _ip(h.tpa),
    }  # fmt: skip


def _mac(data: bytes) -> str:
    return data.hex(":")


def _ip(data: bytes) -> str:
    return str(ip_address(data)) if len(data) in (4, 16) else data.hex()


def shown(data: bytes) -> str:
    """Bytes as text: the first `SHOWN` of them, and how many there are if more."""
    more = f"... ({len(data)} bytes)" if len(data) > SHOWN else ""
    return data[:SHOWN].hex() + more
