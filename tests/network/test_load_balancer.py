"""Section 5.3: a load balancer wraps flows to servers, which unwrap them and answer directly.

Five nodes on a switch, which is an XDP program as well: a client, the balancer (one port:
what it wraps goes out where it came in), three servers.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

import dpkt
import pytest

from bpfsmt.network.checksums import wrong_checksums
from bpfsmt.network.flight import Flight
from bpfsmt.network.frames import frame, ip, mac, tcp
from bpfsmt.network.hooks import Hook
from bpfsmt.network.node import Node
from bpfsmt.network.wires import Network

from .common import compiled, u32

VIP, PORT = "192.0.2.1", 80
BALANCER_IP = "192.0.2.254"
SERVER_IPS = [f"10.0.0.{n}" for n in (1, 2, 3)]
MACS = {
    "client": "02:00:00:00:00:01",
    "balancer": "02:00:00:00:00:02",
    "server0": "02:00:00:00:00:10",
    "server1": "02:00:00:00:00:11",
    "server2": "02:00:00:00:00:12",
}
RING = 256


@dataclass
class Farm:
    """The network, and the inner packets that each server's stack was given."""

    network: Network
    nodes: dict[str, Node]
    served: dict[str, list[bytes]] = field(default_factory=dict)

    def request(self, client: str, sport: int, payload: bytes = b"GET /") -> bytes:
        """The client sends one segment; gives the frame."""
        segment = tcp(sport, PORT, payload)
        sent = frame(ip(client, VIP, segment), src=MACS["client"], dst=MACS["balancer"])
        self.nodes["client"].send(1, sent)
        return sent

    def who_served(self, client: str, sport: int) -> str:
        """Which server a segment of that flow comes to."""
        before = {name: len(packets) for name, packets in self.served.items()}
        self.request(client, sport)
        self.network.run()
        (server,) = (name for name, packets in self.served.items() if len(packets) > before[name])
        return server


def answer(farm: Farm) -> None:
    """Servers answer in the name of the virtual address, straight to the client."""

    def serve(node: Node, flight: Flight) -> None:
        farm.served[node.name].append(flight.data)
        request = dpkt.ip.IP(flight.data[14:])
        reply = tcp(PORT, request.data.sport, b"200 OK")
        packet = ip(VIP, socket.inet_ntoa(request.src), reply)
        node.send(1, frame(packet, src=MACS[node.name], dst=MACS["client"]))

    for name in farm.served:
        farm.nodes[name].stack = serve


@pytest.fixture
def farm() -> Farm:
    network = Network()
    nodes = {name: network.add(Node(name)) for name in MACS}
    switch = network.add(Node("switch", ports=range(1, len(MACS) + 1)))
    bridge = switch.load(compiled("xdp/xdp_l2fwd"))
    for number, (name, address) in enumerate(MACS.items(), 1):
        network.wire((nodes[name], 1), (switch, number))
        switch.attach(Hook.XDP, number, bridge)
        switch.map("stations").update(mac(address) + bytes(2), number)
        switch.map("tx_ports").update(number, number)
    _balance(nodes["balancer"])
    for n, server in enumerate(SERVER_IPS):
        node = nodes[f"server{n}"]
        node.attach(Hook.XDP, 1, node.load(compiled("xdp/xdp_lb_decap")))
        node.map("tunnel_ends").update(socket.inet_aton(server), 0)
    found = Farm(network, nodes, {f"server{n}": [] for n in range(3)})
    answer(found)
    return found


def _balance(node: Node) -> None:
    node.attach(Hook.XDP, 1, node.load(compiled("xdp/xdp_lb4")))
    vip = socket.inet_aton(VIP) + PORT.to_bytes(2, "big") + (6).to_bytes(2, "little")
    node.map("services").update(vip, u32(0) + socket.inet_aton(BALANCER_IP))
    for slot in range(RING):
        node.map("ring").update(slot, slot % 3)
    for n, server in enumerate(SERVER_IPS):
        address = mac(MACS[f"server{n}"])
        node.map("backends").update(n, socket.inet_aton(server) + address + bytes(2))


def test_a_flow_sticks_to_its_server_and_flows_spread(farm: Farm) -> None:
    first = {sport: farm.who_served("198.51.100.7", sport) for sport in range(4000, 4060)}
    again = {sport: farm.who_served("198.51.100.7", sport) for sport in reversed(range(4000, 4060))}
    assert first == again
    numbers = [list(first.values()).count(f"server{n}") for n in range(3)]
    assert min(numbers) >= 10  # 60 flows on three servers
    sent = farm.nodes["balancer"].map("sent")
    for n, flows in enumerate(numbers):
        traffic = sent.lookup(n)
        assert isinstance(traffic, bytes)
        assert int.from_bytes(traffic[:8], "little") == 2 * flows


def test_servers_get_what_the_client_sent_and_the_client_gets_the_answer(farm: Farm) -> None:
    asked = farm.network.tap(farm.nodes["client"], 1)
    sent = farm.request("198.51.100.7", 4711, b"GET /index")
    farm.network.run()
    ((served,),) = [packets for packets in farm.served.values() if packets]
    assert served[14:] == sent[14:]  # unwrapped, the very bytes of the network layer
    out, back = (each.data for each in asked)
    assert out == sent
    reply = dpkt.ethernet.Ethernet(back)
    assert socket.inet_ntoa(reply.data.src) == VIP
    assert (reply.data.data.dport, bytes(reply.data.data.data)) == (4711, b"200 OK")
    assert wrong_checksums(back) == []


def test_the_outer_header_is_right(farm: Farm) -> None:
    wire = farm.network.tap(farm.nodes["balancer"], 1)
    sent = farm.request("198.51.100.7", 4711, bytes(100))
    farm.network.run()
    arrived, left = (each.data for each in wire)
    assert arrived == sent
    outer = dpkt.ethernet.Ethernet(left)
    assert outer.src == mac(MACS["balancer"])
    assert socket.inet_ntoa(outer.data.src) == BALANCER_IP
    server = SERVER_IPS.index(socket.inet_ntoa(outer.data.dst))
    assert outer.dst == mac(MACS[f"server{server}"])
    assert (outer.data.p, outer.data.len) == (dpkt.ip.IP_PROTO_IPIP, len(sent) - 14 + 20)
    assert bytes(outer.data.data) == sent[14:]
    assert wrong_checksums(left) == []


def test_without_a_server_its_flows_alone_move(farm: Farm) -> None:
    first = {sport: farm.who_served("198.51.100.9", sport) for sport in range(5000, 5060)}
    ring = farm.nodes["balancer"].map("ring")
    for slot in range(RING):
        if ring.number(slot) == 1:
            ring.update(slot, slot % 2 * 2)  # to 0 or 2
    moved = {sport: farm.who_served("198.51.100.9", sport) for sport in first}
    assert "server1" not in moved.values()
    assert all(moved[sport] == server for sport, server in first.items() if server != "server1")


def test_what_is_not_for_the_service_passes(farm: Farm) -> None:
    other = frame(ip("198.51.100.7", VIP, tcp(4000, 22)), dst=MACS["balancer"])
    journey = farm.nodes["balancer"].receive(1, other)
    assert [(end.kind, end.frame) for end in journey.ends] == [("stack", other)]


def test_a_server_keeps_to_its_own_tunnels(farm: Farm) -> None:
    foreign = frame(ip(BALANCER_IP, "10.0.0.99", ip("198.51.100.7", VIP, tcp(1, PORT))))
    farm.nodes["server0"].stack = None
    journey = farm.nodes["server0"].receive(1, foreign)
    assert journey.ends[0].frame == foreign
