"""Section 5.2: frames are routed and bridged, and are right afterwards by another library."""

from __future__ import annotations

import socket

import dpkt
import pytest

from bpfsmt.machine import Environment, Routes
from bpfsmt.network.checksums import wrong_checksums
from bpfsmt.network.flight import Flight
from bpfsmt.network.frames import frame, ip, mac, udp
from bpfsmt.network.hooks import Hook
from bpfsmt.network.node import Node
from bpfsmt.network.traffic import generate

from .common import compiled, ends, u32

HERE, GATEWAY = "02:00:00:00:02:01", "02:00:00:00:02:99"
OTHER_GATEWAY = "02:00:00:00:03:99"


@pytest.fixture
def router() -> Node:
    """Routes of its own (an LPM trie): 192.0.2.0/24 by port 2, half of it by port 3."""
    node = Node("router", ports=(1, 2, 3))
    node.attach(Hook.XDP, 1, node.load(compiled("xdp/xdp_l3fwd")))
    for length, prefix, gateway, index in (
        (24, "192.0.2.0", GATEWAY, 0),
        (25, "192.0.2.128", OTHER_GATEWAY, 1),
    ):
        value = mac(HERE) + mac(gateway) + u32(index)
        node.map("routes").update(u32(length) + socket.inet_aton(prefix), value)
    node.map("tx_ports").update(0, 2)
    node.map("tx_ports").update(1, 3)
    return node


def test_ttl_and_checksum_after_routing(router: Node) -> None:
    for sent in generate("mixed:200,dst=192.0.2.0/24", seed=8):
        before = dpkt.ethernet.Ethernet(sent) if len(sent) >= 34 else None
        journey = router.receive(1, sent)
        (end,) = journey.ends
        if before is None or not isinstance(before.data, dpkt.ip.IP):
            assert (end.kind, end.frame) == ("stack", sent)
            continue
        upper = before.data.dst[3] >= 128
        assert (end.kind, end.where) == ("sent", "3" if upper else "2")
        after = dpkt.ethernet.Ethernet(end.frame)
        assert after.data.ttl == before.data.ttl - 1
        assert (after.src, after.dst) == (mac(HERE), mac(OTHER_GATEWAY if upper else GATEWAY))
        assert wrong_checksums(end.frame) == wrong_checksums(sent)
        after.data.ttl, after.data.sum = before.data.ttl, before.data.sum
        assert bytes(after)[14:] == bytes(before)[14:]  # nothing else changed
    counted = router.map("forwarded")
    assert counted.number(0) == router.port(2).counts["tx packets"] > 20
    assert counted.number(1) == router.port(3).counts["tx packets"] > 20


def test_checksum_at_every_ttl(router: Node) -> None:
    for ttl in range(2, 256):
        (sent,) = generate(f"udp:1,dst=192.0.2.7,ttl={ttl}", seed=ttl)
        (end,) = router.receive(1, sent).ends
        assert dpkt.ip.IP(end.frame[14:]).ttl == ttl - 1
        assert wrong_checksums(end.frame) == []


@pytest.mark.parametrize("ttl", [0, 1])
def test_what_expires_is_the_stack_s(router: Node, ttl: int) -> None:
    (sent,) = generate(f"udp:1,dst=192.0.2.7,ttl={ttl}")
    assert ends(router.receive(1, sent)) == [("stack", "")]


def test_no_route_and_no_port(router: Node) -> None:
    (elsewhere,) = generate("udp:1,dst=198.51.100.1")
    assert ends(router.receive(1, elsewhere)) == [("stack", "")]
    router.port(2).up = False
    (sent,) = generate("udp:1,dst=192.0.2.7")
    assert ends(router.receive(1, sent)) == [("dropped", "port 2 is down")]
    router.map("tx_ports").delete(0)
    assert ends(router.receive(1, sent)) == [("dropped", "XDP_ABORTED")]


def test_a_route_changes_under_traffic(router: Node) -> None:
    (sent,) = generate("udp:1,dst=192.0.2.200")
    assert ends(router.receive(1, sent)) == [("sent", "3")]
    assert router.map("routes").delete(u32(25) + socket.inet_aton("192.0.2.128"))
    assert ends(router.receive(1, sent)) == [("sent", "2")]


