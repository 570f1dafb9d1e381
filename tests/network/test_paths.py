"""Where frames can go in a node: every action of every hook, programs in maps' entries."""

from __future__ import annotations

import pytest

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Environment, Routes
from bpfsmt.network.flight import Flight
from bpfsmt.network.frames import frame, ip, mac, udp
from bpfsmt.network.hooks import Hook, Place
from bpfsmt.network.node import Node
from bpfsmt.network.sockets import Socket
from bpfsmt.network.traffic import generate
from bpfsmt.network.wires import Network
from bpfsmt.program import Program, ProgramType

from .common import asm, compiled, ends, u32

FRAME = frame(ip("10.0.0.1", "10.0.0.2", udp(4000, 53, b"hello")))


def answering(number: int, type_: ProgramType = ProgramType.XDP) -> Program:
    return asm(f"r0 = {number}\nexit", type_, f"answer {number}")


def redirecting(kind: str, key: int = 0, flags: int = 0, value: int = 4) -> Program:
    """Sends every frame through a map."""
    text = f"""
        .map target type={kind} key=4 value={value} entries=8
        r1 = map[target]
        r2 = {key}
        r3 = {flags}
        call bpf_redirect_map
        exit
    """
    return asm(text, name=f"{kind} {key}")


def redirecting_tc(ifindex: int, flags: int = 0) -> Program:
    text = f"r1 = {ifindex}\nr2 = {flags}\ncall bpf_redirect\nexit"
    return asm(text, ProgramType.SCHED_CLS, f"tc to {ifindex}")


@pytest.fixture
def node() -> Node:
    return Node("node", ports=(1, 2, 3), cpus=4)


# XDP ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (0, ("dropped", "XDP_ABORTED")),
        (1, ("dropped", "XDP_DROP")),
        (2, ("stack", "")),
        (3, ("sent", "1")),
        (4, ("dropped", "redirected to nothing")),
        (5, ("dropped", "XDP_ABORTED")),
    ],
)
def test_every_answer(node: Node, answer: int, expected: tuple[str, str]) -> None:
    node.attach(Hook.XDP, 1, node.load(answering(answer)))
    assert ends(node.receive(1, FRAME)) == [expected]


def test_where_the_frame_came_in(node: Node) -> None:
    """Interface and queue are in the context, and the queue chooses the CPU."""
    text = """
        r6 = *(u32 *)(r1 + 12)
        r6 <<= 8
        r2 = *(u32 *)(r1 + 16)
        r6 |= r2
        r6 <<= 8
        call bpf_get_smp_processor_id
        r0 |= r6
        exit
    """
    node.attach(Hook.XDP, 3, node.load(asm(text)))
    (verdict,) = node.receive(3, FRAME, queue=6).verdicts
    assert verdict.result.r0 == 3 << 16 | 6 << 8 | 6 % 4


def test_through_a_devmap(node: Node) -> None:
    node.attach(Hook.XDP, 1, node.load(redirecting("devmap", key=2)))
    assert ends(node.receive(1, FRAME)) == [("dropped", "XDP_ABORTED")]
    node.map("target").update(2, 3)
    journey = node.receive(1, FRAME)
    assert ends(journey) == [("sent", "3")]
    assert journey.verdicts[0].where == "port 3 (target[2])"
    node.map("target").update(2, 9)
    assert ends(node.receive(1, FRAME)) == [("dropped", "no port 9")]


def test_a_program_in_the_devmap_s_entry(node: Node) -> None:
    """It sees both interfaces, and its answer decides."""
    node.attach(Hook.XDP, 1, node.load(redirecting("devmap", value=8)))
    stamp = """
        r2 = *(u32 *)(r1 + 0)
        r3 = *(u32 *)(r1 + 4)
        r4 = r2
        r4 += 14
        if r4 > r3 goto out
        r5 = *(u32 *)(r1 + 12)
        *(u8 *)(r2 + 0) = r5
        r5 = *(u32 *)(r1 + 20)
        *(u8 *)(r2 + 1) = r5
    out:
        r0 = 2
        exit
    """
    target = node.map("target")
    target.update(0, u32(3) + u32(0), program=node.load(asm(stamp)))
    journey = node.receive(1, FRAME)
    assert [verdict.place for verdict in journey.verdicts] == [
        Place(Hook.XDP, 1), Place(Hook.DEVMAP, 3),
    ]  # fmt: skip
    assert node.port(3).sent == [bytes([1, 3]) + FRAME[2:]]
    target.update(0, u32(3) + u32(0), program=node.load(answering(1)))
    assert ends(node.receive(1, FRAME)) == [("dropped", "XDP_DROP")]
    target.update(0, u32(3) + u32(0), program=node.load(answering(3)))
    assert ends(node.receive(1, FRAME)) == [("dropped", "XDP_TX")]  # not possible there


