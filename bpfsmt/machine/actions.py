"""What the answer of a program of each type means."""

from __future__ import annotations

from bpfsmt.program.program import ProgramType

XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT = range(5)
TC_ACT_OK, TC_ACT_SHOT, TC_ACT_REDIRECT = 0, 2, 7
TC_ACT_UNSPEC = -1

_XDP = ("XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT")
_TC = {
    -1: "TC_ACT_UNSPEC", 0: "TC_ACT_OK", 1: "TC_ACT_RECLASSIFY", 2: "TC_ACT_SHOT",
    3: "TC_ACT_PIPE", 4: "TC_ACT_STOLEN", 5: "TC_ACT_QUEUED", 6: "TC_ACT_REPEAT",
    7: "TC_ACT_REDIRECT", 8: "TC_ACT_TRAP",
}  # fmt: skip
_CLASSIFIERS = (ProgramType.SCHED_CLS, ProgramType.SCHED_ACT)


def action_name(type_: ProgramType, r0: int) -> str:
    """The name of an answer; "" where answers have none (tracing).

    An answer that is none of XDP's or of traffic control's counts as XDP_ABORTED and
    TC_ACT_UNSPEC, as in the kernel.

    >>> action_name(ProgramType.XDP, 1), action_name(ProgramType.SCHED_CLS, 2**32 - 1)
    ('XDP_DROP', 'TC_ACT_UNSPEC')
    """
    answer = r0 & 0xFFFFFFFF
    if type_ is ProgramType.XDP:
        return _XDP[answer] if answer < len(_XDP) else _XDP[XDP_ABORTED]
    if type_ in _CLASSIFIERS:
        return _TC.get((answer ^ 1 << 31) - (1 << 31), _TC[TC_ACT_UNSPEC])
    if type_ is ProgramType.CGROUP_SKB:
        return "PASS" if answer & 1 else "DROP"
    if type_ is ProgramType.SOCKET_FILTER:
        return "PASS" if answer else "DROP"
    return ""


def redirects(type_: ProgramType, r0: int) -> bool:
    """Whether the answer is to send the packet where a helper was told."""
    answer = r0 & 0xFFFFFFFF
    if type_ is ProgramType.XDP:
        return answer == XDP_REDIRECT
    return type_ in _CLASSIFIERS and answer == TC_ACT_REDIRECT
