"""Where programs are attached in a node."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from bpfsmt.program.program import ProgramType


class Hook(Enum):
    """The places that packets pass, in the order in which a received one does."""

    XDP = "xdp"
    TC_INGRESS = "tc ingress"
    CGROUP_INGRESS = "cgroup ingress"
    SOCKET = "socket filter"
    CGROUP_EGRESS = "cgroup egress"
    TC_EGRESS = "tc egress"
    DEVMAP = "devmap"
    CPUMAP = "cpumap"

    @property
    def types(self) -> tuple[ProgramType, ...]:
        """The program types that can be attached there."""
        return _TYPES[self]


_TC = (ProgramType.SCHED_CLS, ProgramType.SCHED_ACT)
_TYPES = {
    Hook.XDP: (ProgramType.XDP,),
    Hook.DEVMAP: (ProgramType.XDP,),
    Hook.CPUMAP: (ProgramType.XDP,),
    Hook.TC_INGRESS: _TC,
    Hook.TC_EGRESS: _TC,
    Hook.CGROUP_INGRESS: (ProgramType.CGROUP_SKB,),
    Hook.CGROUP_EGRESS: (ProgramType.CGROUP_SKB,),
    Hook.SOCKET: (ProgramType.SOCKET_FILTER,),
}


class Place(NamedTuple):
    """One attachment point: a hook of a port (its ifindex), a cgroup or a socket (their names)."""

    hook: Hook
    at: int | str

    def __str__(self) -> str:
        return f"{self.hook.value} of {self.at}"