def test_only_verified_programs_go_into_maps(node: Node) -> None:
    node.load(redirecting("devmap", value=8))
    with pytest.raises(BpfsmtError, match="answer 1 was not loaded"):
        node.map("target").update(0, 3, program=answering(1))


BROADCAST, EXCLUDE_INGRESS = 1 << 3, 1 << 4


def test_broadcast(node: Node) -> None:
    node.attach(Hook.XDP, 1, node.load(redirecting("devmap", flags=BROADCAST | EXCLUDE_INGRESS)))
    assert ends(node.receive(1, FRAME)) == [("dropped", "redirected to nothing")]
    for port in (1, 2, 3):
        node.map("target").update(port, port)
    assert ends(node.receive(1, FRAME)) == [("sent", "2"), ("sent", "3")]


def test_to_another_cpu(node: Node) -> None:
    """The second program of the pipeline, and traffic control, run there."""
    node.attach(Hook.XDP, 1, node.load(redirecting("cpumap", key=3, value=8)))
    on_cpu = "call bpf_get_smp_processor_id\nif r0 != 3 goto +2\nr0 = 2\nexit\nr0 = 1\nexit"
    node.map("target").update(3, u32(192) + u32(0), program=node.load(asm(on_cpu)))
    count = node.load(compiled("other/tc_mark"))
    node.attach(Hook.TC_INGRESS, 1, count)
    journey = node.receive(1, FRAME)
    assert [(verdict.place.hook, verdict.cpu) for verdict in journey.verdicts] == [
        (Hook.XDP, 0), (Hook.CPUMAP, 3), (Hook.TC_INGRESS, 3),
    ]  # fmt: skip
    counted = node.map("bytes").lookup(0)
    assert isinstance(counted, bytes)
    assert [counted[at] for at in (0, 8, 16, 24)] == [0, 0, 0, len(FRAME)]


def test_flows_are_spread_over_cpus(node: Node) -> None:
    node.attach(Hook.XDP, 1, node.load(compiled("xdp/xdp_cpu_redirect")))
    node.map("cpu_count").update(0, 3)
    for slot, cpu in enumerate((1, 2, 3)):
        node.map("cpus").update(slot, cpu)
        node.map("cpu_map").update(cpu, 192)
    node.attach(Hook.TC_INGRESS, 1, node.load(answering(0, ProgramType.SCHED_CLS)))
    there = frame(ip("10.0.0.1", "10.0.0.2", udp(1000, 53)))
    back = frame(ip("10.0.0.2", "10.0.0.1", udp(53, 1000)))
    assert node.receive(1, there).verdicts[-1].cpu == node.receive(1, back).verdicts[-1].cpu
    used = [node.receive(1, each).verdicts[-1].cpu for each in generate("udp:60")]
    assert set(used) == {1, 2, 3}


def test_to_a_socket_past_the_stack(node: Node) -> None:
    node.attach(Hook.XDP, 1, node.load(compiled("xdp/xdp_xsk")))
    node.map("wanted").update((53).to_bytes(2, "big"), 0)
    assert ends(node.receive(1, FRAME, queue=2)) == [("stack", "")]  # no socket yet
    node.map("sockets").update(2, 77)
    assert ends(node.receive(1, FRAME, queue=2)) == [("xsk", "77")]
    assert ends(node.receive(1, FRAME, queue=1)) == [("stack", "")]
    assert node.xsk == {77: [FRAME]}
    assert node.map("wanted").number((53).to_bytes(2, "big")) == 3


# Pipelines -----------------------------------------------------------------------------------


