"""A frame's way from the port through XDP, and on to wherever the program sends it.

As in Linux 6.18: drivers' handling of actions, ``xdp_do_redirect`` in ``net/core/filter.c``,
``kernel/bpf/devmap.c`` and ``cpumap.c`` for the programs of map entries.
"""

from __future__ import annotations

from bpfsmt.machine import Hop, Redirect, Result
from bpfsmt.network.flight import Flight
from bpfsmt.network.hooks import Hook, Place
from bpfsmt.network.stack import MAX_REDIRECTS, StackWalk


class Path(StackWalk):
    """The whole way of a frame that a port received."""

    def arrive(self, flight: Flight) -> None:
        """Ask the port's XDP program, if it has one."""
        place = Place(Hook.XDP, flight.ifindex)
        for loaded in self.table.get(place, ()):
            result = self.run(flight, place, loaded, ingress=flight.ifindex)
            if result.action == "XDP_TX" and not result.problem:
                self.out(flight, flight.ifindex)
                return
            if not self._stays(flight, result):
                return
        self.up(flight)

    def _stays(self, flight: Flight, result: Result) -> bool:
        """Whether XDP leaves the frame to this node; else it was sent on or dropped."""
        if result.problem:
            self.drop(result.problem, flight)
        elif result.action == "XDP_REDIRECT":
            self._go(flight, result.redirect)
        elif result.action != "XDP_PASS":
            self.drop(result.action, flight)
        return result.action == "XDP_PASS" and not result.problem

    def _go(self, flight: Flight, redirect: Redirect | None) -> None:
        flight.redirects += 1
        if redirect is None or not redirect.hops or flight.redirects > MAX_REDIRECTS:
            too_often = flight.redirects > MAX_REDIRECTS
            self.drop("redirected too often" if too_often else "redirected to nothing", flight)
            return
        for hop in redirect.hops:
            copy = flight.clone()
            if redirect.kind == "cpumap":
                self._to_cpu(copy, hop)
            elif redirect.kind == "xskmap":
                self.node.xsk.setdefault(hop.number, []).append(copy.data)
                self.end("xsk", str(hop.number), copy.data)
            else:
                self._to_port(copy, hop)

    def _to_port(self, flight: Flight, hop: Hop) -> None:
        """Out of a port, if the program of the devmap's entry passes the frame."""
        if hop.program is not None:
            place, loaded = Place(Hook.DEVMAP, hop.number), self.node.loaded(hop.program)
            result = self.run(flight, place, loaded, ingress=flight.ifindex, egress=hop.number)
            if result.problem or result.action != "XDP_PASS":
                self.drop(result.problem or result.action, flight)
                return
        self.out(flight, hop.number)

    def _to_cpu(self, flight: Flight, hop: Hop) -> None:
        """On to another CPU, and up from there if the program of the entry passes the frame."""
        flight.cpu = hop.number
        if hop.program is not None:
            place, loaded = Place(Hook.CPUMAP, hop.number), self.node.loaded(hop.program)
            if not self._stays(flight, self.run(flight, place, loaded, ingress=flight.ifindex)):
                return
        self.up(flight)
