"""``bpf_fib_lookup`` and ``bpf_check_mtu``: the routing table's answers.

Follows Linux 6.18, net/core/filter.c (``bpf_ipv4_fib_lookup`` and its kin).
"""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING

from bpfsmt.machine.errno import EAFNOSUPPORT, EINVAL, ENODEV
from bpfsmt.machine.helpers.base import U32, Host, as_int
from bpfsmt.machine.packet import ETHERNET
from bpfsmt.machine.routes import MAIN, Address, Device, Route
from bpfsmt.machine.skb import VLAN, Skb

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

(SUCCESS, BLACKHOLE, UNREACHABLE, PROHIBIT, NOT_FWDED, FWD_DISABLED, UNSUPP_LWT, NO_NEIGH,
 FRAG_NEEDED, NO_SRC_ADDR) = range(10)  # fmt: skip
"""What ``bpf_fib_lookup`` returns (``BPF_FIB_LKUP_RET_*``)."""

DIRECT, OUTPUT, SKIP_NEIGH, TBID, SRC, MARK = (1 << n for n in range(6))
_FLAGS = (1 << 6) - 1

AF_INET, AF_INET6 = 2, 10
_SIZE = 64
_KINDS = {"blackhole": BLACKHOLE, "unreachable": UNREACHABLE, "prohibit": PROHIBIT}
_CHK_SEGS, _CHK_FRAG_NEEDED = 1, 1


class _Question:
    """``struct bpf_fib_lookup`` in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)

    def get(self, form: str, at: int) -> int:
        """A number in the order of ``form``."""
        return int(struct.unpack_from(form, self.data, at)[0])

    def put(self, form: str, at: int, value: int) -> None:
        """Store a number."""
        struct.pack_into(form, self.data, at, value)

    @property
    def family(self) -> int:
        """AF_INET or AF_INET6."""
        return self.data[0]

    @property
    def total_length(self) -> int:
        """The packet's length from the network header on; afterwards the route's MTU."""
        return self.get("<H", 6)

    def address(self, at: int) -> Address:
        """The source (16) or destination (32)."""
        if self.family == AF_INET:
            return ipaddress.IPv4Address(bytes(self.data[at : at + 4]))
        return ipaddress.IPv6Address(bytes(self.data[at : at + 16]))

    def put_address(self, at: int, address: Address) -> None:
        """Store an address; one of the other family changes the family if it is a gateway."""
        if address.version == 6:
            self.data[0] = AF_INET6
        self.data[at : at + len(address.packed)] = address.packed


class FibHelpers(Host):
    """Lookups in ``routes``."""

    def bpf_fib_lookup(
        self, m: Machine, ctx: int, params: int, size: int, flags: int, _: int
    ) -> int:
        """Route, and the link-layer addresses, of a packet: a code, or an error number."""
        flags &= U32
        if as_int(size) < _SIZE or flags & ~_FLAGS:
            return EINVAL
        question = _Question(m.memory.read(params, _SIZE))
        if question.family not in (AF_INET, AF_INET6):
            return EAFNOSUPPORT
        skb = m.packet if isinstance(m.packet, Skb) else None
        checks_length = skb is None or question.total_length != 0
        code = self._lookup(question, flags, checks_length)
        if skb is not None and code == SUCCESS and not checks_length:
            device = self.routes.find_device(question.get("<I", 8))
            assert device is not None
            if len(skb) > device.mtu + ETHERNET + VLAN:
                code = FRAG_NEEDED
            question.put("<H", 6, min(device.mtu, 0xFFFF))
        m.memory.write(params, bytes(question.data))
        return code

    def _lookup(self, question: _Question, flags: int, checks_length: bool) -> int:
        destination = question.address(32)
        if question.family == AF_INET6 and (_local(destination) or _local(question.address(16))):
            return NOT_FWDED
        interface = question.get("<I", 8)
        device = self.routes.find_device(interface)
        if device is None:
            return ENODEV
        if not device.forwards:
            return FWD_DISABLED
        only = interface if flags & OUTPUT else None
        if not flags & DIRECT:
            route = self.routes.lookup(destination, device=only)
        else:
            table = question.get("<I", 48) if flags & TBID else MAIN
            if flags & TBID:
                question.put("<I", 48, 0)
            route = self.routes.lookup(destination, table, only)
        if route is None or route.kind != "unicast":
            return NOT_FWDED if route is None else _KINDS.get(route.kind, NOT_FWDED)
        out = self.routes.find_device(route.device)
        return NOT_FWDED if out is None else self._out(question, flags, checks_length, route, out)

    def _out(
        self, question: _Question, flags: int, checks_length: bool, route: Route, out: Device
    ) -> int:
        """The packet goes out by a device, if it fits and the neighbour is known."""
        mtu = out.mtu if route.mtu is None else route.mtu
        if checks_length and question.total_length > mtu:
            question.put("<H", 6, mtu)
            return FRAG_NEEDED
        question.put("<I", 12, route.metric)
        question.put("<I", 8, out.index)
        if flags & SRC:
            if route.source is None and question.family == AF_INET6:
                return NO_SRC_ADDR
            question.put_address(16, route.source or ipaddress.IPv4Address(0))
        if route.via is not None:
            question.put_address(32, route.via)
        if not flags & SKIP_NEIGH:
            link_address = self.routes.link_address(question.address(32), out.index)
            if link_address is None:
                return NO_NEIGH
            question.data[52:58], question.data[58:64] = out.mac, link_address
        question.put("<I", 48, 0)  # no VLAN
        if checks_length and mtu:
            question.put("<H", 6, min(mtu, 0xFFFF))
        return SUCCESS

    def bpf_check_mtu(
        self, m: Machine, ctx: int, ifindex: int, length: int, delta: int, flags: int
    ) -> int:
        """Whether the packet, changed by ``delta`` bytes, fits the interface's MTU: 0 or 1.

        At ``length`` the program says the packet's length from the network header on (0 for
        what it is), and gets the MTU.
        """
        skb = isinstance(m.packet, Skb)
        given = int.from_bytes(m.memory.read(length, 4), "little")
        if flags & ~(_CHK_SEGS if skb else 0) or (flags & _CHK_SEGS and (as_int(delta) or given)):
            return EINVAL
        index = ifindex & U32 or m.context.get("ifindex" if skb else "ingress_ifindex") or 1
        device = self.routes.find_device(index)
        if device is None:
            return ENODEV
        total = (given + ETHERNET if given else len(m.packet)) + as_int(delta)
        m.memory.write(length, device.mtu.to_bytes(4, "little"))
        return _CHK_FRAG_NEEDED if total > device.mtu + ETHERNET else 0


def _local(address: Address) -> bool:
    """Addresses that belong to one link, which are not forwarded."""
    return address.is_multicast or address.is_link_local or address.is_loopback
