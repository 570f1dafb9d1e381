"""Section 5.1 of the paper: an attack is dropped and counted, good traffic passes."""

from __future__ import annotations

import socket
from collections import Counter

from bpfsmt.network.fields import layers
from bpfsmt.network.hooks import Hook, Place
from bpfsmt.network.node import Node
from bpfsmt.network.traffic import generate

from .common import compiled

ATTACKERS = "10.66.0.0/28"
CLOSED_UDP = 2


def defended() -> Node:
    """A server behind the blacklist, UDP port 123 closed."""
    node = Node("server", rules=None)
    node.attach(Hook.XDP, 1, node.load(compiled("xdp/xdp_ddos_blacklist")))
    node.map("ports").update(123, CLOSED_UDP.to_bytes(4, "little") + bytes(20))
    for host in range(16):
        node.map("blacklist").update(socket.inet_aton(f"10.66.0.{host}"), 0)
    return node


def test_an_attack_is_dropped_and_counted_while_good_traffic_passes() -> None:
    node = defended()
    attack = generate(f"syn:300,src={ATTACKERS},dst=192.0.2.1", seed=1)
    reflected = generate("udp:50,src=198.51.100.0/24,dst=192.0.2.1,dport=123", seed=2)
    good = generate("tcp:100,src=198.51.100.0/24,dst=192.0.2.1,dport=443", seed=3)
    mixed = [frame for three in zip(attack[:50], reflected, good, strict=False) for frame in three]
    for frame in [*mixed, *attack[50:], *good[50:]]:
        journey = node.receive(1, frame)
        expected = "stack" if frame in good else "dropped"
        assert [end.kind for end in journey.ends] == [expected]
        assert journey.ends[0].frame == frame  # not a byte is changed

    by_source = Counter(layers(frame)[1].fields["src"] for frame in attack)
    for host, number in by_source.items():
        assert node.map("blacklist").number(socket.inet_aton(host)) == number
    rule = node.map("ports").lookup(123)
    assert isinstance(rule, bytes)
    assert int.from_bytes(rule[16:24], "little") == len(reflected)
    verdicts = node.map("verdicts")
    assert [verdicts.number(action) for action in range(5)] == [0, 350, 100, 0, 0]
    assert node.counts == {
        (Place(Hook.XDP, 1), "XDP_DROP"): 350,
        (Place(Hook.XDP, 1), "XDP_PASS"): 100,
    }
    assert node.port(1).counts["rx packets"] == 450


def test_the_blacklist_grows_and_shrinks_under_traffic() -> None:
    """Someone watches what comes in and closes the door on whoever sends too much."""
    node = defended()
    flood = generate("udp:40,src=203.0.113.9,dst=192.0.2.1,dport=53", seed=5)
    flooder = socket.inet_aton("203.0.113.9")
    seen = []
    for number, frame in enumerate(flood):
        if number == 10:
            node.map("blacklist").update(flooder, 0)
        if number == 30:
            assert node.map("blacklist").number(flooder) == 20
            assert node.map("blacklist").delete(flooder)
        seen.append(node.receive(1, frame).ends[0].kind)
    assert seen == ["stack"] * 10 + ["dropped"] * 20 + ["stack"] * 10


def test_a_damaged_frame_is_aborted_not_passed() -> None:
    node = defended()
    (frame,) = generate("udp:1")
    journey = node.receive(1, frame[:30])
    assert (journey.ends[0].kind, journey.ends[0].where) == ("dropped", "XDP_ABORTED")
