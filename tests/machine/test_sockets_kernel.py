"""The packet's socket and local storage, as in the running kernel's test runs."""

from __future__ import annotations

import pytest

from bpfsmt.conformance import Agreement, Case, Checked, check
from bpfsmt.conformance import ours as bench
from bpfsmt.kernel import RunInput, available, load_program
from bpfsmt.semantics.context import SOCKETS

from .programs import asm
from .test_context_kernel import FRAMES

pytestmark = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")

PROGRAM = """
    .type {kind}
    .map seen type=array key=4 value=8 entries={entries}
    {maps}
        r6 = r1
        {body}
    out:
        r0 = 0
        exit
"""

KEEP = """
        r9 = r0
        *(u32 *)(r10 - 4) = {n}
        r1 = map[seen]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        *(u64 *)(r0 + 0) = r9
"""
"""R0 into entry ``n``."""

SOCKET = """
        r1 = *(u64 *)(r6 + 168)
        if r1 == 0 goto out
        call bpf_sk_fullsock
        if r0 == 0 goto out
        r7 = r0
"""

KINDS = ("sched_cls", "cgroup_skb")


def compared(kind: str, steps: list[str], maps: str = "") -> Checked:
    """R0 after each step, kept in a map; several runs on different frames."""
    body = SOCKET + "".join(step + KEEP.format(n=n) for n, step in enumerate(steps))
    text = PROGRAM.format(kind=kind, entries=len(steps), maps=maps, body=body)
    return check(Case("files", "socket", asm(text), tuple(map(RunInput, FRAMES))))


def same(kind: str, steps: list[str], maps: str = "") -> None:
    found = compared(kind, steps, maps)
    assert found.agreement is Agreement.SAME, (found.why, *map(str, found.differences))


def loads() -> list[str]:
    """Every field of a socket, in every width in which it may be read."""
    layout = SOCKETS["sock"]
    return [
        f"r0 = *(u{8 * size} *)(r7 + {at})"
        for at in range(layout.size)
        for size in (1, 2, 4)
        if at % size == 0 and layout.access(at, size, write=False) is not None
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_fields_of_a_socket(kind: str) -> None:
    assert len(loads()) > 60
    for begin in range(0, len(loads()), 20):
        same(kind, loads()[begin : begin + 20])


def test_which_reads_of_a_socket_there_are() -> None:
    """Our layout's are those that the kernel accepts."""
    text = PROGRAM.format(kind="sched_cls", entries=1, maps="", body=SOCKET + "{load}")
    layout = SOCKETS["sock"]
    for at in range(layout.size):
        for size in (1, 2, 4, 8):
            load = f"r0 = *(u{8 * size} *)(r7 + {at})"
            with load_program(asm(text.format(load=load))) as loaded:
                admitted = layout.access(at, size, write=False) is not None
                assert loaded.accepted is admitted, load


def test_no_queue_is_wider_than_its_load() -> None:
    """Where a socket has no queue, a load of 16 or 32 bits sets all 64."""
    wide = [f"r0 = *(u{bits} *)(r7 + 76)\nr0 >>= {bits}" for bits in (8, 16, 32)]
    same("sched_cls", wide)


@pytest.mark.parametrize("kind", KINDS)
def test_which_socket_it_is(kind: str) -> None:
    flags = "r8 = 0\nif r0 == 0 goto +1\nr8 = 1\nr0 = r8\n"
    same(kind, [
        f"r1 = *(u64 *)(r6 + 168)\nr0 = r1\n{flags}",
        f"r1 = r7\ncall bpf_tcp_sock\n{flags}",
        f"r1 = r7\ncall bpf_get_listener_sock\n{flags}",
    ])  # fmt: skip


def test_another_state_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_TCP_CLOSE", 1)
    assert compared("sched_cls", ["r0 = *(u32 *)(r7 + 72)"]).agreement is Agreement.DIFFERENT


def test_no_socket_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SKB", frozenset())
    assert compared("cgroup_skb", ["r0 = 1"]).agreement is Agreement.DIFFERENT


# Storage

STORAGE = ".map s type=sk_storage key=4 value=8 entries=0 flags=1\n"


def get(flags: int, *, initial: bool) -> str:
    """A number for no storage, else what it holds, which then is one more."""
    given = "*(u64 *)(r10 - 16) = 40\nr3 = r10\nr3 += -16\n" if initial else "r3 = 0\n"
    return f"""
        {given}
        r1 = map[s]
        r2 = r7
        r4 = {flags}
        call bpf_sk_storage_get
        r1 = 0xbad
        if r0 == 0 goto +3
        r1 = *(u64 *)(r0 + 0)
        r1 += 1
        *(u64 *)(r0 + 0) = r1
        r0 = r1
    """


DELETE = "r1 = map[s]\nr2 = r7\ncall bpf_sk_storage_delete\n"


def test_storage_of_a_socket() -> None:
    made, empty = get(1, initial=True), get(1, initial=False)
    steps = [get(0, initial=False), DELETE, made, made, empty, get(0, initial=True), DELETE,
             get(0, initial=False), empty, empty, get(2, initial=False)]  # fmt: skip
    same("sched_cls", steps, STORAGE)


@pytest.mark.parametrize("kind", ["cgroup_storage", "percpu_cgroup_storage"])
def test_storage_of_a_cgroup(kind: str) -> None:
    count = """
        r1 = map[s]
        r2 = 0
        call bpf_get_local_storage
        r1 = *(u64 *)(r0 + 0)
        r1 += 3
        *(u64 *)(r0 + 0) = r1
        r0 = r1
    """
    same("cgroup_skb", [count, count], f".map s type={kind} key=16 value=8 entries=0\n")
