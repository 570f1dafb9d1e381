"""Helpers that move the packet, send it on, or ask for numbers."""

from __future__ import annotations

import pytest

from bpfsmt.machine import Environment, Event, Inputs, Result, ScriptedEnvironment, run
from bpfsmt.machine.checksum import csum_diff
from bpfsmt.program import MapDef

from .programs import answer, asm, run_asm

U64 = (1 << 64) - 1

ADJUST = """
    r6 = r1
    r2 = {delta}
    call bpf_xdp_adjust_{part}
    r1 = *(u32 *)(r6 + {first})
    r2 = *(u32 *)(r6 + {last})
    {then}
    exit
"""
LENGTH = "r2 -= r1\nr0 <<= 32\nr0 |= r2"


def adjusted(part: str, delta: int, packet: bytes = bytes(64), meta: bytes = b"") -> Result:
    first, last = (8, 0) if part == "meta" else (0, 4)
    text = ADJUST.format(part=part, delta=delta, first=first, last=last, then=LENGTH)
    return run_asm(text, packet, meta=meta)


@pytest.mark.parametrize(
    ("part", "delta", "code", "length"),
    [
        ("head", 10, 0, 54), ("head", -20, 0, 84), ("head", 50, 0, 14), ("head", 51, -22, 64),
        ("head", -216, 0, 280), ("head", -217, -22, 64),
        ("tail", -50, 0, 14), ("tail", -51, -22, 64), ("tail", 100, 0, 164),
        ("tail", 3456, 0, 3520), ("tail", 3457, -22, 64),
        ("meta", -8, 0, 8), ("meta", -7, -13, 0), ("meta", 4, -22, 0), ("meta", -216, 0, 216),
        ("meta", -220, -22, 0),
    ],
)  # fmt: skip
def test_adjust(part: str, delta: int, code: int, length: int) -> None:
    r0 = adjusted(part, delta).r0
    assert r0 == (code << 32 | length) & U64


def test_adjust_head_keeps_the_content_and_moves_the_metadata() -> None:
    packet = bytes(range(64))
    assert adjusted("head", 10, packet).packet == packet[10:]
    grown = adjusted("head", -4, packet, b"meta")
    assert grown.packet[4:] == packet
    text = ADJUST.format(
        part="head", delta=-4, first=8, last=0, then="r0 = *(u32 *)(r1 + 0)"
    )  # fmt: skip
    assert run_asm(text, packet, meta=b"meta").r0 == int.from_bytes(b"meta", "little")


def test_adjust_tail_grows_by_zeros() -> None:
    assert adjusted("tail", 4, b"\xff" * 64).packet == b"\xff" * 64 + bytes(4)


def test_bytes_that_were_cut_off_are_out_of_reach() -> None:
    text = ADJUST.format(
        part="tail", delta=-4, first=0, last=4, then="r0 = *(u8 *)(r1 + 60)"
    )  # fmt: skip
    result = run_asm(text)
    assert result.fault is not None and result.fault.pc == 5


def test_a_call_leaves_nothing_in_its_argument_registers() -> None:
    assert answer("r1 = 5\ncall bpf_get_prandom_u32\nr0 = r1\nexit") != 5


def test_clock_and_random_numbers() -> None:
    clock = "call bpf_ktime_get_ns\nr6 = r0\ncall bpf_ktime_get_ns\nr0 -= r6\nexit"
    assert answer(clock) > 0
    random = "call bpf_get_prandom_u32\nexit"
    assert answer(random) == answer(random) < 1 << 32
    assert answer(random, env=Environment(seed=1)) != answer(random)
    assert answer("call bpf_get_smp_processor_id\nexit", env=Environment(cpu=3)) == 3


REDIRECT = """
    .map ports type=devmap key=4 value=4 entries=8
    r1 = map[ports]
    r2 = 3
    r3 = {flags}
    call bpf_redirect_map
    exit
"""


def test_redirect_map() -> None:
    env = Environment()
    assert answer(REDIRECT.format(flags=2), env=env) == 2
    ports = env.state_of(MapDef("ports", "devmap", 4, 4, 8))
    assert ports.update((3).to_bytes(4, "little"), (9).to_bytes(4, "little")) == 0
    assert answer(REDIRECT.format(flags=2), env=env) == 4
    assert answer(REDIRECT.format(flags=64), env=env) == 0


