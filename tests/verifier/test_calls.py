"""Helpers and local functions."""

import pytest

from bpfsmt.domain import RegType, format_reg
from bpfsmt.domain.analysis import Outcome

from .common import LOOKUP, OUT, PACKET, accepted, rejected, run

ARRAY_OF_MAPS = """
.map inner type=array key=4 value=8 entries=1
.map outer type=array_of_maps key=4 value=4 entries=4 inner=inner
"""
KEY = "r2 = r10\nr2 += -4\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("r1 = 0\n" + KEY + "call bpf_map_lookup_elem", "argument-type"),
        ("r1 = map[counts]\nr2 = 0\ncall bpf_map_lookup_elem", "argument-type"),
        ("r1 = map[counts]\n" + KEY + "call bpf_map_lookup_elem", "stack-uninitialized"),
        ("r1 = map[counts]\nr2 = r10\ncall bpf_map_lookup_elem", "stack-bounds"),
        ("r1 = map[counts]\ncall bpf_map_lookup_elem", "uninitialized-register"),
        (
            "*(u32 *)(r10 - 4) = 0\nr1 = map[progs]\n" + KEY + "call bpf_map_lookup_elem",
            "map-helper-mismatch",
        ),
        ("r1 = map[counts]\nr2 = 0\nr3 = 0\ncall bpf_redirect_map", "map-helper-mismatch"),
        (
            "*(u32 *)(r10 - 4) = 0\nr1 = map[limits]\n" + KEY + "call bpf_map_delete_elem",
            "map-read-only",
        ),
        ("r1 += 8\nr2 = 0\ncall bpf_xdp_adjust_head", "modified-ctx"),
        ("r1 = 0\nr2 = 0\ncall bpf_xdp_adjust_head", "argument-type"),
        ("r2 = 0\nr3 = r10\nr3 += -8\nr4 = -1\ncall bpf_xdp_load_bytes", "argument-size"),
        ("r2 = 0\nr3 = r10\nr3 += -8\nr4 = 0\ncall bpf_xdp_load_bytes", "argument-size"),
        ("r2 = 0\nr3 = r10\nr3 += -8\nr4 = 9\ncall bpf_xdp_load_bytes", "stack-bounds"),
        ("r2 = 0\nr3 = r10\nr3 += -8\nr4 = r10\ncall bpf_xdp_load_bytes", "argument-type"),
        ("r3 = r10\nr3 += -8\nr2 = 0\nr4 = 8\ncall bpf_xdp_store_bytes", "stack-uninitialized"),
        (PACKET + "r3 = r2\nr4 = 8\ncall bpf_xdp_store_bytes", "argument-type"),
        (PACKET + "r1 = map[counts]\ncall bpf_map_lookup_elem", "packet-bounds"),
    ],
)
def test_rejected(text: str, kind: str) -> None:
    rejected(text + OUT, kind)


def test_size_that_may_be_too_large() -> None:
    text = "r4 = *(u32 *)(r1 + 12)\nr4 &= 15\nr4 += 1\nr2 = 0\nr3 = r10\nr3 += -{}\n"
    text += "call bpf_xdp_load_bytes" + OUT
    zeros = "*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\n"
    accepted(zeros + text.format(16))
    rejected(zeros + text.format(8), "stack-bounds")
    # with a size that is not known, the helper may leave bytes unwritten
    rejected(text.format(16), "stack-uninitialized")


def test_helper_writes_uninitialised_memory() -> None:
    text = (
        "r2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_xdp_load_bytes\nr0 = *(u64 *)(r10 - 8)\nexit"
    )
    analysis = accepted(text)
    assert format_reg(analysis.visits[-1].state.regs[0]) == "scalar()"


def test_memory_given_to_a_helper_is_not_trusted_afterwards() -> None:
    text = LOOKUP + "r0 = *(u32 *)(r10 - 4)\nexit"
    reg = accepted(text).visits[-1].state.regs[0]
    assert reg.scalar.umax == 0xFFFFFFFF


def test_call_destroys_r1_to_r5() -> None:
    for n in range(1, 6):
        verdict = rejected(
            f"r{n} = 1\ncall bpf_ktime_get_ns\nr0 = r{n}\nexit", "uninitialized-register", pc=2
        )
        assert "a call destroys" in verdict.reason
    accepted("r6 = 1\ncall bpf_ktime_get_ns\nr0 = r6\nexit")


