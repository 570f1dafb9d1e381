"""Where programs are attached in a node, and what their answers mean there.

Numbers are those of the kernel's user-space API (Linux 6.18, ``uapi/linux/bpf.h`` and
``pkt_cls.h``).
"""

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


XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT = range(5)
XDP_ACTIONS = ("ABORTED", "DROP", "PASS", "TX", "REDIRECT")

TC_ACT_UNSPEC, TC_ACT_OK, TC_ACT_SHOT, TC_ACT_REDIRECT = -1, 0, 2, 7
TC_ACTIONS = (
    "OK", "RECLASSIFY", "SHOT", "PIPE", "STOLEN", "QUEUED", "REPEAT", "REDIRECT", "TRAP",
)  # fmt: skip


def action_name(type_: ProgramType, r0: int) -> str:
    """What an answer says, as the kernel's constants do.

    >>> action_name(ProgramType.XDP, 3), action_name(ProgramType.XDP, 9)
    ('TX', 'INVALID 9')
    >>> action_name(ProgramType.SCHED_CLS, 0xFFFFFFFF), action_name(ProgramType.SOCKET_FILTER, 60)
    ('UNSPEC', 'KEEP 60')
    """
    answer = r0 & 0xFFFFFFFF
    if type_ is ProgramType.XDP:
        return _named(XDP_ACTIONS, answer)
    if type_ in _TC:
        return "UNSPEC" if answer == 0xFFFFFFFF else _named(TC_ACTIONS, answer)
    if type_ is ProgramType.CGROUP_SKB:
        return "ALLOW" if answer & 1 else "DENY"
    if type_ is ProgramType.SOCKET_FILTER:
        return f"KEEP {answer}" if answer else "DROP"
    return f"ANSWER {answer}"


def _named(names: tuple[str, ...], answer: int) -> str:
    return names[answer] if answer < len(names) else f"INVALID {answer}"
