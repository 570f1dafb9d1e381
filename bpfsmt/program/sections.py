"""From the name of an ELF section to the type of the programs in it.

The names are those that libbpf gives a meaning (its documentation, "Program Types and ELF
Sections"), with the older habit of a free suffix (``socket1``, ``xdp_filter``) where libbpf
has had it.  The longest match counts, and only programs of a type in `ProgramType` load.
"""

from __future__ import annotations

import re

from bpfsmt.program.program import ProgramType

# May be followed by anything that is set off from the word: "xdp.frags", "xdp/pass", "socket1".
_FREE = {
    "xdp": ProgramType.XDP,
    "tc": ProgramType.SCHED_CLS,
    "classifier": ProgramType.SCHED_CLS,
    "action": ProgramType.SCHED_ACT,
    "socket": ProgramType.SOCKET_FILTER,
}

# Stand alone or are followed by "/" and where to attach.
_ATTACHED = {
    "tracepoint": ProgramType.TRACEPOINT,
    "tp": ProgramType.TRACEPOINT,
    "kprobe": ProgramType.KPROBE,
    "kretprobe": ProgramType.KPROBE,
    "kprobe.multi": ProgramType.KPROBE,
    "kretprobe.multi": ProgramType.KPROBE,
    "ksyscall": ProgramType.KPROBE,
    "kretsyscall": ProgramType.KPROBE,
    "uprobe": ProgramType.KPROBE,
    "uretprobe": ProgramType.KPROBE,
    "uprobe.s": ProgramType.KPROBE,
    "raw_tp": ProgramType.RAW_TRACEPOINT,
    "raw_tracepoint": ProgramType.RAW_TRACEPOINT,
    "raw_tp.w": ProgramType.RAW_TRACEPOINT,
    "raw_tracepoint.w": ProgramType.RAW_TRACEPOINT,
    "perf_event": ProgramType.PERF_EVENT,
}

_EXACT = {
    "tcx/ingress": ProgramType.SCHED_CLS,
    "tcx/egress": ProgramType.SCHED_CLS,
    "netkit/primary": ProgramType.SCHED_CLS,
    "netkit/peer": ProgramType.SCHED_CLS,
    "cgroup_skb/ingress": ProgramType.CGROUP_SKB,
    "cgroup_skb/egress": ProgramType.CGROUP_SKB,
    "cgroup/skb": ProgramType.CGROUP_SKB,
    "cgroup/sock": ProgramType.CGROUP_SOCK,
    "cgroup/sock_create": ProgramType.CGROUP_SOCK,
    "cgroup/sock_release": ProgramType.CGROUP_SOCK,
    "cgroup/post_bind4": ProgramType.CGROUP_SOCK,
    "cgroup/post_bind6": ProgramType.CGROUP_SOCK,
}
_EXACT |= {
    f"cgroup/{what}{family}": ProgramType.CGROUP_SOCK_ADDR
    for what in ("bind", "connect", "sendmsg", "recvmsg", "getpeername", "getsockname")
    for family in ("4", "6")
}

_WORD_THEN_SUFFIX = re.compile(r"([a-z]+)(?:[^a-zA-Z].*)?", re.DOTALL)


def program_type(section: str) -> ProgramType | None:
    """The type of the programs in a section of that name; `None` where it gives none.

    A leading ``?`` (libbpf: do not load by default) says nothing of the type.

    >>> program_type("xdp.frags"), program_type("kprobe/do_exit")
    (<ProgramType.XDP: 'xdp'>, <ProgramType.KPROBE: 'kprobe'>)
    >>> program_type("fentry/do_exit")
    """
    name = section.removeprefix("?")
    if name in _EXACT:
        return _EXACT[name]
    if (attached := name.split("/")[0]) in _ATTACHED:
        return _ATTACHED[attached]
    match = _WORD_THEN_SUFFIX.fullmatch(name)
    return _FREE.get(match[1]) if match else None
