"""The machine's side: the inputs of a kernel's test run, run here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bpfsmt.errors import UnsupportedError
from bpfsmt.kernel.maps import READABLE
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.machine import Code, Environment, Inputs, run
from bpfsmt.machine.maps.queue import QueueState
from bpfsmt.machine.run import EngineName
from bpfsmt.program.program import MapDef, Program, ProgramType

ETHERNET = 14
"""Bytes of the Ethernet header, which some types of programs do not see."""

LOOPBACK = 1
"""The interface that the packets of a test run come from."""

BEHIND_ETHERNET = frozenset({ProgramType.SOCKET_FILTER, ProgramType.CGROUP_SKB})
SKB = BEHIND_ETHERNET | {ProgramType.SCHED_CLS, ProgramType.SCHED_ACT}


@dataclass(frozen=True, slots=True)
class Ours:
    """What one run gave here; ``problem`` says why it did not end by itself, if so."""

    retval: int = 0
    packet: bytes = b""
    data_meta: bytes = b""
    ctx: Mapping[str, int] = field(default_factory=dict)
    maps: Mapping[str, Mapping[bytes, bytes]] = field(default_factory=dict)
    problem: str = ""


class Bench:
    """One program on the machine, set up as a test run sets it up; maps live on.

    ``env`` gives maps and helpers, ``engine`` is which of the machine's two runs it.  Raises
    `UnsupportedError` for a map that the machine does not have.
    """

    def __init__(self, program: Program, env: Environment, engine: EngineName) -> None:
        self.program = program
        self.env = env
        self.engine = engine
        self._code = Code(program)
        for definition in program.maps:
            env.state_of(definition)

    def run(self, inputs: RunInput, *, contents: bool) -> Ours:
        """One test run; with ``contents`` the result has the maps afterwards.

        Raises `UnsupportedError` for what the machine does not model.
        """
        kind = self.program.type
        hidden = ETHERNET if kind in BEHIND_ETHERNET else 0
        link, packet = inputs.packet[:hidden], inputs.packet[hidden:]
        ctx = test_run_context(kind, inputs.packet) | dict(inputs.ctx)
        start = Inputs(packet, ctx, inputs.data_meta, link)
        result = run(self._code, start, self.env, engine=self.engine)
        if result.outcome == "unsupported":
            raise UnsupportedError(result.why)
        if result.r0 is None:
            return Ours(problem=result.problem)
        maps = contents_of(self.env, self.program.maps) if contents else {}
        retval = result.r0 & 0xFFFFFFFF
        return Ours(retval, result.packet, result.data_meta, result.ctx, maps)

    def prepare(self, inputs: RunInput) -> None:
        """Write the map entries and programs that come with the input."""
        for name, entries in inputs.maps.items():
            for key, value in entries.items():
                self.env.map(name).update(key, value)
        for name, programs in inputs.programs.items():
            for index, program in programs.items():
                self.env.map(name).update(index, program)


def test_run_context(kind: ProgramType, frame: bytes) -> dict[str, int]:
    """The context's fields as a test run makes them (Linux 6.18, ``net/bpf/test_run.c``)."""
    if kind is ProgramType.XDP:
        return {"ingress_ifindex": LOOPBACK}
    if kind not in SKB:
        return {}
    protocol, packet_type = _protocol(frame), _packet_type(frame)
    return {"protocol": protocol, "ifindex": LOOPBACK, "pkt_type": packet_type}


def _protocol(frame: bytes) -> int:
    """The EtherType as it lies in memory; below 1536 it is a length: 802.2 (``eth_type_trans``)."""
    number = int.from_bytes(frame[12:14], "big")
    if number >= 1536:
        return int.from_bytes(frame[12:14], "little")
    is_802_3 = frame[14:16] == b"\xff\xff"
    return 0x0100 if is_802_3 else 0x0400


def _packet_type(frame: bytes) -> int:
    """To this host (the loopback's address is zero), to all, to a group, or to another."""
    host, broadcast, multicast, other = range(4)
    to = frame[:6]
    if to == bytes(6):
        return host
    if to[0] & 1:
        return broadcast if to == b"\xff" * 6 else multicast
    return other


def contents_of(env: Environment, maps: Iterable[MapDef]) -> dict[str, dict[bytes, bytes]]:
    """What the maps hold, in the form in which the kernel's are read; empties ring buffers."""
    return {m.name: _content(env, m) for m in maps if m.type in READABLE}


def _content(env: Environment, definition: MapDef) -> dict[bytes, bytes]:
    held = env.map(definition)
    if definition.type == "ringbuf":
        return _numbered(held.consume())
    if isinstance(held.state, QueueState):
        return _numbered(held.state)
    return {key: value for key, value in held.items() if isinstance(value, bytes)}


def _numbered(values: Iterable[bytes]) -> dict[bytes, bytes]:
    return {n.to_bytes(4, "little"): bytes(value) for n, value in enumerate(values)}
