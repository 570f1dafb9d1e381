"""Helpers on the packets of XDP programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.errno import EFAULT, EINVAL
from bpfsmt.machine.helpers.base import U32, Host, as_int

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_MOST = 0xFFFF


class XdpHelpers(Host):
    """Packets in one buffer, without fragments."""

    def bpf_xdp_adjust_head(self, m: Machine, ctx: int, delta: int, *_: int) -> int:
        """Move the packet's start by ``delta``: 0 or -EINVAL."""
        return m.packet.adjust_head(as_int(delta))

    def bpf_xdp_adjust_meta(self, m: Machine, ctx: int, delta: int, *_: int) -> int:
        """Move the start of the metadata: 0, -EINVAL or -EACCES."""
        return m.packet.adjust_meta(as_int(delta))

    def bpf_xdp_adjust_tail(self, m: Machine, ctx: int, delta: int, *_: int) -> int:
        """Move the packet's end: 0 or -EINVAL."""
        return m.packet.adjust_tail(as_int(delta))

    def bpf_xdp_get_buff_len(self, m: Machine, *_: int) -> int:
        """The packet's length in bytes."""
        return len(m.packet)

    def bpf_xdp_load_bytes(
        self, m: Machine, ctx: int, offset: int, to: int, size: int, *_: int
    ) -> int:
        """Copy bytes out of the packet: 0, or -EINVAL if it does not have them."""
        offset, size = offset & U32, size & U32
        code = self._missing(m, offset, size)
        if code == 0:
            m.memory.write(to, m.packet.at(offset, size))
        return code

    def bpf_xdp_store_bytes(
        self, m: Machine, ctx: int, offset: int, data: int, size: int, *_: int
    ) -> int:
        """Copy bytes into the packet: 0, or -EINVAL if it is too short."""
        offset, size = offset & U32, size & U32
        content = m.memory.read(data, size)
        code = self._missing(m, offset, size)
        if code == 0:
            m.packet.put(offset, content)
        return code

    def _missing(self, m: Machine, offset: int, size: int) -> int:
        if offset > _MOST or size > _MOST:
            return EFAULT
        return EINVAL if offset + size > len(m.packet) else 0
