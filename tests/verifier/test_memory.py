"""Loads and stores: context, stack, map values, packet."""

import pytest

from bpfsmt.domain import format_reg

from .common import LOOKUP, OUT, PACKET, accepted, rejected, with_policy

CHECKED = PACKET + "r4 = r2\nr4 += 14\nif r4 > r3 goto out\n"
END = "\nout:\nr0 = 2\nexit"
VALUE = LOOKUP + "if r0 == 0 goto out\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("r0 = *(u16 *)(r1 + 0)", "ctx-access"),
        ("r0 = *(u32 *)(r1 + 24)", "ctx-access"),
        ("*(u32 *)(r1 + 12) = r1", "ctx-access"),
        ("r0 = *(s32 *)(r1 + 0)", "ctx-access"),
        ("r1 += 4\nr0 = *(u32 *)(r1 + 0)", "modified-ctx"),
        ("r0 = 8\nr0 = *(u32 *)(r0 + 0)", "bad-pointer"),
        ("r0 = map[counts]\nr0 = *(u32 *)(r0 + 0)", "bad-pointer"),
        (PACKET + "r0 = *(u8 *)(r3 + 0)", "bad-pointer"),
        (LOOKUP + "r0 = *(u8 *)(r0 + 0)", "possibly-null"),
        (CHECKED + "r0 = *(u8 *)(r2 + 14)", "packet-bounds"),
        (CHECKED + "r0 = *(u32 *)(r2 + 11)", "packet-bounds"),
        (CHECKED + "r0 = *(u8 *)(r2 - 1)", "packet-bounds"),
        (VALUE + "r0 = *(u64 *)(r0 + 4)", "map-value-bounds"),
        (VALUE + "r0 = *(u8 *)(r0 - 1)", "map-value-bounds"),
        (VALUE + "r1 = *(u8 *)(r0 + 0)\nr0 += r1\n*(u8 *)(r0 + 0) = 1", "map-value-bounds"),
        ("r1 = map[limits][0]+0\n*(u8 *)(r1 + 0) = 1", "map-read-only"),
        ("*(u64 *)(r10 + 0) = 1", "stack-bounds"),
        ("*(u64 *)(r10 - 520) = 1", "stack-bounds"),
        ("*(u64 *)(r10 - 12) = 1", "misaligned"),
        ("*(u32 *)(r10 - 8) = 1\nr0 = *(u64 *)(r10 - 8)", "stack-uninitialized"),
        ("*(u64 *)(r10 - 8) = r1\nr0 = *(u32 *)(r10 - 8)", "stack-pointer-part"),
        (
            "r2 = *(u32 *)(r1 + 12)\nr2 &= 8\nr3 = r10\nr3 += -16\nr3 += r2\n*(u8 *)(r3 + 0) = 1",
            "stack-variable-offset",
        ),
        ("r0 = 1\nlock *(u64 *)(r1 + 0) += r0", "atomic-target"),
        (CHECKED + "r0 = 1\nlock *(u64 *)(r2 + 0) += r0", "atomic-target"),
        ("r0 = 1\nlock *(u64 *)(r10 - 8) += r0", "stack-uninitialized"),
        (VALUE + "r1 = 1\nlock *(u32 *)(r0 + 2) += r1", "misaligned"),
    ],
)
def test_rejected(text: str, kind: str) -> None:
    rejected(text + (END if "goto out" in text else OUT), kind)


@pytest.mark.parametrize(
    "text",
    [
        "r0 = *(u32 *)(r1 + 12)",
        CHECKED + "r0 = *(u8 *)(r2 + 13)\n*(u16 *)(r2 + 12) = r1",
        CHECKED + "*(u32 *)(r2 + 10) = 7",
        VALUE + "r1 = *(u64 *)(r0 + 0)\n*(u64 *)(r0 + 0) = r1",
        VALUE + "r1 = *(u8 *)(r0 + 0)\nr1 &= 7\nr0 += r1\n*(u8 *)(r0 + 0) = 1",
        VALUE + "*(u64 *)(r0 + 0) = r10",
        VALUE + "r1 = 1\nlock *(u64 *)(r0 + 0) += r1",
        "r1 = map[limits][0]+8\nr0 = *(u64 *)(r1 + 0)",
        "r0 = 1\n*(u64 *)(r10 - 8) = 1\nlock *(u64 *)(r10 - 8) += r0",
    ],
)
def test_accepted(text: str) -> None:
    accepted(text + (END if "goto out" in text else OUT))


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("*(u64 *)(r10 - 8) = r1\nr0 = *(u64 *)(r10 - 8)", "ctx()"),
        ("r2 = 77\n*(u64 *)(r10 - 8) = r2\nr0 = *(u64 *)(r10 - 8)", "77"),
        ("*(u64 *)(r10 - 8) = 0\nr0 = *(u16 *)(r10 - 6)", "0"),
        ("*(u64 *)(r10 - 8) = 0\n*(u8 *)(r10 - 5) = 1\nr0 = *(u16 *)(r10 - 4)", "0"),
        (
            "*(u64 *)(r10 - 8) = r1\n*(u8 *)(r10 - 8) = 1\nr0 = *(u8 *)(r10 - 4)",
            "scalar(smin=0,smax=umax=255,var_off=(0x0; 0xff))",
        ),
        ("*(u8 *)(r10 - 1) = 9\nr0 = *(s8 *)(r10 - 1)", "scalar(smin=-128,smax=127)"),
        (
            "r0 = 1\n*(u64 *)(r10 - 8) = 1\nr0 = atomic64_fetch_add((u64 *)(r10 - 8), r0)",
            "scalar()",
        ),
    ],
)
def test_what_a_load_gives(text: str, state: str) -> None:
    analysis = accepted(text + "\nexit")
    assert format_reg(analysis.visits[-1].state.regs[0]) == state


