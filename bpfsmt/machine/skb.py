"""A packet in a socket buffer, as programs for ``__sk_buff`` see it: always in one piece.

What helpers do with it follows Linux 6.18, net/core/filter.c and skbuff.c.  Checksums that
a card computed, segmentation and cloning are not modelled: a packet is plain bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.errno import EALREADY, EFAULT, EINVAL, ENOMEM, ENOTSUPP
from bpfsmt.machine.memory import Memory
from bpfsmt.machine.packet import ETHERNET, Packet

if TYPE_CHECKING:
    from bpfsmt.machine.context import Context

MAX_LENGTH = (4 * 4096) - 320
"""The most bytes that a helper makes a packet."""

VLAN = 4
"""The length of a VLAN tag."""

IPV4, IPV6 = 0x0800, 0x86DD
_8021Q, _8021AD = 0x8100, 0x88A8
_HEADER = {IPV4: 20, IPV6: 40}
_LEAST_TYPE = 0x0600  # what is less in an Ethernet header is a length
_802_3, _802_2 = 1, 4

# Flags and modes of adjust_room.
_FIXED_GSO, _ENCAP_IPV4, _ENCAP_IPV6, _GRE, _UDP, _NO_RESET, _L2_ETH, _DECAP_IPV4, _DECAP_IPV6 = (
    1 << n for n in range(9)
)
_L2_SHIFT = 56
_ROOM_FLAGS = (1 << 9) - 1 | 0xFF << _L2_SHIFT
_SHRINK_FLAGS = _FIXED_GSO | _DECAP_IPV4 | _DECAP_IPV6 | _NO_RESET
_ROOM_NET, _ROOM_MAC = 0, 1
_MOST_ROOM = 0xFFF


def swapped(number: int) -> int:
    """Two bytes in the other order: what ``htons`` makes of a number, and back."""
    return (number & 0xFF) << 8 | number >> 8 & 0xFF


class Skb(Packet):
    """The packet, where its link and network headers are, and what the context says of it.

    ``link`` are the bytes of the link-layer header in front, where the program starts at
    the network header; a classifier starts at the link-layer header.
    """

    __slots__ = ("_encapsulated", "_mac", "_net", "checked", "context")

    context: Context
    checked: int | None
    """How many checksums in a row were found right, less one; `None`: nobody looked."""

    def __init__(self, memory: Memory, packet: bytes, meta: bytes, link: bytes | None) -> None:
        super().__init__(memory, packet, meta)
        if link:
            self.region.data[self._meta - len(link) : self._meta] = link
        self._mac = self._data if link is None else self._meta - len(link)
        self._net = self._data + (ETHERNET if link is None else 0)
        self._encapsulated = False
        self.checked = None

    # Places in the packet ----------------------------------------------------------------

    @property
    def network_offset(self) -> int:
        """Where the network header is, from where the program sees the packet begin."""
        return self._net - self._data

    @property
    def mac_offset(self) -> int:
        """Where the link-layer header is; 0, or less than that."""
        return self._mac - self._data

    def from_offset(self, offset: int, size: int) -> bytes | None:
        """Bytes at an offset that may lie before the packet's start; `None` if not there."""
        begin = self._data + offset
        if begin < 0 or begin + size > self._end:
            return None
        return bytes(self.region.data[begin : begin + size])

    @property
    def protocol(self) -> int:
        """The EtherType of what is in the packet (host order)."""
        return swapped(self.context.get("protocol"))

    @protocol.setter
    def protocol(self, ethertype: int) -> None:
        self.context.put("protocol", swapped(ethertype))

    def _place(self, meta: int, data: int, end: int) -> None:
        super()._place(meta, data, end)
        context = getattr(self, "context", None)
        if context is not None:
            context.put("len", end - data)

    def _move_start(self, delta: int) -> None:
        """The packet begins ``delta`` bytes later; metadata moves along."""
        size = self._data - self._meta
        extra = max(0, size - (self._data + delta))
        if extra:
            self._make_room(extra)
        buffer, data = self.region.data, self._data + delta
        buffer[data - size : data] = buffer[self._meta : self._data]
        self._place(data - size, data, self._end)

    def _make_room(self, extra: int) -> None:
        """A longer headroom; all bytes keep their addresses."""
        extra = -(-extra // 64) * 64
        self.region.data[:0] = bytes(extra)
        self.region.base -= extra
        self._start += extra
        self._mac += extra
        self._net += extra
        self._place(self._meta + extra, self._data + extra, self._end + extra)

    # Length --------------------------------------------------------------------------------

    def writable(self, length: int) -> bool:
        """Whether so many bytes can be made directly writable: there are as many."""
        return length <= len(self)

    def change_tail(self, length: int) -> int:
        """Cut, or grow by zeros, to a length; 0, -EINVAL or -ENOTSUPP."""
        if not max(self.network_offset, 0) <= length <= MAX_LENGTH:
            return EINVAL
        if self._encapsulated:
            return ENOTSUPP
        buffer, end = self.region.data, self._data + length
        buffer.extend(bytes(max(0, end - len(buffer))))
        if end > self._end:
            buffer[self._end : end] = bytes(end - self._end)
        self._place(self._meta, self._data, end)
        return 0

    def change_head(self, room: int) -> int:
        """Zeros in front, where a new link-layer header begins; 0 or -EINVAL."""
        if not len(self) <= len(self) + room <= MAX_LENGTH:
            return EINVAL
        self._move_start(-room)
        self.put(0, bytes(room))
        self._mac = self._data
        return 0

    # The room between headers ----------------------------------------------------------------

    def _insert(self, offset: int, size: int) -> None:
        """Zeros at an offset: what is before them moves towards the front."""
        self._move_start(-size)
        head = self.at(size, offset)
        self.put(0, head + bytes(size))
        self._mac -= size
        self._net -= size

    def _remove(self, offset: int, size: int) -> int:
        """Take bytes out at an offset; 0 or -ENOMEM."""
        if offset + size > len(self):
            return ENOMEM
        head = self.at(0, offset)
        self._move_start(size)
        self.put(0, head)
        self._mac += size
        self._net += size
        return 0

    def change_protocol(self, ethertype: int) -> int:
        """IPv4 to IPv6 or back, as to lengths: 0, -ENOTSUPP or -ENOMEM."""
        grow = _HEADER[IPV6] - _HEADER[IPV4]
        mac_length = self._net - self._mac
        if (self.protocol, ethertype) == (IPV4, IPV6):
            self._insert(mac_length, grow)
        elif (self.protocol, ethertype) == (IPV6, IPV4):
            if self._remove(mac_length, grow):
                return ENOMEM
        else:
            return ENOTSUPP
        self.protocol = ethertype
        self.context.put("hash", 0)
        return 0

    def adjust_room(self, delta: int, mode: int, flags: int) -> int:
        """More or less room behind the link-layer or the network header.

        0, -EINVAL for flags, -EFAULT for more than 4095 bytes, -ENOTSUPP for another
        protocol, mode or length, -EALREADY for a second encapsulation, -ENOMEM.
        """
        if flags & ~_ROOM_FLAGS:
            return EINVAL
        if abs(delta) > _MOST_ROOM:
            return EFAULT
        least = _HEADER.get(self.protocol)
        if least is None or mode not in (_ROOM_NET, _ROOM_MAC):
            return ENOTSUPP
        offset = self._net - self._mac + (least if mode == _ROOM_NET else 0)
        decapsulates = flags & (_DECAP_IPV4 | _DECAP_IPV6)
        if decapsulates:
            if delta >= 0 or decapsulates == _DECAP_IPV4 | _DECAP_IPV6:
                return EINVAL
            least = _HEADER[IPV4 if decapsulates == _DECAP_IPV4 else IPV6]
        rest = len(self) - self.network_offset
        if delta < 0:
            if -delta >= rest or rest + delta < least:
                return ENOTSUPP
            code = self._shrink(offset, -delta, flags)
        elif len(self) + delta > MAX_LENGTH:
            return ENOTSUPP
        else:
            code = self._grow(offset, delta, flags)
        if code == 0 and not flags & _NO_RESET:
            self.checked = None
        return code

    def _shrink(self, offset: int, size: int, flags: int) -> int:
        if flags & ~_SHRINK_FLAGS:
            return EINVAL
        if self._remove(offset, size):
            return ENOMEM
        if self.protocol == IPV4 and flags & _DECAP_IPV6:
            self.protocol = IPV6
        elif self.protocol == IPV6 and flags & _DECAP_IPV4:
            self.protocol = IPV4
        return 0

    def _grow(self, offset: int, size: int, flags: int) -> int:
        outer = flags & (_ENCAP_IPV4 | _ENCAP_IPV6)
        if not outer:
            self._insert(offset, size)
            return 0
        inner_mac = flags >> _L2_SHIFT
        if outer == _ENCAP_IPV4 | _ENCAP_IPV6 or (flags & _GRE and flags & _UDP):
            return EINVAL
        if flags & _L2_ETH and inner_mac < ETHERNET:
            return EINVAL
        if self._encapsulated:
            return EALREADY
        if inner_mac > size:
            return EINVAL
        mac_length = self._net - self._mac
        self._insert(offset, size)
        self._encapsulated = True
        self._net = self._data + mac_length
        self.protocol = IPV4 if outer == _ENCAP_IPV4 else IPV6
        return 0

    # VLAN tags -------------------------------------------------------------------------------

    def vlan_push(self, ethertype: int, tag: int) -> int:
        """A new tag beside the packet; one that was there already goes into it: 0."""
        if ethertype not in (_8021Q, _8021AD):
            ethertype = _8021Q
        context = self.context
        if context.get("vlan_present"):
            outer = swapped(context.get("vlan_proto"))
            self._insert_tag(outer, context.get("vlan_tci"))
            self.protocol = outer
        self._set_tag(ethertype, tag)
        return 0

    def vlan_pop(self) -> int:
        """Take off the outermost tag; the next one comes out of the packet.  0 or -ENOMEM."""
        if self.context.get("vlan_present"):
            self._set_tag(0, 0)
        else:
            if self.protocol not in (_8021Q, _8021AD):
                return 0
            if self._remove_tag() is None:
                return ENOMEM
        if self.protocol not in (_8021Q, _8021AD):
            return 0
        ethertype = self.protocol
        tag = self._remove_tag()
        if tag is None:
            return ENOMEM
        self._set_tag(ethertype, tag)
        return 0

    def _set_tag(self, ethertype: int, tag: int) -> None:
        self.context.put("vlan_present", int(ethertype != 0))
        self.context.put("vlan_proto", swapped(ethertype))
        self.context.put("vlan_tci", tag)

    def _insert_tag(self, ethertype: int, tag: int) -> None:
        net = self._net - self._mac
        self._insert(ETHERNET - 2, VLAN)
        self.put(ETHERNET - 2, ethertype.to_bytes(2, "big") + tag.to_bytes(2, "big"))
        self._net = self._mac + net

    def _remove_tag(self) -> int | None:
        """The tag inside the packet, which is then gone; `None` if it is too short."""
        if len(self) < ETHERNET + VLAN:
            return None
        tag = int.from_bytes(self.at(ETHERNET, 2), "big")
        inner = int.from_bytes(self.at(ETHERNET + 2, 2), "big")
        if inner < _LEAST_TYPE:
            inner = _802_3 if self.at(ETHERNET + VLAN, 2) == b"\xff\xff" else _802_2
        net = self._net
        self._remove(ETHERNET - 2, VLAN)
        self._net = max(net, self._data + ETHERNET)
        self.protocol = inner
        return tag
