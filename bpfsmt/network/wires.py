"""Nodes wired port to port, and one virtual clock for all of them.

Nothing waits for real time: the network takes the next frame that is due, puts the clock
there, and lets a node have it.  So a run is the same every time.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from bpfsmt.errors import BpfsmtError
from bpfsmt.network.capture import Captured
from bpfsmt.network.journey import Journey
from bpfsmt.network.node import Node

DELAY = 1_000
"""Nanoseconds that a wire takes unless it is given another time: about 200 metres of it."""


class _Due(NamedTuple):
    time: int
    number: int
    node: Node
    ifindex: int
    frame: bytes


class Network:
    """Nodes and wires; ``now`` is the time in nanoseconds, which every node's clock has.

    ``journeys`` are all that were made, in order.  ``watch`` is called with each of them.

    >>> from bpfsmt.network.hooks import Hook
    >>> from bpfsmt.program import load_asm
    >>> network = Network()
    >>> a, b = network.add(Node("a", (1,))), network.add(Node("b", (1, 2)))
    >>> network.wire((a, 1), (b, 1))
    >>> b.attach(Hook.XDP, 1, b.load(load_asm("r0 = 3\\nexit", "tx")))
    >>> _ = a.send(1, bytes(60))
    >>> network.run()
    2
    >>> [(journey.node, journey.time) for journey in network.journeys]
    [('b', 1000001000), ('a', 1000002000)]
    """

    def __init__(
        self, *, now: int = 1_000_000_000, watch: Callable[[Journey], None] | None = None
    ) -> None:
        self.now = now
        self.watch = watch
        self.nodes: dict[str, Node] = {}
        self.journeys: list[Journey] = []
        self.taps: dict[tuple[str, int], list[Captured]] = {}
        self._due: list[_Due] = []
        self._numbers = itertools.count()

    def add(self, node: Node) -> Node:
        """A node joins; raises `BpfsmtError` if there is one of its name."""
        if node.name in self.nodes:
            raise BpfsmtError(f"two nodes are called {node.name}")
        self.nodes[node.name] = node
        node.env.time = self.now
        return node

    def wire(self, one: tuple[Node, int], other: tuple[Node, int], delay: int = DELAY) -> None:
        """Connect two ports, both ways; raises `BpfsmtError` if one is wired already."""
        for node, ifindex in (one, other):
            if node.port(ifindex).wire is not None:
                raise BpfsmtError(f"port {ifindex} of {node.name} is wired already")
        for (node, ifindex), far in ((one, other), (other, one)):
            node.port(ifindex).wire = partial(self._leaves, node, ifindex, far, delay)

    def tap(self, node: Node, ifindex: int) -> list[Captured]:
        """Everything that arrives at a port or leaves it by a wire from now on, with times."""
        node.port(ifindex)
        return self.taps.setdefault((node.name, ifindex), [])

    def inject(self, node: Node, ifindex: int, frame: bytes, *, after: int = 0) -> None:
        """A frame arrives at a port from outside, ``after`` nanoseconds from now."""
        node.port(ifindex)
        self._put(self.now + after, node, ifindex, frame)

    def run(self, *, until: int | None = None, most: int = 1_000_000) -> int:
        """Let frames arrive until none is due (before ``until``); gives how many did.

        Raises `BpfsmtError` after ``most``: frames that go round for ever.
        """
        done = 0
        while self._due and (until is None or self._due[0].time <= until):
            if done == most:
                raise BpfsmtError(f"the network is not quiet after {most} frames")
            self._arrive(heapq.heappop(self._due))
            done += 1
        if until is not None:
            self._set_clock(max(self.now, until))
        return done

    def _put(self, time: int, node: Node, ifindex: int, frame: bytes) -> None:
        heapq.heappush(self._due, _Due(time, next(self._numbers), node, ifindex, frame))

    def _leaves(
        self, node: Node, ifindex: int, far: tuple[Node, int], delay: int, frame: bytes
    ) -> None:
        self._note(node, ifindex, frame)
        self._put(self.now + delay, far[0], far[1], frame)

    def _arrive(self, due: _Due) -> None:
        self._set_clock(due.time)
        self._note(due.node, due.ifindex, due.frame)
        journey = due.node.receive(due.ifindex, due.frame)
        self.journeys.append(journey)
        if self.watch is not None:
            self.watch(journey)

    def _set_clock(self, time: int) -> None:
        self.now = time
        for node in self.nodes.values():
            node.env.time = max(node.env.time, time)

    def _note(self, node: Node, ifindex: int, frame: bytes) -> None:
        tap = self.taps.get((node.name, ifindex))
        if tap is not None:
            tap.append(Captured(self.now, frame))
