"""Frames that are built are what they should be; what is read from them is what is in them."""

from __future__ import annotations

import random

import pytest

from bpfsmt.errors import BpfsmtError
from bpfsmt.network.checksums import wrong_checksums
from bpfsmt.network.compare import changes
from bpfsmt.network.fields import layers, summary
from bpfsmt.network.frames import SYN, arp, frame, ip, mac, ping, tcp, udp
from bpfsmt.network.traffic import KINDS, MOST, generate

INNER = ip("10.0.0.1", "10.0.0.9", udp(1, 2, b"abc" * 10))


def test_bytes_written_out_by_hand() -> None:
    built = frame(ip("10.0.0.1", "10.0.0.2", udp(4000, 53, b"query")), vlan=5)
    assert built.hex() == (
        "020000000002" "020000000001" "8100" "0005" "0800"
        "45000021" "00000000" "401166ca" "0a000001" "0a000002"
        "0fa00035" "000d8c14" "7175657279"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("built", "names"),
    [
        (frame(INNER), "eth ip udp data"),
        (frame(INNER, vlan=7), "eth vlan ip udp data"),
        (frame(ip("1.1.1.1", "1.1.1.2", INNER)), "eth ip ip udp data"),
        (frame(ip("fd00::1", "fd00::2", tcp(1, 2, flags=SYN))), "eth ip6 tcp"),
        (frame(ip("fd00::1", "fd00::2", ping(1, b"x", version=6))), "eth ip6 icmp6 echo data"),
        (frame(ip("1.1.1.1", "1.1.1.2", ping(1, b"x"))), "eth ip icmp echo data"),
        (frame(arp("1.1.1.1", "1.1.1.2")), "eth arp"),
        (frame(ip("1.1.1.1", "1.1.1.2", b"12345678", fragment=3)), "eth ip data"),
        (bytes(12) + b"\x88\xcc" + b"x" * 20, "eth data"),
        (bytes(13), "data"),
        (b"", ""),
    ],
)
def test_layers(built: bytes, names: str) -> None:
    found = layers(built)
    assert " ".join(layer.name for layer in found) == names
    at = 0
    for layer in found:  # they follow each other without a gap
        assert layer.start == at
        at = layer.end
    assert at == len(built)


def test_layers_hold_the_fields() -> None:
    eth, vlan, header, l4, _ = layers(frame(ip("10.1.2.3", "10.9.8.7", tcp(5, 6, b"x")), vlan=9))
    assert eth.fields["src"] == "02:00:00:00:00:01"
    assert vlan.fields["id"] == "9"
    assert (header.fields["src"], header.fields["ttl"]) == ("10.1.2.3", "64")
    assert (l4.fields["sport"], l4.fields["flags"]) == ("5", "A")


def test_no_packet_between_versions() -> None:
    with pytest.raises(BpfsmtError, match="one is IPv4, the other IPv6"):
        ip("10.0.0.1", "fd00::1", udp(1, 2))


@pytest.mark.parametrize("text", ["", "02:00", "02:00:00:00:00:0g", "2:0:0:0:0:0", "02" * 6])
def test_no_mac_address(text: str) -> None:
    with pytest.raises(BpfsmtError, match="is no MAC address"):
        mac(text)


# Traffic --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_traffic_of_every_kind(kind: str) -> None:
    frames = generate(f"{kind}:50", seed=1)
    assert len(frames) == 50
    assert frames == generate(f"{kind}:50", seed=1) != generate(f"{kind}:50", seed=2)
    if kind not in ("garbage", "mixed"):
        assert not any(wrong_checksums(each) for each in frames)
    assert all(summary(each) for each in frames)