# The kernel's own table --------------------------------------------------------------------


@pytest.fixture
def fib() -> Node:
    routes = Routes()
    for index in (1, 2, 3):
        routes.device(index, f"02:00:00:00:00:0{index}")
    routes.route("192.0.2.0/24", 2, via="203.0.113.1")
    routes.route("2001:db8:2::/48", 3)
    routes.route("198.51.100.0/24", kind="blackhole")
    routes.neighbour("203.0.113.1", 2, GATEWAY)
    routes.neighbour("2001:db8:2::7", 3, OTHER_GATEWAY)
    node = Node("fib", ports=(1, 2, 3), env=Environment(routes=routes))
    node.attach(Hook.XDP, 1, node.load(compiled("xdp/xdp_fib_fwd")))
    for index in (2, 3):
        node.map("tx_ports").update(index, index)
    return node


def test_routed_by_the_kernel_s_table(fib: Node) -> None:
    for sent in generate("udp:20,dst=192.0.2.0/24") + generate("tcp:20,dst=192.0.2.0/24"):
        (end,) = fib.receive(1, sent).ends
        assert (end.kind, end.where) == ("sent", "2")
        before, after = dpkt.ethernet.Ethernet(sent), dpkt.ethernet.Ethernet(end.frame)
        assert (after.dst, after.src) == (mac(GATEWAY), mac("02:00:00:00:00:02"))
        assert after.data.ttl == before.data.ttl - 1
        assert wrong_checksums(end.frame) == []


def test_ipv6_has_a_hop_limit_and_no_checksum(fib: Node) -> None:
    (sent,) = generate("tcp6:1,dst=2001:db8:2::7,ttl=64")
    (end,) = fib.receive(1, sent).ends
    assert (end.kind, end.where) == ("sent", "3")
    after = dpkt.ethernet.Ethernet(end.frame)
    assert (after.data.hlim, after.dst) == (63, mac(OTHER_GATEWAY))
    assert wrong_checksums(end.frame) == []


@pytest.mark.parametrize(
    ("dst", "expected"),
    [
        ("198.51.100.9", ("dropped", "XDP_DROP")),  # a black hole
        ("203.0.113.77", ("stack", "")),  # no route
    ],
)
def test_what_is_not_routed(fib: Node, dst: str, expected: tuple[str, str]) -> None:
    (sent,) = generate(f"udp:1,dst={dst}")
    assert ends(fib.receive(1, sent)) == [expected]


def test_a_neighbour_not_known_is_for_the_stack_to_find(fib: Node) -> None:
    assert fib.env.routes.forget("203.0.113.1", 2)
    (sent,) = generate("udp:1,dst=192.0.2.9")
    assert ends(fib.receive(1, sent)) == [("stack", "")]


# Bridging ----------------------------------------------------------------------------------


def test_a_bridge_learned_by_user_space() -> None:
    """What is not known goes to the stack, which learns; then XDP forwards it."""
    macs = {port: f"02:00:00:00:00:{port:02x}" for port in (1, 2, 3)}

    def learn(bridge: Node, flight: Flight) -> None:
        bridge.map("stations").update(flight.data[6:12] + bytes(2), flight.ifindex)

    node = Node("bridge", ports=(1, 2, 3), stack=learn)
    program = node.load(compiled("xdp/xdp_l2fwd"))
    for port in macs:
        node.attach(Hook.XDP, port, program)
        node.map("tx_ports").update(port, port)

    def between(source: int, dest: int) -> bytes:
        packet = ip("10.0.0.1", "10.0.0.2", udp(1, 2))
        return frame(packet, src=macs[source], dst=macs[dest])

    expected = [
        (1, 2, "stack", ""),
        (2, 1, "stack", ""),
        (1, 2, "sent", "2"),
        (2, 1, "sent", "1"),
        (1, 3, "stack", ""),
        (1, 1, "dropped", "XDP_DROP"),  # it is where it belongs
    ]
    for source, dest, *end in expected:
        assert ends(node.receive(source, between(source, dest))) == [tuple(end)]
    assert node.port(2).sent == [between(1, 2)]
