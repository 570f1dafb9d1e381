"""A node: ports, programs at its hooks, maps, CPUs, a clock; frames come and go.

The stack of a node is small on purpose: what programs pass on goes to sockets, or to
whatever function ``stack`` is.  Routes are a table for programs to ask, not a second router.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Environment
from bpfsmt.network.config import Attachments
from bpfsmt.network.control import Control, NodeMap
from bpfsmt.network.flight import Flight
from bpfsmt.network.hooks import Hook, Place
from bpfsmt.network.journey import Journey
from bpfsmt.network.loaded import Loaded
from bpfsmt.network.sockets import Socket
from bpfsmt.network.xdp import Path
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, rule_set


@dataclass(slots=True)
class Port:
    """An interface.  ``sent`` are the frames that left it, unless a wire takes them.

    ``counts`` has packets and bytes by direction: "rx packets", "tx bytes".
    """

    ifindex: int
    up: bool = True
    wire: Callable[[bytes], None] | None = None
    sent: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def count(self, direction: str, frame: bytes) -> None:
        """One frame more, "rx" or "tx"."""
        self.counts[f"{direction} packets"] += 1
        self.counts[f"{direction} bytes"] += len(frame)

    def transmit(self, frame: bytes) -> None:
        """Send a frame out."""
        self.count("tx", frame)
        (self.sent.append if self.wire is None else self.wire)(frame)


class Node:
    """One machine of the network.

    ``env`` is what its programs share: maps, clock, random numbers, routes, and how many CPUs
    there are (without one, ``cpus``).  Programs are verified with ``rules`` when they are
    loaded.  A frame's receive queue is mapped to one of the CPUs in turn.  ``stack`` is
    called with the node and each frame that programs pass on; by default the sockets get
    it.

    Frames are processed one at a time; what is attached, and maps, may be changed from
    another thread meanwhile.  ``counts`` says how often which program's place gave which
    answer.

    >>> from bpfsmt.program import load_asm
    >>> node = Node("host", ports=(1, 2))
    >>> node.attach(Hook.XDP, 1, node.load(load_asm("r0 = 3\\nexit", "tx")))
    >>> journey = node.receive(1, bytes(60))
    >>> [(end.kind, end.where) for end in journey.ends], len(node.port(1).sent)
    ([('sent', '1')], 1)
    """

    def __init__(
        self,
        name: str,
        ports: Sequence[int] = (1,),
        *,
        cpus: int = 1,
        env: Environment | None = None,
        rules: RuleSet | None = None,
        stack: Callable[[Node, Flight], None] | None = None,
    ) -> None:
        self.name = name
        self.env = env if env is not None else Environment(cpus=cpus)
        self.ports = {ifindex: Port(ifindex) for ifindex in ports}
        self.sockets: dict[str, Socket] = {}
        self.xsk: dict[int, list[bytes]] = {}
        self.stack = stack
        self.attachments = Attachments()
        self.control = Control(self.env, rules if rules is not None else rule_set("xdp-paper"))
        self.counts: Counter[tuple[Place, str]] = Counter()
        self._busy = threading.RLock()

    # Control plane ---------------------------------------------------------------------

    def load(self, program: Program, names: Mapping[str, str] | None = None) -> Loaded:
        """Verify a program, and make those of its maps that are not there yet.

        Maps are pinned by their names: programs share what they call alike; ``names`` gives
        other names to some maps.  Raises `RejectedError`, or `BpfsmtError` for a map that
        is there with another definition.
        """
        return self.control.load(program, names)

    def map(self, name: str) -> NodeMap:
        """A map of the loaded programs, pinned by its name."""
        return self.control.map(name)

    def attach(
        self, hook: Hook, at: int | str, *programs: Loaded, expected: Loaded | None = None
    ) -> None:
        """Put programs at a hook in place of what is there; none empties it.

        With ``expected`` only if that one is there now.  Frames on their way keep to what
        was there when they came.  Raises `BpfsmtError`.
        """
        place = self._place(hook, at)
        before = None if expected is None else {place: (expected,)}
        self.attachments.change({place: programs}, expected=before)

    def swap(self, programs: Mapping[tuple[Hook, int | str], Sequence[Loaded]]) -> None:
        """Change several places at once: a frame sees all of the change or nothing of it."""
        self.attachments.change({self._place(*key): tuple(p) for key, p in programs.items()})

    def add_socket(self, socket: Socket) -> Socket:
        """Open a socket; one of its name that is there is closed."""
        self.sockets[socket.name] = socket
        return socket

    def port(self, ifindex: int) -> Port:
        """The port; `BpfsmtError` if there is none of that number."""
        port = self.ports.get(ifindex)
        if port is None:
            raise BpfsmtError(f"{self.name} has no port {ifindex}")
        return port

    def _place(self, hook: Hook, at: int | str) -> Place:
        if hook in (Hook.DEVMAP, Hook.CPUMAP):
            raise BpfsmtError(f"programs of a {hook.value} go into the map's entries")
        if isinstance(at, int):
            self.port(at)
        return Place(hook, at)

    # Data plane ------------------------------------------------------------------------

    def receive(
        self, ifindex: int, frame: bytes, *, queue: int = 0, trace: bool = False
    ) -> Journey:
        """A frame comes in by a port and goes its whole way through this node.

        With ``trace`` the verdicts have every step of their programs.  Raises `BpfsmtError`
        for a port that there is not.
        """
        port = self.port(ifindex)
        flight = Flight(frame, ifindex, queue, queue % self.env.cpus)
        with self._busy:
            journey = Journey(self.name, ifindex, self.env.time, frame)
            if not port.up:
                Path(self, {}, journey, trace=trace).drop(f"port {ifindex} is down", flight)
                return journey
            port.count("rx", frame)
            Path(self, self.attachments.table, journey, trace=trace).arrive(flight)
        return journey

    def send(
        self, ifindex: int, frame: bytes, *, cgroup: str = "/", trace: bool = False
    ) -> Journey:
        """A socket of the node sends a frame by a port; it passes the programs of egress."""
        self.port(ifindex)
        with self._busy:
            journey = Journey(self.name, 0, self.env.time, frame)
            path = Path(self, self.attachments.table, journey, trace=trace)
            path.send(Flight(frame, 0), ifindex, cgroup)
        return journey

    def loaded(self, program: Program) -> Loaded:
        """The loaded form of a program that a map's entry holds."""
        return self.control.loaded(program)
