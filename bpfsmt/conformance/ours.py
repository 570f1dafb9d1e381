"""The machine's side: the inputs of a kernel's test run, run here."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bpfsmt.errors import UnsupportedError
from bpfsmt.kernel.maps import READABLE
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.machine import Code, Environment, Fault, Inputs, run
from bpfsmt.machine.maps.queue import QueueState
from bpfsmt.machine.run import EngineName
from bpfsmt.machine.socket import NO_QUEUE
from bpfsmt.program.program import MapDef, Program, ProgramType

ETHERNET = 14
"""Bytes of the Ethernet header, which some types of programs do not see."""

_TCP_CLOSE = 7

LOOPBACK = 1
"""The interface that the packets of a test run come from."""

BEHIND_ETHERNET = frozenset({ProgramType.SOCKET_FILTER, ProgramType.CGROUP_SKB})
SKB = BEHIND_ETHERNET | {ProgramType.SCHED_CLS, ProgramType.SCHED_ACT}


@dataclass(frozen=True, slots=True)
class Ours:
    """What one run gave here; ``problem`` says why it did not end by itself, if so.

    ``spent`` says that it is because more instructions would have to run, and ``fault`` is what
    the program did wrong, if it is that.
    """

    retval: int = 0
    packet: bytes = b""
    data_meta: bytes = b""
    ctx: Mapping[str, int] = field(default_factory=dict)
    maps: Mapping[str, Mapping[bytes, bytes]] = field(default_factory=dict)
    problem: str = ""
    spent: bool = False
    fault: Fault | None = None


class Bench:
    """One program on the machine, set up as a test run sets it up; maps live on.

    ``env`` gives maps and helpers, ``engine`` is which of the machine's two runs it, and
    ``budget`` how many instructions may run.  Raises `UnsupportedError` for a map that the
    machine does not have.
    """

    def __init__(
        self, program: Program, env: Environment, engine: EngineName, budget: int = 1_000_000
    ) -> None:
        self.program = program
        self.env = env
        self.engine = engine
        self.budget = budget
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
        owner = test_run_socket(inputs.packet) if kind in SKB else None
        start = Inputs(packet, ctx, inputs.data_meta, link, socket=owner)
        result = run(self._code, start, self.env, engine=self.engine, budget=self.budget)
        if result.outcome == "unsupported":
            raise UnsupportedError(result.why)
        if result.r0 is None:
            spent = result.outcome == "budget"
            return Ours(problem=result.problem, spent=spent, fault=result.fault)
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
    fields = {"protocol": protocol, "ifindex": LOOPBACK, "pkt_type": packet_type}
    return fields | (_socket(frame) if kind is ProgramType.CGROUP_SKB else {})


def test_run_socket(frame: bytes) -> dict[str, int]:
    """The socket that a test run makes for its packet: closed, of no protocol, with the
    frame's family and addresses (Linux 6.18, ``bpf_prog_test_run_skb``)."""
    renamed = {"local": "src", "remote": "dst"}
    fields = {"state": _TCP_CLOSE, "rx_queue_mapping": NO_QUEUE}
    for name, value in _socket(frame).items():
        side, _, rest = name.partition("_")
        fields[f"{renamed[side]}_{rest}" if side in renamed else name] = value
    return fields


def _socket(frame: bytes) -> dict[str, int]:
    """The family and the addresses of a socket that sends what is in the frame.

    A frame too short for its IP header is refused by the kernel.
    """
    packet = frame[ETHERNET:]
    if frame[12:14] == b"\x08\x00":
        addresses = {"local_ip4": packet[12:16], "remote_ip4": packet[16:20]}
        family = socket.AF_INET
    elif frame[12:14] == b"\x86\xdd":
        addresses = {
            f"{side}_ip6[{n}]": packet[begin + 4 * n : begin + 4 * n + 4]
            for side, begin in (("local", 8), ("remote", 24))
            for n in range(4)
        }
        family = socket.AF_INET6
    else:
        return {}
    numbers = {name: int.from_bytes(data, "little") for name, data in addresses.items()}
    return {"family": family, **numbers}


def _protocol(frame: bytes) -> int:
    """The EtherType as it lies in memory; below 1536 it is a length: 802.2 (``eth_type_trans``)."""
    number = int.from_bytes(frame[12:14], "big")
    if number >= 1536:
        return int.from_bytes(frame[12:14], "little")
    is_802_3 = frame[14:16] == b"\xff\xff"
    return 0x0100 if is_802_3 else 0x0400


def _packet_type(frame: bytes) -> int:
    """To this host (the loopback's address is zero), to a group, or to another.

    The loopback has no broadcast address, so what goes to all goes to a group there.
    """
    host, multicast, other = 0, 2, 3
    if frame[:6] == bytes(6):
        return host
    return multicast if frame[0] & 1 else other


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
