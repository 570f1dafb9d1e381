"""Where packets go: redirects, copies, the answers by name."""

from __future__ import annotations

import pytest

from bpfsmt.machine import Environment, Hop, Inputs, Redirect, Result, run
from bpfsmt.machine.actions import action_name
from bpfsmt.program import MapDef, Program, ProgramType

from .programs import asm

PASS = "r0 = 2\nexit"


def result_of(text: str, env: Environment | None = None, **ctx: int) -> Result:
    result = run(asm(text), Inputs(bytes(range(64)), ctx), env)
    assert result.outcome == "exit", result
    return result


XDP = "r1 = {ifindex}\nr2 = {flags}\ncall bpf_redirect\nexit"
TC = ".type sched_cls\n" + XDP


def test_to_an_interface() -> None:
    sent = result_of(XDP.format(ifindex=7, flags=0))
    assert (sent.action, sent.redirect) == ("XDP_REDIRECT", Redirect("interface", (Hop(7),)))
    wrong = result_of(XDP.format(ifindex=7, flags=1))
    assert (wrong.action, wrong.redirect) == ("XDP_ABORTED", None)
    out = result_of(TC.format(ifindex=7, flags=0))
    assert (out.action, out.redirect) == ("TC_ACT_REDIRECT", Redirect("interface", (Hop(7),)))
    into = result_of(TC.format(ifindex=7, flags=1))
    assert into.redirect == Redirect("interface", (Hop(7),), ingress=True)
    assert result_of(TC.format(ifindex=7, flags=2)).action == "TC_ACT_SHOT"


def test_only_the_answer_counts() -> None:
    changed_its_mind = result_of("r1 = 7\nr2 = 0\ncall bpf_redirect\nr0 = 1\nexit")
    assert (changed_its_mind.action, changed_its_mind.redirect) == ("XDP_DROP", None)
    nowhere = result_of("r0 = 4\nexit")
    assert (nowhere.action, nowhere.redirect) == ("XDP_REDIRECT", None)


def test_peers_and_neighbours() -> None:
    peer = ".type sched_cls\nr1 = 9\nr2 = {}\ncall bpf_redirect_peer\nexit"
    assert result_of(peer.format(0)).redirect == Redirect("peer", (Hop(9),), ingress=True)
    assert result_of(peer.format(1)).action == "TC_ACT_SHOT"
    neigh = """
        .type sched_cls
        *(u32 *)(r10 - 24) = 2
        *(u32 *)(r10 - 20) = 0x01020304
        *(u64 *)(r10 - 16) = 0
        *(u32 *)(r10 - 8) = 0
        r1 = 9
        r2 = r10
        r2 += -24
        r3 = {size}
        r4 = 0
        call bpf_redirect_neigh
        exit
    """
    found = result_of(neigh.format(size=20)).redirect
    assert found == Redirect("neighbour", (Hop(9),), nexthop=bytes([4, 3, 2, 1]))
    assert result_of(neigh.format(size=0)).redirect == Redirect("neighbour", (Hop(9),))
    assert result_of(neigh.format(size=19)).action == "TC_ACT_SHOT"


MAP = """
    .map m type={kind} key=4 value={value} entries=8
    r1 = map[m]
    r2 = {key}
    r3 = {flags}
    call bpf_redirect_map
    exit
"""
BROADCAST, EXCLUDE_INGRESS = 8, 16


def test_through_a_devmap() -> None:
    env = Environment()
    ports = env.map(MapDef("m", "devmap", 4, 8, 8))
    second: Program = asm(PASS)
    ports.update(1, 11)
    ports.update(2, 12, program=second)
    one = result_of(MAP.format(kind="devmap", value=8, key=1, flags=0), env)
    assert one.redirect == Redirect("devmap", (Hop(11),), "m", 1)
    two = result_of(MAP.format(kind="devmap", value=8, key=2, flags=0), env)
    assert two.redirect == Redirect("devmap", (Hop(12, second),), "m", 2)
    none = result_of(MAP.format(kind="devmap", value=8, key=3, flags=1), env)
    assert (none.action, none.redirect) == ("XDP_DROP", None)
    everywhere = MAP.format(kind="devmap", value=8, key=3, flags=BROADCAST | EXCLUDE_INGRESS)
    found = result_of(everywhere, env, ingress_ifindex=11).redirect
    assert found is not None and [hop.number for hop in found.hops] == [12]
    found = result_of(everywhere, env).redirect
    assert found is not None and [hop.number for hop in found.hops] == [11, 12]


def test_to_cpus_and_sockets() -> None:
    env = Environment(cpus=4)
    env.map(MapDef("m", "cpumap", 4, 4, 8)).update(3, 192)
    found = result_of(MAP.format(kind="cpumap", value=4, key=3, flags=2), env).redirect
    assert found == Redirect("cpumap", (Hop(3),), "m", 3)
    flooded = MAP.format(kind="cpumap", value=4, key=3, flags=BROADCAST)
    assert result_of(flooded, env).action == "XDP_ABORTED"
    env = Environment()
    env.map(MapDef("m", "xskmap", 4, 4, 8)).update(0, 77)
    found = result_of(MAP.format(kind="xskmap", value=4, key=0, flags=2), env).redirect
    assert found == Redirect("xskmap", (Hop(77),), "m", 0)
    assert result_of(MAP.format(kind="xskmap", value=4, key=1, flags=2), env).action == "XDP_PASS"


def test_only_some_maps_lead_anywhere() -> None:
    wrong = run(asm(MAP.format(kind="hash", value=4, key=0, flags=2)), Inputs(bytes(64)))
    assert wrong.problem.startswith("pc 4: helper call: packets cannot be redirected")


CLONE = """
    .type sched_cls
    r6 = r1
    r2 = 5
    r3 = {flags}
    call bpf_clone_redirect
    r7 = r0
    r1 = r6
    r2 = 20
    r3 = 0
    call bpf_skb_change_tail
    r0 = r7
    exit
"""


def test_copies_are_as_the_packet_was() -> None:
    result = result_of(CLONE.format(flags=1))
    [copy] = result.copies
    assert copy.packet == bytes(range(64)) and len(result.packet) == 20
    assert copy.redirect == Redirect("interface", (Hop(5),), ingress=True)
    assert result_of(CLONE.format(flags=2)).copies == ()


@pytest.mark.parametrize(
    ("kind", "r0", "name"),
    [
        (ProgramType.XDP, 0, "XDP_ABORTED"), (ProgramType.XDP, 3, "XDP_TX"),
        (ProgramType.XDP, 5, "XDP_ABORTED"), (ProgramType.XDP, 1 << 32 | 1, "XDP_DROP"),
        (ProgramType.SCHED_CLS, 0, "TC_ACT_OK"), (ProgramType.SCHED_ACT, 3, "TC_ACT_PIPE"),
        (ProgramType.SCHED_CLS, (1 << 64) - 1, "TC_ACT_UNSPEC"),
        (ProgramType.SCHED_CLS, 77, "TC_ACT_UNSPEC"), (ProgramType.CGROUP_SKB, 1, "PASS"),
        (ProgramType.CGROUP_SKB, 2, "DROP"), (ProgramType.SOCKET_FILTER, 96, "PASS"),
        (ProgramType.SOCKET_FILTER, 0, "DROP"), (ProgramType.KPROBE, 1, ""),
    ],
)  # fmt: skip
def test_names_of_answers(kind: ProgramType, r0: int, name: str) -> None:
    assert action_name(kind, r0) == name
