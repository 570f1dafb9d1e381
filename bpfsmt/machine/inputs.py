"""What a run starts from, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bpfsmt.machine.actions import action_name
from bpfsmt.machine.context import fields_of
from bpfsmt.machine.memory import Fault
from bpfsmt.machine.trace import Trace
from bpfsmt.program.program import Program, ProgramType

Outcome: TypeAlias = Literal["exit", "fault", "budget", "unsupported"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one run starts from.

    ``packet`` are the bytes that the program sees from its start: for XDP and classifiers
    a whole frame, for socket filters and cgroup programs usually from the network header
    on, with the link-layer header in ``link``.  ``ctx`` gives the scalar fields of the
    context by name, 0 where it says nothing, but for ``len``, ``wire_len`` and a frame's
    ``protocol``.
    ``data_meta`` is the metadata in front of the packet.  ``context`` are the bytes of a
    context that is no packet's (a tracepoint's record, the registers at a kprobe), zeros
    behind them.  ``socket`` gives the fields of the socket that the packet belongs to, named
    as in ``struct bpf_sock``; `None` says that there is none.
    """

    packet: bytes = b""
    ctx: Mapping[str, int] = field(default_factory=dict)
    data_meta: bytes = b""
    link: bytes = b""
    context: bytes = b""
    socket: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One place that a packet is sent to, and the program that runs on it there, if any.

    ``number`` is that of the interface, of the CPU, or of the AF_XDP socket.
    """

    number: int
    program: Program | None = None


RedirectKind = Literal["interface", "devmap", "cpumap", "xskmap", "peer", "neighbour"]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a packet goes.

    ``hops`` is one place, or for a broadcast through a devmap any number of them.  Of a
    redirect by ``bpf_redirect_map``, ``map`` and ``key`` say what was looked up.
    ``ingress`` says that the packet arrives at the interface in place of leaving by it.
    ``nexthop`` is the address of the neighbour that "neighbour" was given, if any.
    """

    kind: RedirectKind
    hops: tuple[Hop, ...]
    map: str = ""
    key: int = 0
    ingress: bool = False
    nexthop: bytes = b""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the packet that ``bpf_clone_redirect`` sent off meanwhile."""

    packet: bytes
    redirect: Redirect


@dataclass(slots=True)
class Result:
    """How a run ended.

    ``r0`` is the program's answer (64 bits, unsigned) if ``outcome`` is "exit"; ``why`` says
    what is not modelled if it is "unsupported".  ``packet`` and ``data_meta`` are what they
    are then, ``context`` the bytes of the context.  ``redirect`` says where the packet goes
    if the answer is to redirect it (`None` then means: nowhere, the kernel drops it).
    ``copies`` were sent besides.
    """

    outcome: Outcome
    steps: int
    packet: bytes
    r0: int | None = None
    fault: Fault | None = None
    why: str = ""
    trace: Trace | None = None
    type: ProgramType = ProgramType.XDP
    data_meta: bytes = b""
    context: bytes = b""
    redirect: Redirect | None = None
    copies: tuple[Copy, ...] = ()

    @property
    def action(self) -> str:
        """The answer by name: "XDP_DROP", "TC_ACT_OK", "PASS"; "" if there is none."""
        return "" if self.r0 is None else action_name(self.type, self.r0)

    @property
    def ctx(self) -> dict[str, int]:
        """The scalar fields of the context, by name."""
        return fields_of(self.type, self.context)

    @property
    def problem(self) -> str:
        """In one line what went wrong; "" if the run ended by itself."""
        if self.outcome == "fault":
            return str(self.fault)
        if self.outcome == "budget":
            return f"no end after {self.steps} instructions"
        return self.why
