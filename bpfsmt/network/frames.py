"""Frames built layer by layer; lengths and checksums are filled in by dpkt.

>>> built = frame(ip("10.0.0.1", "10.0.0.2", udp(4000, 53, b"query")))
>>> len(built), built[:14].hex(" ")
(47, '02 00 00 00 00 02 02 00 00 00 00 01 08 00')
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from bpfsmt.errors import BpfsmtError
from bpfsmt.network.library import packet_library

ETH_P_IP, ETH_P_ARP, ETH_P_IPV6, ETH_P_8021Q = 0x0800, 0x0806, 0x86DD, 0x8100
ICMP, IPIP, TCP, UDP, ICMPV6 = 1, 4, 6, 17, 58
FIN, SYN, RST, PUSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

SOURCE_MAC, DEST_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
"""Locally administered addresses: nobody's."""

_HOP_LIMIT = 64


def mac(text: str) -> bytes:
    """The six bytes of ``aa:bb:cc:dd:ee:ff``; raises `BpfsmtError`.

    >>> mac("02:00:00:00:00:01")
    b'\\x02\\x00\\x00\\x00\\x00\\x01'
    """
    parts = text.split(":")
    try:
        numbers = bytes(int(part, 16) for part in parts if len(part) == 2)
    except ValueError:
        numbers = b""
    if len(parts) != 6 or len(numbers) != 6:
        raise BpfsmtError(f"{text!r} is no MAC address")
    return numbers


def udp(sport: int, dport: int, payload: bytes = b"") -> Any:
    """A UDP header and what it carries."""
    header = packet_library().udp.UDP(sport=sport, dport=dport, data=payload)
    header.ulen = len(header)
    return header


def tcp(sport: int, dport: int, payload: bytes = b"", *, flags: int = ACK, seq: int = 1) -> Any:
    """A TCP header without options and what it carries."""
    return packet_library().tcp.TCP(
        sport=sport, dport=dport, flags=flags, seq=seq, win=65535, data=payload
    )


def ping(number: int, payload: bytes = b"", *, version: int = 4) -> Any:
    """An ICMP (or, with ``version=6``, ICMPv6) echo request."""
    dpkt = packet_library()
    echo = dpkt.icmp.ICMP.Echo(id=1, seq=number, data=payload)
    if version == 6:
        return dpkt.icmp6.ICMP6(
            type=128, data=dpkt.icmp6.ICMP6.Echo(id=1, seq=number, data=payload)
        )
    return dpkt.icmp.ICMP(type=8, data=echo)


def ip(src: str, dst: str, payload: Any, *, ttl: int = _HOP_LIMIT, tos: int = 0, df: bool = False,
       fragment: int = 0) -> Any:  # fmt: skip
    """An IPv4 or IPv6 header, as the addresses say, around a layer or bytes.

    ``fragment`` is the offset of a later IPv4 fragment, in units of 8 bytes.
    """
    dpkt = packet_library()
    source, dest = ip_address(src), ip_address(dst)
    protocol = _protocol_of(payload)
    if source.version != dest.version:
        raise BpfsmtError(f"no packet goes from {src} to {dst}: one is IPv4, the other IPv6")
    if source.version == 6:
        header = dpkt.ip6.IP6(
            src=source.packed, dst=dest.packed, nxt=protocol, hlim=ttl, plen=len(payload),
            data=payload,
        )  # fmt: skip
        header.fc, header.extension_hdrs = tos, {}
        return header
    header = dpkt.ip.IP(
        src=source.packed, dst=dest.packed, p=protocol, ttl=ttl, tos=tos, data=payload
    )
    header.df, header.offset = df, fragment
    return header


def _protocol_of(payload: Any) -> int:
    dpkt = packet_library()
    known = {
        dpkt.udp.UDP: UDP, dpkt.tcp.TCP: TCP, dpkt.icmp.ICMP: ICMP, dpkt.icmp6.ICMP6: ICMPV6,
        dpkt.ip.IP: IPIP,
    }  # fmt: skip
    return known.get(type(payload), 253)  # RFC 3692: for experiments


def arp(src: str, dst: str, src_mac: str = SOURCE_MAC) -> Any:
    """Who has ``dst``?  Tell ``src``."""
    return packet_library().arp.ARP(
        sha=mac(src_mac), spa=ip_address(src).packed, tpa=ip_address(dst).packed
    )


def frame(layer: Any, *, src: str = SOURCE_MAC, dst: str = DEST_MAC, vlan: int = 0) -> bytes:
    """The Ethernet frame around an ip or arp layer; ``vlan`` puts it into one."""
    dpkt = packet_library()
    kinds = {dpkt.ip.IP: ETH_P_IP, dpkt.ip6.IP6: ETH_P_IPV6, dpkt.arp.ARP: ETH_P_ARP}
    kind = kinds[type(layer)]
    tag = ETH_P_8021Q.to_bytes(2, "big") + vlan.to_bytes(2, "big") if vlan else b""
    return mac(dst) + mac(src) + tag + kind.to_bytes(2, "big") + bytes(layer)
