"""Helpers on sockets: nobody listens on this machine, so the only one is the packet's own.

What they do with that follows Linux 6.18, net/core/filter.c and bpf_sk_storage.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.errors import UnsupportedError
from bpfsmt.machine.errno import EINVAL, ENOENT
from bpfsmt.machine.helpers.base import U32, Host
from bpfsmt.machine.maps import Value
from bpfsmt.machine.socket import LISTEN

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine


_TCP = 6
_CREATE = 1


class SocketHelpers(Host):
    """Lookups by addresses and ports, which find nothing; the packet's socket; storage."""

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

    # The packet's socket -------------------------------------------------------------------

    def bpf_sk_fullsock(self, m: Machine, sk: int, *_: int) -> int:
        """The socket, or NULL if the kernel keeps a part of it only."""
        socket = m.socket_at(sk)
        return sk if socket is not None and socket.full else 0

    def bpf_tcp_sock(self, m: Machine, sk: int, *_: int) -> int:
        """NULL: the socket is none of TCP.  Raises `UnsupportedError` if it is one."""
        socket = m.socket_at(sk)
        if socket is not None and socket.full and socket.get("protocol") == _TCP:
            raise UnsupportedError("what a TCP socket has besides is not modelled")
        return 0

    def bpf_get_listener_sock(self, m: Machine, sk: int, *_: int) -> int:
        """NULL: the socket does not listen.  Raises `UnsupportedError` if it does."""
        socket = m.socket_at(sk)
        if socket is not None and socket.get("state") == LISTEN:
            raise UnsupportedError("a socket that listens is not modelled")
        return 0

    # Local storage -------------------------------------------------------------------------

    def bpf_sk_storage_get(
        self, m: Machine, handle: int, sk: int, initial: int, flags: int, _: int
    ) -> int:
        """The address of what a map holds for a socket, made if the flags say so, or NULL."""
        state, socket = m.map_state(handle), m.socket_at(sk)
        if socket is None or not socket.full or flags > _CREATE:
            return 0
        value = m.storage.get(state)
        if value is None:
            if flags != _CREATE:
                return 0
            size = state.definition.value_size
            value = m.storage[state] = Value(m.memory.read(initial, size) if initial else size)
        return m.value_address(state, value)

    def bpf_sk_storage_delete(self, m: Machine, handle: int, sk: int, *_: int) -> int:
        """Give up what a map holds for a socket: 0, -EINVAL without one, -ENOENT for nothing."""
        state, socket = m.map_state(handle), m.socket_at(sk)
        if socket is None or not socket.full:
            return EINVAL
        return ENOENT if m.storage.pop(state, None) is None else 0

    def bpf_get_local_storage(self, m: Machine, handle: int, flags: int, *_: int) -> int:
        """The address of what a map holds for the cgroup: zeros at first, as in a test run."""
        state = m.map_state(handle)
        value = m.storage.setdefault(state, Value(state.definition.value_size))
        return m.value_address(state, value)
