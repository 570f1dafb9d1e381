"""From XDP up to the sockets and down again to the port: traffic control, cgroups, filters.

What answers mean as in Linux 6.18: ``net/sched/cls_bpf.c`` (direct action),
``net/core/dev.c``, ``kernel/bpf/cgroup.c``, ``net/core/filter.c``.
"""

from __future__ import annotations

from ipaddress import ip_address

from bpfsmt.machine import Redirect
from bpfsmt.network.flight import ETHERNET, Flight
from bpfsmt.network.hooks import Hook, Place
from bpfsmt.network.sockets import Socket
from bpfsmt.network.walk import Walk

MAX_REDIRECTS = 8
"""A frame that programs send around more often is dropped."""

_CONSUMED = ("TC_ACT_STOLEN", "TC_ACT_TRAP")


class StackWalk(Walk):
    """The way of a socket buffer."""

    def up(self, flight: Flight, ifindex: int | None = None) -> None:
        """From the port (or, redirected, another one) through traffic control to the stack."""
        flight.take_tag()
        if self._classified(flight, Place(Hook.TC_INGRESS, ifindex or flight.ifindex)):
            self._deliver(flight)

    def down(self, flight: Flight, ifindex: int) -> None:
        """From the stack, or redirected, through traffic control out of a port."""
        if self._classified(flight, Place(Hook.TC_EGRESS, ifindex)):
            self.out(flight, ifindex)

    def send(self, flight: Flight, ifindex: int, cgroup: str) -> None:
        """A local socket sends: its cgroup is asked first."""
        if self._allowed(flight, Place(Hook.CGROUP_EGRESS, cgroup)):
            self.down(flight, ifindex)

    # Traffic control -------------------------------------------------------------------

    def _classified(self, flight: Flight, place: Place) -> bool:
        """Whether the programs let the frame go on; else they sent it off or dropped it.

        A program that does not decide leaves it to the next.
        """
        for loaded in self.table.get(place, ()):
            result = self.run(flight, place, loaded, **_interfaces(flight, place))
            flight.keep(result.ctx)
            for copy in result.copies:
                clone = flight.clone()
                clone.data = copy.packet
                self._redirect(clone, copy.redirect)
            action = result.action
            if result.problem or action == "TC_ACT_SHOT":
                self.drop(result.problem or action, flight)
                return False
            if action == "TC_ACT_REDIRECT":
                self._redirect(flight, result.redirect)
                return False
            if action in _CONSUMED:
                self.end("consumed", loaded.name, flight.frame())
                return False
            if action == "TC_ACT_OK":
                break
        return True

    def _redirect(self, flight: Flight, redirect: Redirect | None) -> None:
        flight.redirects += 1
        if redirect is None or flight.redirects > MAX_REDIRECTS:
            self.drop(
                "redirected to nothing" if redirect is None else "redirected too often", flight
            )
            return
        for hop in redirect.hops:
            if hop.number not in self.node.ports:
                self.drop(f"no port {hop.number}", flight)
            elif redirect.ingress or redirect.kind == "peer":
                self.up(flight, hop.number)
            elif redirect.kind != "neighbour" or self._address(flight, redirect, hop.number):
                self.down(flight, hop.number)

    def _address(self, flight: Flight, redirect: Redirect, ifindex: int) -> bool:
        """Write the link-layer header for the next host; False if there is no such neighbour."""
        routes, data = self.node.env.routes, flight.data
        ipv4 = data[12:14] == b"\x08\x00"
        address = redirect.nexthop or (data[30:34] if ipv4 else data[38:54])
        device = routes.find_device(ifindex)
        mac = routes.link_address(ip_address(address), ifindex) if address else None
        if device is None or mac is None:
            self.drop("no such neighbour", flight)
            return False
        flight.data = mac + device.mac + data[12:]
        return True

    # Cgroups and sockets ---------------------------------------------------------------

    def _allowed(self, flight: Flight, place: Place) -> bool:
        """Whether all programs of a cgroup let the packet through."""
        for loaded in self.table.get(place, ()):
            result = self.run(flight, place, loaded, ingress=flight.ifindex)
            flight.keep(result.ctx)
            if result.problem or result.action != "PASS":
                self.drop(result.problem or f"cgroup {place.at}", flight)
                return False
        return True

    def _deliver(self, flight: Flight) -> None:
        if self.node.stack is not None:
            self.end("stack", "", flight.frame())
            self.node.stack(self.node, flight)
            return
        takers = [s for s in self.node.sockets.values() if s.takes(flight.data[ETHERNET:])]
        for socket in takers:
            self._receive(flight.clone(), socket)
        if not takers:
            self.end("stack", "", flight.frame())

    def _receive(self, flight: Flight, socket: Socket) -> None:
        if not self._allowed(flight, Place(Hook.CGROUP_INGRESS, socket.cgroup)):
            return
        packet = flight.data[ETHERNET:]
        place = Place(Hook.SOCKET, socket.name)
        for loaded in self.table.get(place, ()):
            result = self.run(flight, place, loaded, ingress=flight.ifindex)
            if result.problem or result.action != "PASS":
                self.drop(result.problem or f"filter of socket {socket.name}", flight)
                return
            packet = packet[: (result.r0 or 0) & 0xFFFFFFFF]
        socket.received.append(packet)
        self.end("socket", socket.name, packet)


def _interfaces(flight: Flight, place: Place) -> dict[str, int]:
    """What a classifier sees: on the way out, the port ahead; else the one where it is now."""
    at = place.at if isinstance(place.at, int) else flight.ifindex
    return {"egress": at} if place.hook is Hook.TC_EGRESS else {"ingress": at}
