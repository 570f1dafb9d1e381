"""Program types as the kernel numbers them, and what a section's name says about attaching.

Nothing is ever attached; but some programs are verified by where they would be
(``expected_attach_type``).  Numbers: ``enum bpf_prog_type`` and ``enum bpf_attach_type`` of
``include/uapi/linux/bpf.h``; sections: libbpf's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping

from bpfsmt.kernel.oracle import LoadFlag
from bpfsmt.program.program import Program, ProgramType

PROGRAM_TYPES: Mapping[ProgramType, int] = {
    ProgramType.SOCKET_FILTER: 1,
    ProgramType.KPROBE: 2,
    ProgramType.SCHED_CLS: 3,
    ProgramType.SCHED_ACT: 4,
    ProgramType.TRACEPOINT: 5,
    ProgramType.XDP: 6,
    ProgramType.PERF_EVENT: 7,
    ProgramType.CGROUP_SKB: 8,
    ProgramType.CGROUP_SOCK: 9,
    ProgramType.RAW_TRACEPOINT: 17,
    ProgramType.CGROUP_SOCK_ADDR: 18,
}

_INET_INGRESS, _INET_EGRESS, _SOCK_CREATE, _INET4_BIND, _XDP = 0, 1, 2, 8, 37

_USUAL: Mapping[ProgramType, int] = {
    ProgramType.CGROUP_SKB: _INET_INGRESS,
    ProgramType.CGROUP_SOCK: _SOCK_CREATE,
    ProgramType.CGROUP_SOCK_ADDR: _INET4_BIND,
    ProgramType.XDP: _XDP,
}
"""Where a program goes that does not say it; 0 for the types that have no choice."""

_BY_SECTION: Mapping[str, int] = {
    "cgroup_skb/ingress": _INET_INGRESS, "cgroup_skb/egress": _INET_EGRESS,
    "cgroup/sock_create": _SOCK_CREATE, "cgroup/sock": _SOCK_CREATE, "cgroup/sock_release": 34,
    "cgroup/bind4": _INET4_BIND, "cgroup/bind6": 9, "cgroup/connect4": 10, "cgroup/connect6": 11,
    "cgroup/post_bind4": 12, "cgroup/post_bind6": 13, "cgroup/sendmsg4": 14,
    "cgroup/sendmsg6": 15, "cgroup/recvmsg4": 19, "cgroup/recvmsg6": 20,
    "cgroup/getpeername4": 29, "cgroup/getpeername6": 30, "cgroup/getsockname4": 31,
    "cgroup/getsockname6": 32, "xdp/devmap": 33, "xdp.frags/devmap": 33, "xdp/cpumap": 35,
    "xdp.frags/cpumap": 35,
}  # fmt: skip

CONTEXTS: Mapping[ProgramType, str] = {
    ProgramType.XDP: "xdp_md",
    ProgramType.SCHED_CLS: "__sk_buff",
    ProgramType.SCHED_ACT: "__sk_buff",
    ProgramType.SOCKET_FILTER: "__sk_buff",
    ProgramType.CGROUP_SKB: "__sk_buff",
    ProgramType.KPROBE: "pt_regs",
    ProgramType.PERF_EVENT: "bpf_perf_event_data",
    ProgramType.RAW_TRACEPOINT: "bpf_raw_tracepoint_args",
    ProgramType.CGROUP_SOCK: "bpf_sock",
    ProgramType.CGROUP_SOCK_ADDR: "bpf_sock_addr",
}
"""The struct by whose name the kernel knows that a parameter is the context."""


_FLAGS_BY_SECTION: Mapping[str, LoadFlag] = {
    "xdp.frags": LoadFlag.XDP_HAS_FRAGS,
    "uprobe.s": LoadFlag.SLEEPABLE,
    "uretprobe.s": LoadFlag.SLEEPABLE,
}
"""What the first part of a section's name says about loading."""


def load_flags(program: Program) -> int:
    """The flags that a program is loaded with: its own, and what its section says."""
    section = program.section.removeprefix("?").split("/")[0]
    return program.flags | _FLAGS_BY_SECTION.get(section, LoadFlag.NONE)


def attach_type(program: Program) -> int:
    """The expected attach type: by the section, else what is usual for the type."""
    section = program.section.removeprefix("?")
    return _BY_SECTION.get(section, _USUAL.get(program.type, 0))
