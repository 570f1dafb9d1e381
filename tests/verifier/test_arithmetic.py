"""Registers, arithmetic on numbers and on pointers."""

import pytest

from bpfsmt.domain import RegType, format_reg

from .common import LOOKUP, OUT, PACKET, accepted, rejected


def last_r0(text: str) -> str:
    """R0 before the final exit."""
    analysis = accepted(text + "\nexit")
    return format_reg(analysis.visits[-1].state.regs[0])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("r0 = r2", "uninitialized-register"),
        ("r0 += 1", "uninitialized-register"),
        ("if r3 == 0 goto +0", "uninitialized-register"),
        ("if r1 == 0 goto +1\nexit", "uninitialized-register"),
        ("r10 = 1", "frame-pointer-write"),
        ("r10 += 1", "frame-pointer-write"),
        ("r0 = 1\nr0 <<= 64", "invalid-shift"),
        ("r0 = 1\nw0 >>= 32", "invalid-shift"),
        ("r0 = 1\nr0 /= 0", "division-by-zero"),
        ("r0 = 1\nw0 %= 0", "division-by-zero"),
        ("r1 *= 2", "pointer-arithmetic"),
        ("w1 += 2", "pointer-arithmetic"),
        ("r2 = 5\nr2 -= r1", "pointer-arithmetic"),
        ("r2 = r10\nr2 -= 8", "pointer-arithmetic"),
        ("r1 += r10", "pointer-arithmetic"),
        ("r0 = (s8)r1", "pointer-arithmetic"),
        ("r1 = map[counts]\nr1 += 8", "pointer-arithmetic"),
        (PACKET + "r3 += 1", "pointer-arithmetic"),
        (LOOKUP + "r0 += 1", "pointer-arithmetic"),
        (PACKET + "r2 += 536870912", "pointer-bounds"),
        ("r2 = *(u64 *)(r10 - 8)", "stack-uninitialized"),
        (PACKET + "call bpf_ktime_get_ns\nr2 += r0", "uninitialized-register"),
    ],
)
def test_rejected(text: str, kind: str) -> None:
    rejected(text + OUT, kind)


def test_adding_an_unbounded_number() -> None:
    verdict = rejected(
        "r6 = *(u32 *)(r1 + 0)\ncall bpf_ktime_get_ns\nr6 += r0" + OUT, "pointer-bounds", pc=2
    )
    assert "unbounded min value" in verdict.message


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("r0 = 5\nr0 += -7", "-2"),
        ("r0 = -1\nw0 += 0", "0xffffffff"),
        ("r0 = 0x1234\nr0 = be16 r0", "scalar(smin=0,smax=umax=0xffff,var_off=(0x0; 0xffff))"),
        ("r0 = 255\nr0 = (s8)r0", "-1"),
        ("r0 = r10\nr0 += -8", "fp-8"),
        ("r0 = -8\nr0 += r10", "fp-8"),
        ("r0 = r1\nr0 -= r10", "scalar()"),
        ("w0 = w1", "scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))"),
        (PACKET + "r0 = r2\nr0 += 20\nr0 -= 6", "pkt(off=14,r=0)"),
        ("r0 = 0x123456789 ll", "0x123456789"),
    ],
)
def test_results(text: str, state: str) -> None:
    assert last_r0(text) == state


def test_a_variable_addition_makes_a_new_id() -> None:
    text = (
        PACKET + "r4 = *(u32 *)(r1 + 12)\nr4 &= 15\nr0 = r2\nr0 += r4\nr5 = r0\nr5 += 2\nr2 += r4"
    )
    regs = accepted(text + "\nexit").visits[-1].state.regs
    assert regs[0].type is RegType.PTR_TO_PACKET
    assert regs[0].id > 0
    assert regs[0].range == 0


def test_subtracting_packet_pointers_gives_a_number() -> None:
    assert last_r0(PACKET + "r0 = r3\nr0 -= r2") == "scalar()"