def pipeline(node: Node) -> None:
    """Classify, leave a mark in front of the packet, tail-call the stage for it."""
    node.attach(Hook.XDP, 1, node.load(compiled("xdp/xdp_meta_mark")))
    node.map("stages").update(2, node.load(compiled("xdp/xdp_meta_read")))  # UDP


def test_metadata_goes_to_the_next_program(node: Node) -> None:
    pipeline(node)
    assert ends(node.receive(1, FRAME)) == [("stack", "")]
    node.map("port_actions").update((53).to_bytes(2, "little"), 1)
    assert ends(node.receive(1, FRAME)) == [("dropped", "XDP_DROP")]
    assert sum(node.map("spread").number(n) or 0 for n in range(256)) == 2
    (tcp_frame,) = generate("tcp:1")  # no such stage: the first program goes on
    assert ends(node.receive(1, tcp_frame)) == [("stack", "")]
    assert sum(node.map("spread").number(n) or 0 for n in range(256)) == 2


def test_metadata_goes_to_traffic_control(node: Node) -> None:
    pipeline(node)
    text = """
        .type sched_cls
        r2 = *(u32 *)(r1 + 140)
        r3 = *(u32 *)(r1 + 76)
        r4 = r2
        r4 += 8
        r0 = 2
        if r4 > r3 goto out
        r5 = *(u16 *)(r2 + 6)
        *(u32 *)(r1 + 8) = r5
        r0 = 0
    out:
        exit
    """
    marked: list[int] = []

    def stack(node: Node, flight: Flight) -> None:
        marked.append(flight.fields["mark"])

    node.stack = stack
    node.attach(Hook.TC_INGRESS, 1, node.load(asm(text, ProgramType.SCHED_CLS)))
    assert ends(node.receive(1, FRAME)) == [("stack", "")]
    assert marked == [53]


def test_stages_are_changed_under_traffic(node: Node) -> None:
    pipeline(node)
    stages = node.map("stages")
    stages.update(2, node.load(answering(3)))
    assert ends(node.receive(1, FRAME)) == [("sent", "1")]
    assert stages.delete(2)
    assert ends(node.receive(1, FRAME)) == [("stack", "")]


# Traffic control -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (0, ("stack", "")),
        (2, ("dropped", "TC_ACT_SHOT")),
        (4, ("consumed", "answer 4")),
        (7, ("dropped", "redirected to nothing")),
        (-1, ("dropped", "TC_ACT_SHOT")),  # the next program decides
        (3, ("dropped", "TC_ACT_SHOT")),
    ],
)
def test_every_answer_of_a_classifier(node: Node, answer: int, expected: tuple[str, str]) -> None:
    first = node.load(answering(answer, ProgramType.SCHED_CLS))
    node.attach(Hook.TC_INGRESS, 1, first, node.load(answering(2, ProgramType.SCHED_CLS)))
    assert ends(node.receive(1, FRAME)) == [expected]


def test_traffic_control_redirects(node: Node) -> None:
    node.attach(Hook.TC_INGRESS, 1, node.load(redirecting_tc(2)))
    node.attach(Hook.TC_EGRESS, 2, node.load(answering(0, ProgramType.SCHED_CLS)))
    journey = node.receive(1, FRAME)
    assert ends(journey) == [("sent", "2")]
    assert [verdict.place.hook for verdict in journey.verdicts] == [Hook.TC_INGRESS, Hook.TC_EGRESS]
    node.attach(Hook.TC_INGRESS, 1, node.load(redirecting_tc(3, flags=1)))
    assert ends(node.receive(1, FRAME)) == [("stack", "")]
    node.attach(Hook.TC_INGRESS, 3, node.load(answering(2, ProgramType.SCHED_CLS)))
    assert ends(node.receive(1, FRAME)) == [("dropped", "TC_ACT_SHOT")]


def test_redirected_in_circles(node: Node) -> None:
    node.attach(Hook.TC_INGRESS, 1, node.load(redirecting_tc(1, flags=1)))
    assert ends(node.receive(1, FRAME)) == [("dropped", "redirected too often")]


