"""Helpers that send a packet somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.actions import TC_ACT_REDIRECT, TC_ACT_SHOT, XDP_ABORTED, XDP_REDIRECT
from bpfsmt.machine.errno import EINVAL
from bpfsmt.machine.helpers.base import U32, Host, as_int
from bpfsmt.machine.inputs import Copy, Hop, Redirect, RedirectKind
from bpfsmt.machine.maps import TableState
from bpfsmt.machine.memory import Fault
from bpfsmt.program.program import ProgramType

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_INGRESS = 1
_ACTION = 3  # flags of redirect_map: the answer if nothing is found
_BROADCAST, _EXCLUDE_INGRESS = 1 << 3, 1 << 4
_NEIGHBOUR_SIZE = 20
_KINDS: dict[str, RedirectKind] = {
    "devmap": "devmap", "devmap_hash": "devmap", "cpumap": "cpumap", "xskmap": "xskmap",
}  # fmt: skip


class RedirectHelpers(Host):
    """Where to is in ``machine.redirect`` until the program answers."""

    def bpf_redirect(self, m: Machine, ifindex: int, flags: int, *_: int) -> int:
        """The action that sends the packet on, or the one that drops it for unknown flags."""
        hop = (Hop(ifindex & U32),)
        if m.program.type is ProgramType.XDP:
            if flags:
                return XDP_ABORTED
            m.redirect = Redirect("interface", hop)
            return XDP_REDIRECT
        if flags & ~_INGRESS:
            return TC_ACT_SHOT
        m.redirect = Redirect("interface", hop, ingress=bool(flags & _INGRESS))
        return TC_ACT_REDIRECT

    def bpf_redirect_peer(self, m: Machine, ifindex: int, flags: int, *_: int) -> int:
        """To the other end of a pair of interfaces, as if it had come in there."""
        if flags:
            return TC_ACT_SHOT
        m.redirect = Redirect("peer", (Hop(ifindex & U32),), ingress=True)
        return TC_ACT_REDIRECT

    def bpf_redirect_neigh(
        self, m: Machine, ifindex: int, params: int, size: int, flags: int, _: int
    ) -> int:
        """Out of an interface, with the link-layer header that the neighbour table says."""
        size = as_int(size)
        if flags or (size and size < _NEIGHBOUR_SIZE):
            return TC_ACT_SHOT
        nexthop = m.memory.read(params, _NEIGHBOUR_SIZE) if size else b""
        address = nexthop[4:8] if nexthop[:1] == b"\x02" else nexthop[4:]
        m.redirect = Redirect("neighbour", (Hop(ifindex & U32),), nexthop=address)
        return TC_ACT_REDIRECT

    def bpf_redirect_map(self, m: Machine, handle: int, index: int, flags: int, *_: int) -> int:
        """XDP_REDIRECT if the map has the index, else the action in the low bits of flags."""
        state = m.map_state(handle)
        if not isinstance(state, TableState):
            raise Fault("helper call", why="packets cannot be redirected through the map")
        kind = _KINDS[state.definition.type]
        known = _ACTION | (_BROADCAST | _EXCLUDE_INGRESS if kind == "devmap" else 0)
        if flags & ~known:
            return XDP_ABORTED
        key = index & U32
        if flags & _BROADCAST:
            hops = self._all_hops(m, state, exclude_ingress=bool(flags & _EXCLUDE_INGRESS))
        else:
            target = state.target(key)
            if target is None:
                return flags & _ACTION
            number = key if kind == "cpumap" else target.number
            hops = (Hop(number, target.program),)
        m.redirect = Redirect(kind, hops, state.definition.name, key)
        return XDP_REDIRECT

    def _all_hops(self, m: Machine, state: TableState, *, exclude_ingress: bool) -> tuple[Hop, ...]:
        excluded = m.context.get("ingress_ifindex") if exclude_ingress else 0
        return tuple(
            Hop(target.number, target.program)
            for _, target in state.targets()
            if target.number != excluded
        )

    def bpf_clone_redirect(self, m: Machine, ctx: int, ifindex: int, flags: int, *_: int) -> int:
        """Send off a copy of the packet as it is now: 0, or -EINVAL."""
        if flags & ~_INGRESS or self.routes.find_device(ifindex & U32) is None:
            return EINVAL
        hop = (Hop(ifindex & U32),)
        redirect = Redirect("interface", hop, ingress=bool(flags & _INGRESS))
        m.copies.append(Copy(m.packet.content, redirect))
        return 0