def test_zero_bytes_next_to_others() -> None:
    text = "*(u64 *)(r10 - 8) = 0\n*(u8 *)(r10 - 5) = 1\nr0 = *(u32 *)(r10 - 8)\nexit"
    reg = accepted(text).visits[-1].state.regs[0]
    assert reg.scalar.umax == 0xFFFFFFFF


def test_messages_are_the_kernels() -> None:
    verdict = rejected(CHECKED + "r0 = *(u8 *)(r2 + 14)" + END, "packet-bounds", pc=5)
    assert verdict.message == "invalid access to packet, off=14 size=1, R2(id=0,off=0,r=14)"
    assert verdict.reg == 2
    assert "pkt(r=14)" in verdict.reason


def test_strict_alignment() -> None:
    text = CHECKED + "r0 = *(u32 *)(r2 + 4)" + END
    accepted(text)
    verdict = rejected(text, "misaligned", rules=with_policy(strict_alignment=True))
    assert verdict.message == "misaligned packet access off 2+(0x0; 0x0)+0+4 size 4"
    accepted(CHECKED + "r0 = *(u32 *)(r2 + 6)" + END, rules=with_policy(strict_alignment=True))


SKB = ".type sched_cls\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (".type sched_cls\n*(u32 *)(r1 + 0) = r1", "ctx-access"),
        (".type sched_cls\n*(u32 *)(r1 + 8) = r1", "pointer-leak"),
        (".type sched_cls\n*(u32 *)(r1 + 8) = 1", "ctx-access"),
        (".type socket_filter\nr0 = *(u32 *)(r1 + 76)", "ctx-access"),
        (".type socket_filter\nr0 = 0\n*(u32 *)(r1 + 8) = r0", "ctx-access"),
        (".type tracepoint\nr0 = *(u32 *)(r1 + 2)", "ctx-access"),
        (".type kprobe\nr0 = *(u64 *)(r1 + 168)", "ctx-access"),
    ],
)
def test_other_contexts_reject(text: str, kind: str) -> None:
    rejected(text + OUT, kind)


@pytest.mark.parametrize(
    "text",
    [
        ".type sched_cls\nr0 = 1\n*(u32 *)(r1 + 8) = r0\n*(u16 *)(r1 + 50) = r0",
        ".type sched_act\nr0 = *(u8 *)(r1 + 1)",
        ".type socket_filter\nr0 = *(u32 *)(r1 + 0)\n*(u64 *)(r1 + 56) = r0",
        ".type tracepoint\nr0 = *(u16 *)(r1 + 8)",
        ".type kprobe\nr0 = *(u64 *)(r1 + 160)",
    ],
)
def test_other_contexts_accept(text: str) -> None:
    accepted(text + OUT)


def test_cgroup_programs_may_not_write_the_packet() -> None:
    text = ".type cgroup_skb\nr2 = *(u32 *)(r1 + 76)\nr3 = *(u32 *)(r1 + 80)\nr4 = r2\nr4 += 4\n"
    check = "r0 = 1\nif r4 > r3 goto out\n"
    accepted(text + check + "r0 = *(u32 *)(r2 + 0)\nr0 &= 1\nout:\nexit")
    rejected(text + check + "*(u32 *)(r2 + 0) = 0\nout:\nexit", "packet-write")


def test_cgroup_result_is_0_or_1() -> None:
    accepted(".type cgroup_skb\nr0 = 1\nexit")
    rejected(".type cgroup_skb\nr0 = 2\nexit", "return-value", pc=1)