def test_what_is_fixed_in_traffic() -> None:
    text = "udp:20,src=10.0.0.0/30,dst=192.0.2.7,dport=53,sport=9,ttl=3,size=10,vlan=4"
    for each in generate(text):
        _, vlan, header, l4, data = layers(each)
        assert header.fields["src"] in {f"10.0.0.{n}" for n in range(4)}
        assert (header.fields["dst"], header.fields["ttl"]) == ("192.0.2.7", "3")
        assert (l4.fields["sport"], l4.fields["dport"]) == ("9", "53")
        assert (data.end - data.start, vlan.fields["id"]) == (10, "4")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("udq:3", "no kind 'udq'"),
        ("udp", "is no number of frames"),
        ("udp:x", "is no number of frames"),
        ("udp:-1", "is no number of frames"),
        (f"udp:{MOST + 1}", "is no number of frames"),
        ("udp:1,", "is no NAME=VALUE"),
        ("udp:1,color=3", "is no NAME=VALUE"),
        ("udp:1,ttl=256", "ttl is 0..255"),
        ("udp:1,src=10.0.0.0/99", "is no IPv4 address or network"),
        ("udp:1,src=fd00::/8", "is no IPv4 address or network"),
        ("udp6:1,src=10.0.0.1", "is no IPv6 address or network"),
    ],
)
def test_no_specification(text: str, why: str) -> None:
    with pytest.raises(BpfsmtError, match=why) as caught:
        generate(text)
    assert "\n" not in str(caught.value)


# Comparing ------------------------------------------------------------------------------


def test_an_outer_header_is_one_new_layer() -> None:
    wrapped = frame(ip("1.1.1.1", "1.1.1.2", INNER, ttl=9))
    assert [line.split()[:4] for line in changes(frame(INNER), wrapped)] == [
        ["+", "ip", "src=1.1.1.1", "dst=1.1.1.2"]
    ]
    assert [line.split()[:2] for line in changes(wrapped, frame(INNER))] == [["-", "ip"]]


def test_a_tag_is_one_new_layer() -> None:
    assert changes(frame(INNER), frame(INNER, vlan=7)) == [
        "eth.type: 0x0800 -> 0x8100",
        "+ vlan id=7 pri=0 type=0x0800",
    ]


def test_data_that_changed() -> None:
    packet = frame(INNER)
    assert changes(packet, packet[:-2] + b"XY") == ["data[28:30]: 6263 -> 5859"]
    assert changes(packet, packet + b"!")[-1].startswith("data: 30 -> 31 bytes")
    assert changes(b"ab", b"cd") == ["data[0:2]: 6162 -> 6364"]
    assert changes(packet, packet) == []


def test_damaged_frames_never_fail_and_every_difference_shows() -> None:
    rng = random.Random(3)
    for original in generate("mixed:150", seed=9) + generate("tcp6:50"):
        damaged = bytearray(original)
        for _ in range(3):
            damaged[rng.randrange(min(60, len(damaged)))] = rng.randrange(256)
        cut = bytes(damaged[: rng.choice((len(damaged), rng.randrange(len(damaged) + 1)))])
        assert bool(changes(original, cut)) == (original != cut)
        summary(cut)
        wrong_checksums(cut)


# Checksums ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "at", "wrong"),
    [
        ("udp", 22, ["ip"]),  # TTL
        ("udp", 30, ["ip", "udp"]),  # an address is in both
        ("udp", 42, ["udp"]),
        ("tcp", 42, ["tcp"]),
        ("ping", 42, ["icmp"]),
        ("tcp6", 30, ["tcp"]),
        ("ping6", 60, ["icmp6"]),
        ("fragment", 42, []),  # the rest of the datagram is elsewhere
    ],
)
def test_wrong_checksums(kind: str, at: int, wrong: list[str]) -> None:
    for packet in generate(f"{kind}:20,size=40"):
        broken = packet[:at] + bytes([packet[at] ^ 0x11]) + packet[at + 1 :]
        assert wrong_checksums(packet) == []
        assert wrong_checksums(broken) == wrong


def test_udp_without_a_checksum_is_not_wrong() -> None:
    packet = frame(INNER)
    assert wrong_checksums(packet[:40] + bytes(2) + packet[42:]) == []