def test_packet_pointers_are_stale_after_the_packet_moved() -> None:
    text = "r6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr2 = r6\nr2 += 4\nr0 = 1\n"
    text += "if r2 > r7 goto out\n*(u64 *)(r10 - 8) = r6\nr2 = 0\ncall bpf_xdp_adjust_head\n"
    rejected(text + "r0 = *(u8 *)(r6 + 0)\nout:" + OUT, "bad-pointer")
    rejected(text + "r6 = *(u64 *)(r10 - 8)\nr0 = *(u8 *)(r6 + 0)\nout:" + OUT, "bad-pointer")


def test_key_in_the_packet() -> None:
    text = PACKET + "r4 = r2\nr4 += 4\nif r4 > r3 goto out\nr1 = map[counts]\n"
    accepted(text + "call bpf_map_lookup_elem\nout:" + OUT)


def test_null_with_size_zero() -> None:
    text = "r1 = 0\nr2 = {}\nr3 = 0\nr4 = 0\nr5 = 0\ncall bpf_csum_diff\nexit"
    accepted(text.format(0))
    rejected(text.format(4), "argument-type")


def test_tail_call_falls_through() -> None:
    accepted("r2 = map[progs]\nr3 = 1\ncall bpf_tail_call" + OUT)


def test_no_tail_calls_where_there_are_functions() -> None:
    text = (
        "call f\nr0 = 0\nexit\n.func f\nr2 = map[progs]\nr3 = 1\ncall bpf_tail_call\nr0 = 0\nexit"
    )
    rejected(text, "map-helper-mismatch")


def test_map_in_map_is_not_modelled() -> None:
    text = ARRAY_OF_MAPS + "*(u32 *)(r10 - 4) = 0\nr1 = map[outer]\n" + KEY
    assert run(text + "call bpf_map_lookup_elem" + OUT).verdict.outcome is Outcome.UNSUPPORTED


def test_device_numbers_are_read_only() -> None:
    text = LOOKUP.replace("counts", "ports") + "if r0 == 0 goto out\n"
    accepted(text + "r0 = *(u32 *)(r0 + 0)\nout:" + OUT)
    rejected(text + "*(u32 *)(r0 + 0) = 1\nout:" + OUT, "map-read-only")


def test_local_call_passes_and_returns() -> None:
    text = "r6 = 7\nr1 = 5\ncall f\nr0 += r6\nexit\nf:\nr0 = r1\nr0 += 1\nexit"
    analysis = accepted(text)
    final = next(analysis.at(4)).state
    assert format_reg(final.regs[0]) == "13"
    assert [e.kind for e in analysis.edges if e.kind in ("call", "return")] == ["call", "return"]
    assert next(analysis.at(5)).state.callsites == (2,)


def test_callee_sees_no_other_registers() -> None:
    rejected("r6 = 7\ncall f\nexit\nf:\nr0 = r6\nexit", "uninitialized-register", pc=3)
    rejected("r1 = 7\ncall f\nr0 = r1\nexit\nf:\nr0 = 0\nexit", "uninitialized-register", pc=2)


def test_callee_writes_the_callers_stack() -> None:
    text = "r1 = r10\nr1 += -8\ncall f\nr0 = *(u64 *)(r10 - 8)\nexit\n"
    analysis = accepted(text + "f:\n*(u64 *)(r1 + 0) = 9\n*(u64 *)(r10 - 8) = 1\nr0 = 0\nexit")
    assert format_reg(next(analysis.at(4)).state.regs[0]) == "9"


def test_stack_pointers_do_not_escape() -> None:
    rejected("call f\nr0 = 0\nexit\nf:\nr0 = r10\nexit", "stack-pointer-escape")
    text = "r1 = r10\nr1 += -8\ncall f\nr0 = 0\nexit\nf:\n*(u64 *)(r1 + 0) = r10\nr0 = 0\nexit"
    rejected(text, "stack-pointer-escape")


def test_call_depth() -> None:
    chain = "".join(f"f{i}:\ncall f{i + 1}\nexit\n" for i in range(1, 8))
    rejected("call f1\nexit\n" + chain + "f8:\nr0 = 0\nexit", "call-depth")


def test_stack_is_shared() -> None:
    text = "*(u8 *)(r10 - {}) = 0\ncall f\nexit\nf:\n*(u8 *)(r10 - 200) = 0\nr0 = 0\nexit"
    accepted(text.format(288))
    rejected(text.format(289), "stack-depth")


def test_unknown_result() -> None:
    analysis = accepted(LOOKUP + "exit")
    reg = analysis.visits[-1].state.regs[0]
    assert reg.type is RegType.PTR_TO_MAP_VALUE_OR_NULL
    assert reg.id > 0
