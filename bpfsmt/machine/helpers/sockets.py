"""Helpers that look for sockets: on this machine nobody listens, so there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.helpers.base import U32, Host

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine


class SocketHelpers(Host):
    """Lookups by addresses and ports, which find nothing."""

    def bpf_sk_lookup_tcp(self, m: Machine, ctx: int, tuple_: int, size: int, *_: int) -> int:
        """NULL: no TCP socket has that tuple."""
        m.memory.read(tuple_, size & U32)
        return 0

    def bpf_sk_lookup_udp(self, m: Machine, ctx: int, tuple_: int, size: int, *_: int) -> int:
        """NULL: no UDP socket has that tuple."""
        return self.bpf_sk_lookup_tcp(m, ctx, tuple_, size)

    def bpf_skc_lookup_tcp(self, m: Machine, ctx: int, tuple_: int, size: int, *_: int) -> int:
        """NULL: no TCP socket has that tuple, of those either that are not whole yet."""
        return self.bpf_sk_lookup_tcp(m, ctx, tuple_, size)
