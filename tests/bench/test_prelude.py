"""The prelude gives every repetition the same packet, whatever the program made of it."""

from __future__ import annotations

import pytest

from bpfsmt.bench.prelude import NEXT, Vary, prelude
from bpfsmt.machine import Environment, Inputs, run
from bpfsmt.network.frames import frame, ip, tcp
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

FRAME = frame(ip("10.0.0.1", "192.0.2.1", tcp(4000, 80, bytes(range(40)))))


def after_prelude(
    packet: bytes, meta: bytes = b"", vary: Vary | None = None
) -> tuple[bytes, bytes]:
    """What the program behind the prelude gets: the packet and its metadata."""
    env, program = Environment(seed=3), prelude(FRAME, vary)
    env.load(program)
    env.map(NEXT).update(0, load_asm("r0 = 2\nexit", "empty"))
    result = run(program, Inputs(packet, data_meta=meta), env)
    assert result.action == "XDP_PASS"
    return result.packet, result.data_meta


@pytest.mark.parametrize(
    "packet",
    [
        FRAME,
        bytes(20) + FRAME,  # wrapped once more
        FRAME[20:],  # unwrapped
        FRAME[:14] + bytes(4) + FRAME[14:],
        bytes(64) + FRAME[64:],
        bytes([255] * 64) + FRAME[64:],
    ],
)
def test_the_packet_is_as_it_was(packet: bytes) -> None:
    assert after_prelude(packet) == (FRAME, b"")


def test_metadata_is_gone() -> None:
    assert after_prelude(FRAME, meta=bytes(8)) == (FRAME, b"")


def test_one_field_varies() -> None:
    vary = Vary(26, 0x0A000000, 200, 256)
    packet, _ = after_prelude(bytes(20) + FRAME, vary=vary)
    assert packet[:26] + packet[30:] == FRAME[:26] + FRAME[30:]
    value = int.from_bytes(packet[26:30], "big")
    assert value in range(0x0A000000, 0x0A000000 + 200 * 256, 256)
    assert packet == vary.apply(FRAME, (value - 0x0A000000) // 256)


def test_a_verifier_takes_it() -> None:
    assert verify(prelude(FRAME), rule_set("xdp-paper")).verdict.accepted
    vary = Vary(26, 0xC6120000, 1 << 17)
    assert verify(prelude(FRAME, vary), rule_set("linux-6.18")).verdict.accepted
