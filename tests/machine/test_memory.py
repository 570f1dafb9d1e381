"""Loads, stores, calls, and the faults that wild ones are."""

from __future__ import annotations

import pytest

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Inputs, run

from .programs import answer, asm, run_asm

LOAD_PACKET = "r1 = *(u32 *)(r1 + 0)\n"


def test_widths_and_sign_extension() -> None:
    packet = bytes([0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8])
    for load, expected in {
        "*(u8 *)": 0xF1,
        "*(u16 *)": 0xF2F1,
        "*(u32 *)": 0xF4F3F2F1,
        "*(u64 *)": 0xF8F7F6F5F4F3F2F1,
        "*(s8 *)": 0xFFFFFFFFFFFFFFF1,
        "*(s16 *)": 0xFFFFFFFFFFFFF2F1,
        "*(s32 *)": 0xFFFFFFFFF4F3F2F1,
    }.items():
        assert answer(f"{LOAD_PACKET}r0 = {load}(r1 + 0)\nexit", packet) == expected


def test_stores() -> None:
    text = """
        r2 = 0x1122334455667788 ll
        *(u64 *)(r10 - 8) = r2
        *(u16 *)(r10 - 6) = -2
        *(u8 *)(r10 - 1) = r2
        r0 = *(u64 *)(r10 - 8)
        exit"""
    assert answer(text) == 0x88223344FFFE7788


@pytest.mark.parametrize(
    ("text", "pc", "what", "region", "size"),
    [
        ("r0 = *(u8 *)(r10 + 0)", 0, "read", "stack of frame 0+512", 1),
        ("*(u64 *)(r10 - 513) = 0", 0, "write", "stack of frame 0-1", 8),
        ("*(u64 *)(r10 - 4) = 0", 0, "write", "stack of frame 0+508", 8),
        ("r1 = *(u32 *)(r1 + 4)\nr0 = *(u8 *)(r1 + 0)", 1, "read", "packet buffer+320", 1),
        (LOAD_PACKET + "r0 = *(u32 *)(r1 + 61)", 1, "read", "packet buffer+317", 4),
        (LOAD_PACKET + "r0 = *(u8 *)(r1 - 1)", 1, "read", "packet buffer+255", 1),
        ("r2 = 0\nr0 = *(u8 *)(r2 + 0)", 1, "read", "no region", 1),
        ("r0 = *(u32 *)(r1 + 24)", 0, "read", "context+24", 4),
        ("r0 = *(u64 *)(r1 + 0)", 0, "read", "context+0", 8),
        ("*(u32 *)(r1 + 0) = 5", 0, "write", "context+0", 4),
    ],
)
def test_faults_are_precise(text: str, pc: int, what: str, region: str, size: int) -> None:
    result = run_asm(f"{text}\nexit")
    assert result.outcome == "fault"
    fault = result.fault
    assert fault is not None
    assert (fault.pc, fault.what, fault.size) == (pc, what, size)
    assert fault.region.startswith(region)


def test_the_last_byte_is_accessible_and_no_more() -> None:
    assert answer(LOAD_PACKET + "r0 = *(u8 *)(r1 + 63)\nexit", bytes(63) + b"\x07") == 7
    result = run_asm(LOAD_PACKET + "r0 = *(u8 *)(r1 + 63)\nexit", bytes(63))
    assert str(result.fault).startswith("pc 1: read of 1 bytes at 0x")
    assert str(result.fault).endswith("(packet buffer+319): only offsets 256..318 are accessible")


def test_metadata_is_in_front_of_the_packet() -> None:
    text = "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 8)\nr0 = *(u32 *)(r3 + 0)\nr2 -= r3\n"
    result = run_asm(text + "r0 += r2\nexit", meta=b"\x01\x00\x00\x00")
    assert result.r0 == 5


def test_context_fields_and_unknown_ones() -> None:
    text = "r0 = *(u32 *)(r1 + 16)\nexit"
    assert run_asm(text, ctx={"rx_queue_index": 7}).r0 == 7
    assert run_asm(text).r0 == 0
    with pytest.raises(BpfsmtError, match="no scalar field nonsense"):
        run_asm(text, ctx={"nonsense": 1})


def test_uninitialised_stack_and_registers_show() -> None:
    program = asm("r0 = *(u64 *)(r10 - 8)\nexit")
    seen = {run(program, Inputs(), seed=seed).r0 for seed in range(4)}
    assert len(seen) == 4 and 0 not in seen
    assert answer("r0 = r7\nexit") == answer("r0 = r7\nexit") != 0


CALL = """
    .func main
        r6 = 1
        r1 = 5
        r2 = r10
        r2 += -8
        *(u64 *)(r2 + 0) = 7
        call callee
        r0 += r6
        exit
    .func callee
        r6 = 100
        r0 = *(u64 *)(r2 + 0)
        r0 += r1
        *(u64 *)(r10 - 8) = r0
        exit
"""


def test_a_call_keeps_the_callers_registers_and_shares_its_stack() -> None:
    assert answer(CALL) == 13


def test_a_pointer_into_a_frame_that_has_ended_dangles() -> None:
    text = ".func main\ncall callee\nr0 = *(u8 *)(r0 - 1)\nexit\n.func callee\nr0 = r10\nexit"
    result = run_asm(text)
    assert result.fault is not None and result.fault.region == "no region"


def test_calls_nest_eight_deep() -> None:
    text = ".func main\nr1 = {n}\ncall f\nexit\n.func f\nr0 = 1\nif r1 == 0 goto +2\n"
    text += "r1 += -1\ncall f\nexit"
    assert answer(text.format(n=6)) == 1
    result = run_asm(text.format(n=7))
    assert result.fault is not None and "more than 8 frames" in str(result.fault)


def test_the_budget_ends_a_loop() -> None:
    result = run(asm("L:\ngoto L"), Inputs(), budget=1000)
    assert (result.outcome, result.steps) == ("budget", 1000)


def test_unknown_helpers_and_kfuncs_are_unsupported() -> None:
    result = run_asm("call 86\nexit")
    assert (result.outcome, result.why) == ("unsupported", "bpf_sk_release is not modelled")


def test_a_jump_to_nowhere_is_a_fault_of_the_jump() -> None:
    result = run_asm("r0 = 0\nif r0 == 0 goto +5\nexit")
    assert result.fault is not None
    assert str(result.fault) == "pc 1: goes nowhere: no instruction starts at slot 7"