def test_to_a_neighbour() -> None:
    routes = Routes()
    routes.device(2, "02:00:00:00:00:22")
    routes.neighbour("10.0.0.2", 2, "02:00:00:00:00:99")
    node = Node("node", ports=(1, 2), env=Environment(routes=routes))
    text = "r1 = 2\nr2 = 0\nr3 = 0\nr4 = 0\ncall bpf_redirect_neigh\nexit"
    to_neighbour = asm(text, ProgramType.SCHED_CLS)
    loaded = node.control.load(to_neighbour, unverified=True)  # newer than the paper's verifier
    node.attach(Hook.TC_INGRESS, 1, loaded)
    assert ends(node.receive(1, FRAME)) == [("sent", "2")]
    there = mac("02:00:00:00:00:99") + mac("02:00:00:00:00:22") + FRAME[12:]
    assert node.port(2).sent == [there]
    assert routes.forget("10.0.0.2", 2)
    assert ends(node.receive(1, FRAME)) == [("dropped", "no such neighbour")]


def test_a_copy_goes_elsewhere(node: Node) -> None:
    text = "r2 = 3\nr3 = 0\ncall bpf_clone_redirect\nr0 = 0\nexit"
    node.attach(Hook.TC_INGRESS, 1, node.load(asm(text, ProgramType.SCHED_CLS)))
    assert ends(node.receive(1, FRAME)) == [("sent", "3"), ("stack", "")]
    assert node.port(3).sent == [FRAME]


def test_a_vlan_tag_is_beside_the_packet_above_xdp(node: Node) -> None:
    tagged = frame(ip("10.0.0.1", "10.0.0.2", udp(1, 2)), vlan=9)
    text = """
        .type sched_cls
        r0 = *(u32 *)(r1 + 24)
        if r0 != 9 goto +3
        r0 = *(u32 *)(r1 + 16)
        if r0 != 8 goto +1
        r0 = 0
        exit
    """
    node.attach(Hook.TC_INGRESS, 1, node.load(asm(text, ProgramType.SCHED_CLS)))
    journey = node.receive(1, tagged)
    assert journey.verdicts[0].before == tagged[:12] + tagged[16:]
    assert [(end.kind, end.frame) for end in journey.ends] == [("stack", tagged)]


# Sockets -------------------------------------------------------------------------------------


def test_a_filter_keeps_dns_queries(node: Node) -> None:
    query = b"\x12\x34" + b"\x01\x00" + b"\x00\x01" + bytes(6) + b"name"
    dns = frame(ip("10.0.0.1", "10.0.0.2", udp(4000, 53, query)))
    resolver, other = node.add_socket(Socket("dns")), node.add_socket(Socket("all"))
    node.attach(Hook.SOCKET, "dns", node.load(compiled("other/socket_dns")))
    assert ends(node.receive(1, dns)) == [("socket", "dns"), ("socket", "all")]
    assert ends(node.receive(1, FRAME)) == [("dropped", "filter of socket dns"), ("socket", "all")]
    assert resolver.received == [dns[14:]]
    assert other.received == [dns[14:], FRAME[14:]]
    assert (node.map("seen").number(0), node.map("seen").number(1)) == (1, 1)


def test_a_filter_says_how_much_is_kept(node: Node) -> None:
    socket = node.add_socket(Socket("head"))
    node.attach(Hook.SOCKET, "head", node.load(answering(20, ProgramType.SOCKET_FILTER)))
    node.receive(1, FRAME)
    assert socket.received == [FRAME[14:34]]


def test_a_cgroup_has_a_quota(node: Node) -> None:
    inside = node.add_socket(Socket("inside", cgroup="limited"))
    outside = node.add_socket(Socket("outside"))
    node.attach(Hook.CGROUP_INGRESS, "limited", node.load(compiled("other/cgroup_quota")))
    node.receive(1, FRAME)
    size, family = len(FRAME) - 14, u32(2)
    quota = node.map("quotas").lookup(family)
    assert quota == (1).to_bytes(8, "little") + size.to_bytes(8, "little") + bytes(8)
    node.map("quotas").update(family, quota[:16] + (3 * size).to_bytes(8, "little"))
    for _ in range(4):
        node.receive(1, FRAME)
    assert (len(inside.received), len(outside.received)) == (3, 5)