def test_checksum_difference() -> None:
    # RFC 1071's example: the sum of 00 01 f2 03 f4 f5 f6 f7 is ddf2.
    data = bytes.fromhex("0001f203f4f5f6f7")
    assert csum_diff(b"", data, 0).to_bytes(2, "little") == bytes.fromhex("ddf2")
    assert csum_diff(data, data, 0) == 0xFFFF
    text = "*(u64 *)(r10 - 8) = 5\nr1 = 0\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = {size}\nr5 = 2\n"
    text += "call bpf_csum_diff\nexit"
    assert answer(text.format(size=8)) == 7
    assert answer(text.format(size=6)) == 7


TAIL_CALL = """
    .map table type=prog_array key=4 value=4 entries=2
    r2 = map[table]
    r3 = {index}
    call bpf_tail_call
    r0 = 7
    exit
"""


@pytest.mark.parametrize("helper", ["bpf_sk_lookup_tcp", "bpf_sk_lookup_udp", "bpf_skc_lookup_tcp"])
def test_no_socket_is_found(helper: str) -> None:
    where = "*(u64 *)(r10 - 8) = 0\n*(u32 *)(r10 - 12) = 0\nr2 = r10\nr2 += -12\nr3 = {size}"
    text = f"{where}\nr4 = 0\nr5 = 0\ncall {helper}\nexit"
    assert answer(text.format(size=12)) == 0
    assert "only offsets 0..511 are accessible" in str(run_asm(text.format(size=13)).fault)


def test_tail_call() -> None:
    text = TAIL_CALL.format(index=1)
    assert answer(text) == 7
    env = Environment(programs={("table", 1): asm("r0 = *(u32 *)(r1 + 12)\nexit")})
    result = run(asm(text), Inputs(ctx={"ingress_ifindex": 5}), env, trace=True)
    assert (result.outcome, result.r0) == ("exit", 5)
    assert result.trace is not None and [s.pc for s in result.trace.steps] == [0, 2, 3]
    again = Environment(programs={("table", 1): asm(text)})
    assert answer(text, env=again) == 7  # after 33 of them the next one fails


def test_a_derived_environment_overrides_a_helper() -> None:
    class Routes(Environment):
        def bpf_ktime_get_ns(self, *_: object) -> int:
            return 5

    assert answer("call bpf_ktime_get_ns\nexit", env=Routes()) == 5


SCRIPTED = """
    .map m type=array key=4 value=8 entries=1
        r6 = r1
        call bpf_get_prandom_u32
        r7 = r0
        *(u32 *)(r10 - 4) = 0
        r1 = map[m]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto null
        r0 = *(u32 *)(r0 + 0)
        r0 += r7
        exit
    null:
        r0 = -1
        exit
"""


def test_a_script_decides_and_then_the_default_does() -> None:
    env = ScriptedEnvironment(
        [Event("call", 1, 100), Event("call", 8, None), Event("load", 10, 1 << 32 | 23)]
    )
    assert answer(SCRIPTED, env=env) == 123
    assert env.left == []
    null = ScriptedEnvironment([Event("call", 1, 100), Event("call", 8, 0)])
    assert answer(SCRIPTED, env=null) == U64
    value = ScriptedEnvironment([Event("call", 1, 100), Event("call", 8, None, b"\x05")])
    assert answer(SCRIPTED, env=value) == 105
    short = ScriptedEnvironment([Event("call", 1, 100)])
    assert answer(SCRIPTED, env=short) == 100
    off = ScriptedEnvironment([Event("call", 2, 100)])
    assert answer(SCRIPTED, env=off) == answer(SCRIPTED) and len(off.left) == 1


def test_a_script_moves_the_packet_beyond_what_the_default_would() -> None:
    text = ADJUST.format(part="head", delta=60, first=0, last=4, then=LENGTH)
    assert run_asm(text, env=ScriptedEnvironment([Event("call", 2, 0)])).r0 == 4
    assert run_asm(text, env=ScriptedEnvironment([Event("call", 2, -1)])).r0 == (
        (-1 << 32 | 64) & U64
    )
    marks = Event("call", 2, 0, packet=(0, 0, 5000))
    assert run_asm(text, env=ScriptedEnvironment([marks])).r0 == 5000


def test_a_script_writes_a_helpers_output() -> None:
    text = "r2 = 0\nr3 = r10\nr3 += -4\nr4 = 4\ncall bpf_xdp_load_bytes\n"
    text += "r0 = *(u32 *)(r10 - 4)\nexit"
    event = Event("call", 4, 0, b"\x01\x02\x03\x04")
    assert answer(text, env=ScriptedEnvironment([event])) == 0x04030201
