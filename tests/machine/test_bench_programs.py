"""The project's own programs run on ordinary packets without a fault."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from bpfsmt.machine import Environment, Inputs, run
from bpfsmt.program import load

OBJECTS = sorted((Path(__file__).parents[2] / "bench_programs").glob("*/*.o"))

MACS = bytes.fromhex("020000000001 020000000002")


def ipv4(proto: int, payload: bytes, options: bytes = b"") -> bytes:
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload),
        0, 0, 64, proto, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]),
    )  # fmt: skip
    return head + options + payload


def ipv6(proto: int, payload: bytes) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(payload), proto, 64) + bytes(range(32)) + payload


UDP = struct.pack(">HHHH", 1234, 53, 40, 0) + bytes(32)
TCP = struct.pack(">HHIIBBHHH", 1234, 80, 1, 0, 0x50, 2, 0xFFFF, 0, 0) + bytes(20)
ICMP = b"\x08\x00\x00\x00" + bytes(60)

PACKETS = [
    b"",
    bytes(13),
    bytes(64),
    MACS + b"\x08\x00" + ipv4(17, UDP),
    MACS + b"\x08\x00" + ipv4(6, TCP, bytes(8)),
    MACS + b"\x08\x00" + ipv4(1, ICMP),
    MACS + b"\x08\x00" + ipv4(4, ipv4(6, TCP)),
    MACS + b"\x08\x00" + ipv4(6, TCP)[:9],
    MACS + b"\x86\xdd" + ipv6(17, UDP),
    MACS + b"\x86\xdd" + ipv6(6, TCP),
    MACS + b"\x81\x00\x00\x05\x08\x00" + ipv4(17, UDP),
]


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
def test_runs_without_fault(path: Path) -> None:
    for program in load(path):
        env = Environment()
        for packet in PACKETS:
            result = run(program, Inputs(packet), env)
            assert result.outcome == "exit", (packet.hex(), result)


def test_programs_were_found() -> None:
    assert len(OBJECTS) >= 20


def test_the_port_filter_lets_the_allowed_port_through() -> None:
    [path] = [path for path in OBJECTS if path.stem == "xdp_port_filter"]
    [program] = load(path)
    env = Environment()
    udp = Inputs(MACS + b"\x08\x00" + ipv4(17, UDP))
    assert run(program, udp, env).r0 == 1
    list_of_udp = env.maps["allowed"].lookup((1).to_bytes(4, "little"))
    assert list_of_udp is not None
    list_of_udp[53 // 8] |= 1 << 53 % 8
    assert run(program, udp, env).r0 == 2
