"""What every stretch of a frame's way needs: programs run, ends noted, ports found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine import Inputs, Redirect, Result, run
from bpfsmt.network.config import Table
from bpfsmt.network.context import context_for
from bpfsmt.network.flight import ETHERNET, Flight
from bpfsmt.network.hooks import Hook, Place
from bpfsmt.network.journey import End, EndKind, Journey, Verdict
from bpfsmt.network.loaded import Loaded

if TYPE_CHECKING:
    from bpfsmt.network.node import Node

_FROM_NETWORK_HEADER = (Hook.SOCKET, Hook.CGROUP_INGRESS, Hook.CGROUP_EGRESS)
"""Hooks whose programs see the packet from behind the Ethernet header."""


class Walk:
    """The way of one frame under one table of attachments; the journey notes all of it."""

    def __init__(self, node: Node, table: Table, journey: Journey, *, trace: bool) -> None:
        self.node = node
        self.table = table
        self.journey = journey
        self.trace = trace

    def run(
        self, flight: Flight, place: Place, loaded: Loaded, *, ingress: int = 0, egress: int = 0
    ) -> Result:
        """Run a program on the frame, which is afterwards as the program left it.

        The interfaces are what the program sees in its context.
        """
        env = self.node.env
        env.cpu = flight.cpu
        behind = place.hook in _FROM_NETWORK_HEADER
        link = flight.data[:ETHERNET] if behind else b""
        before = flight.data[len(link) :]
        context = context_for(
            loaded.program.type, flight.data, ingress=ingress, queue=flight.queue, egress=egress,
            fields=flight.fields,
        )  # fmt: skip
        inputs = Inputs(before, context, b"" if behind else flight.meta, link)
        result = run(loaded.code, inputs, env, trace=self.trace)
        where = described(result.redirect) if "REDIRECT" in result.action else ""
        self.journey.verdicts.append(
            Verdict(place, flight.cpu, loaded, before, inputs.data_meta, result, where)
        )
        self.node.counts[place, result.action or result.outcome] += 1
        if not behind:
            flight.data, flight.meta = result.packet, result.data_meta
        return result

    def end(self, kind: EndKind, where: str, frame: bytes) -> None:
        """Note where the frame came to an end."""
        self.journey.ends.append(End(kind, where, frame))

    def drop(self, why: str, flight: Flight) -> None:
        """The frame goes no further."""
        self.end("dropped", why, flight.frame())

    def out(self, flight: Flight, ifindex: int) -> None:
        """The frame leaves by a port, if the node has it and it is up."""
        port = self.node.ports.get(ifindex)
        if port is None or not port.up:
            self.drop(f"no port {ifindex}" if port is None else f"port {ifindex} is down", flight)
            return
        frame = flight.frame()
        self.end("sent", str(ifindex), frame)
        port.transmit(frame)


def described(redirect: Redirect | None) -> str:
    """Where a redirect goes, in words.

    >>> from bpfsmt.machine import Hop
    >>> described(Redirect("devmap", (Hop(2), Hop(3)), "tx_ports", 1))
    'port 2, port 3 (tx_ports[1])'
    """
    if redirect is None:
        return "nothing"
    word = {"cpumap": "CPU", "xskmap": "AF_XDP socket"}.get(redirect.kind, "port")
    places = ", ".join(f"{word} {hop.number}" for hop in redirect.hops) or "nowhere"
    entry = f" ({redirect.map}[{redirect.key}])" if redirect.map else ""
    return f"{'ingress of ' if redirect.ingress else ''}{places}{entry}"