def test_a_cgroup_may_not_send(node: Node) -> None:
    node.attach(Hook.CGROUP_EGRESS, "jail", node.load(answering(0, ProgramType.CGROUP_SKB)))
    assert ends(node.send(2, FRAME, cgroup="jail")) == [("dropped", "cgroup jail")]
    assert ends(node.send(2, FRAME)) == [("sent", "2")]


def test_sockets_choose(node: Node) -> None:
    node.add_socket(Socket("dns", takes=lambda packet: packet[22:24] == b"\x00\x35"))
    (other,) = generate("udp:1,dport=80")
    assert ends(node.receive(1, FRAME)) == [("socket", "dns")]
    assert ends(node.receive(1, other)) == [("stack", "")]


# Ports and wires -----------------------------------------------------------------------------


def test_a_port_that_is_down_receives_nothing(node: Node) -> None:
    node.port(1).up = False
    node.attach(Hook.XDP, 1, node.load(answering(2)))
    journey = node.receive(1, FRAME)
    assert (ends(journey), journey.verdicts) == ([("dropped", "port 1 is down")], [])
    with pytest.raises(BpfsmtError, match="node has no port 9"):
        node.receive(9, FRAME)


def test_frames_that_go_round_for_ever_are_stopped() -> None:
    network = Network()
    a, b = network.add(Node("a")), network.add(Node("b"))
    network.wire((a, 1), (b, 1))
    for node in (a, b):
        node.attach(Hook.XDP, 1, node.load(answering(3)))
    network.inject(a, 1, FRAME)
    with pytest.raises(BpfsmtError, match="not quiet after 100 frames"):
        network.run(most=100)


def test_order_and_clock_of_a_network() -> None:
    network = Network(now=5_000)
    a, b = network.add(Node("a", ports=(1, 2))), network.add(Node("b", ports=(1, 2)))
    network.wire((a, 1), (b, 1), delay=700)
    network.wire((a, 2), (b, 2), delay=100)
    tap = network.tap(b, 1)
    a.send(1, FRAME)
    a.send(2, FRAME)
    network.inject(b, 2, FRAME, after=300)
    assert network.run(until=5_400) == 2
    assert network.now == b.env.time == 5_400
    assert network.run() == 1
    assert [(each.ifindex, each.time) for each in network.journeys] == [
        (2, 5_100), (2, 5_300), (1, 5_700),
    ]  # fmt: skip
    assert [(each.time, each.data) for each in tap] == [(5_700, FRAME)]


def test_wired_twice() -> None:
    network = Network()
    a, b = network.add(Node("a", ports=(1, 2))), network.add(Node("b"))
    network.wire((a, 1), (b, 1))
    with pytest.raises(BpfsmtError, match="port 1 of b is wired already"):
        network.wire((a, 2), (b, 1))
    with pytest.raises(BpfsmtError, match="two nodes are called a"):
        network.add(Node("a"))
    assert a.port(2).wire is None


# Maps ------------------------------------------------------------------------------------------


def test_maps_are_shared_by_name_and_can_be_kept_apart(node: Node) -> None:
    router, bridge = compiled("xdp/xdp_l3fwd"), compiled("xdp/xdp_l2fwd")
    node.load(router)
    node.load(bridge)
    assert node.map("tx_ports").state is node.control.env.maps["tx_ports"]
    apart = node.load(bridge, names={"tx_ports": "bridge_ports"})
    assert [each.name for each in apart.program.maps if "ports" in each.name] == ["bridge_ports"]
    assert node.map("bridge_ports").state is not node.map("tx_ports").state
    with pytest.raises(BpfsmtError, match="two different maps are called tx_ports"):
        node.load(compiled("xdp/xdp_fib_fwd"))
    with pytest.raises(BpfsmtError, match="no map 'none'"):
        node.map("none")


def test_the_wrong_sizes(node: Node) -> None:
    node.load(compiled("xdp/xdp_l3fwd"))
    with pytest.raises(BpfsmtError, match="map routes: a value of 3 bytes, not 16"):
        node.map("routes").update(bytes(8), b"abc")
    with pytest.raises(BpfsmtError, match="map routes: a key of 2 bytes, not 8"):
        node.map("routes").lookup(b"ab")
