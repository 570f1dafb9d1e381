"""Helpers on the packets of programs for ``__sk_buff``."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from bpfsmt.machine.errno import EFAULT, EINVAL, ENOMEM
from bpfsmt.machine.helpers.base import U32, Host, as_int
from bpfsmt.machine.skb import IPV4, IPV6, Skb, swapped

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_RECOMPUTE, _INVALIDATE_HASH = 1, 2
_INT_MAX = 0x7FFFFFFF
_FROM_LINK, _FROM_NETWORK = 0, 1
_LAST_TYPE = 3  # packets to this host, to all, to a group, to others
_WITH_PORTS = (6, 17, 132, 33, 136)


class SkbHelpers(Host):
    """The packet is one piece and nobody else's: nothing must be pulled in or copied."""

    def bpf_skb_load_bytes(
        self, m: Machine, ctx: int, offset: int, to: int, size: int, *_: int
    ) -> int:
        """Copy bytes out of the packet: 0, or -EFAULT and zeros if it does not have them."""
        offset, size = offset & U32, size & U32
        found = m.skb.from_offset(offset, size) if offset <= _INT_MAX else None
        m.memory.write(to, bytes(size) if found is None else found)
        return EFAULT if found is None else 0

    def bpf_skb_load_bytes_relative(
        self, m: Machine, ctx: int, offset: int, to: int, size: int, start: int
    ) -> int:
        """As `bpf_skb_load_bytes`, from the link-layer (0) or network header (1) on."""
        offset, size, start = offset & U32, size & U32, start & U32
        places = {_FROM_LINK: m.skb.mac_offset, _FROM_NETWORK: m.skb.network_offset}
        found = None
        if offset <= 0xFFFF and start in places:
            found = m.skb.from_offset(places[start] + offset, size)
        m.memory.write(to, bytes(size) if found is None else found)
        return EFAULT if found is None else 0

    def bpf_skb_store_bytes(
        self, m: Machine, ctx: int, offset: int, data: int, size: int, flags: int
    ) -> int:
        """Copy bytes into the packet: 0, -EINVAL for flags, -EFAULT if it is too short."""
        offset, size = offset & U32, size & U32
        content = m.memory.read(data, size)
        if flags & ~(_RECOMPUTE | _INVALIDATE_HASH):
            return EINVAL
        if offset > _INT_MAX or not m.skb.writable(offset + size):
            return EFAULT
        m.skb.put(offset, content)
        if flags & _INVALIDATE_HASH:
            m.context.put("hash", 0)
        return 0

    def bpf_skb_pull_data(self, m: Machine, ctx: int, size: int, *_: int) -> int:
        """0 if the packet has so many bytes, else -ENOMEM."""
        return 0 if m.skb.writable(size & U32) else ENOMEM

    def bpf_skb_change_tail(self, m: Machine, ctx: int, size: int, flags: int, *_: int) -> int:
        """Cut, or grow by zeros, to a length: 0, -EINVAL or -ENOTSUPP."""
        return EINVAL if flags else m.skb.change_tail(size & U32)

    def bpf_skb_change_head(self, m: Machine, ctx: int, room: int, flags: int, *_: int) -> int:
        """Zeros in front of the packet: 0 or -EINVAL."""
        return EINVAL if flags else m.skb.change_head(room & U32)

    def bpf_skb_adjust_room(
        self, m: Machine, ctx: int, delta: int, mode: int, flags: int, _: int
    ) -> int:
        """More or less room behind the link-layer or network header: 0 or an error number."""
        return m.skb.adjust_room(as_int(delta), mode & U32, flags)

    def bpf_skb_change_proto(self, m: Machine, ctx: int, proto: int, flags: int, *_: int) -> int:
        """From IPv4 to IPv6 or back, as to lengths: 0 or an error number."""
        return EINVAL if flags else m.skb.change_protocol(swapped(proto & 0xFFFF))

    def bpf_skb_change_type(self, m: Machine, ctx: int, type_: int, *_: int) -> int:
        """To whom the packet is said to be sent: 0 or -EINVAL."""
        skb, type_ = m.skb, type_ & U32
        if type_ > _LAST_TYPE or skb.context.get("pkt_type") > _LAST_TYPE:
            return EINVAL
        skb.context.put("pkt_type", type_)
        return 0

    def bpf_skb_vlan_push(self, m: Machine, ctx: int, proto: int, tag: int, *_: int) -> int:
        """A VLAN tag in front of those that there are: 0."""
        return m.skb.vlan_push(swapped(proto & 0xFFFF), tag & 0xFFFF)

    def bpf_skb_vlan_pop(self, m: Machine, *_: int) -> int:
        """Take off the outermost VLAN tag: 0 or -ENOMEM."""
        return m.skb.vlan_pop()

    # Numbers that go with the packet -------------------------------------------------------

    def bpf_get_hash_recalc(self, m: Machine, *_: int) -> int:
        """A number that is the same for all packets of a flow, computed if there is none."""
        found = m.skb.context.get("hash")
        if not found:
            found = flow_hash(m.skb)
            m.context.put("hash", found)
        return found

    def bpf_set_hash_invalid(self, m: Machine, *_: int) -> int:
        """The packet has no hash."""
        m.skb.context.put("hash", 0)
        return 0

    def bpf_set_hash(self, m: Machine, ctx: int, value: int, *_: int) -> int:
        """The packet has this hash."""
        m.skb.context.put("hash", value & U32)
        return 0

    def bpf_get_cgroup_classid(self, m: Machine, *_: int) -> int:
        """No class."""
        return 0

    def bpf_skb_cgroup_id(self, m: Machine, *_: int) -> int:
        """The root of all."""
        return 1

    def bpf_get_route_realm(self, m: Machine, *_: int) -> int:
        """No realm."""
        return 0


def flow_hash(skb: Skb) -> int:
    """A number of 32 bits, not 0, from addresses, protocol and ports, or what there is."""
    at = skb.network_offset
    head = skb.from_offset(at, 40) or skb.from_offset(at, 20) or b""
    if skb.protocol == IPV4 and len(head) >= 20:
        protocol, addresses, ports_at = head[9], head[12:20], 4 * (head[0] & 0xF)
    elif skb.protocol == IPV6 and len(head) >= 40:
        protocol, addresses, ports_at = head[6], head[8:40], 40
    else:
        return zlib.crc32(skb.at(0, 14)) or 1
    ports = skb.from_offset(at + ports_at, 4) if protocol in _WITH_PORTS else None
    return zlib.crc32(addresses + bytes([protocol]) + (ports or b"")) or 1
