"""Local functions, references, sockets, legacy loads: what the paper's verifier lacks."""

from __future__ import annotations

from bpfsmt.domain.analysis import Outcome
from bpfsmt.program.program import ProgramType

from .common import accepted, rejected, run

TC = ProgramType.SCHED_CLS
FILTER = ProgramType.SOCKET_FILTER

LOOKUP_SOCKET = """
r2 = 0
*(u64 *)(r10 - 8) = r2
*(u64 *)(r10 - 16) = r2
r2 = r10
r2 += -16
r3 = 12
r4 = 0
r5 = 0
call bpf_sk_lookup_tcp
"""


def test_a_socket_must_be_released() -> None:
    released = "if r0 == 0 goto out\nr1 = r0\ncall bpf_sk_release\nout:\nr0 = 0\nexit"
    accepted(LOOKUP_SOCKET + released, kind=TC)
    rejected(LOOKUP_SOCKET + "r0 = 0\nexit", "reference leak", kind=TC)


def test_a_socket_is_not_used_after_its_release() -> None:
    text = """
    if r0 == 0 goto out
    r6 = r0
    r1 = r0
    call bpf_sk_release
    r0 = *(u32 *)(r6 + 4)
    exit
    out:
    r0 = 0
    exit
    """
    rejected(LOOKUP_SOCKET + text, "R6 invalid mem access 'scalar'", kind=TC)


def test_the_socket_of_a_packet_may_be_missing() -> None:
    rejected(
        "r1 = *(u64 *)(r1 + 168)\nr0 = *(u32 *)(r1 + 4)\nexit",
        "R1 invalid mem access 'sock_common_or_null'",
        kind=FILTER,
    )


def test_frames() -> None:
    text = """
    r1 = r10
    r1 += -8
    call store
    r0 = *(u64 *)(r10 - 8)
    exit
    .func store
    r2 = 5
    *(u64 *)(r1 + 0) = r2
    r0 = 0
    exit
    """
    log = accepted(text, log=True).log
    assert any("R0=5" in line for line in log), "\n".join(log)


def test_stack_of_all_frames() -> None:
    text = "r2 = 0\n*(u64 *)(r10 - 296) = r2\ncall f\nexit\n.func f\nr2 = 0\n"
    text += "*(u64 *)(r10 - 296) = r2\nr0 = 0\nexit"
    rejected(text, "combined stack size of 2 calls is 608. Too large")


def test_recursion() -> None:
    text = "call f\nr0 = 0\nexit\n.func f\ncall f\nr0 = 0\nexit"
    rejected(text, "too deep")


def test_legacy_loads_need_the_context() -> None:
    accepted("r6 = r1\nr0 = skb[0]\nexit".replace("skb[0]", "*(u8 *)skb[0]"), kind=FILTER)
    rejected("r6 = 0\nr0 = *(u8 *)skb[0]\nexit", "R6 != pointer to skb", kind=FILTER)


def test_packet_pointers_after_a_helper_that_moves_the_packet() -> None:
    text = """
    r6 = r1
    r2 = 0
    call bpf_skb_pull_data
    r2 = *(u32 *)(r6 + 76)
    r3 = *(u32 *)(r6 + 80)
    r7 = r2
    r2 += 1
    if r2 > r3 goto out
    r1 = r6
    r2 = 0
    call bpf_skb_pull_data
    r0 = *(u8 *)(r7 + 0)
    out:
    r0 = 0
    exit
    """
    rejected(text, "R7 invalid mem access 'scalar'", kind=TC)


def test_what_is_not_modelled_is_said_so() -> None:
    verdict = run("call bpf_get_current_task_btf\nr0 = 0\nexit", kind=ProgramType.KPROBE).verdict
    assert verdict.outcome is Outcome.UNSUPPORTED
    assert "bpf_get_current_task_btf" in verdict.reason


def test_helpers_by_program_type_and_licence() -> None:
    rejected("call bpf_xdp_get_buff_len\nexit", "cannot use helper", kind=FILTER)
