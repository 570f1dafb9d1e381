"""What compares teach, on both arms; arms that are never taken."""

import pytest

from bpfsmt.domain import format_reg

from .common import LOOKUP, OUT, PACKET, accepted, rejected

NUMBER = "r0 = *(u32 *)(r1 + 12)\n"


def arms(text: str, reg: int = 0) -> tuple[str, str]:
    """A register after the last jump: where it falls through, and where it is taken."""
    analysis = accepted(NUMBER + text + " goto +1\nr9 = 1\nr9 = 2" + OUT)
    branch = max(e.src for e in analysis.edges if e.kind == "taken")
    by_kind = {e.kind: e.state.regs[reg] for e in analysis.edges if e.src == branch}
    return format_reg(by_kind["not-taken"]), format_reg(by_kind["taken"])


# r0 dies after the jump, so it is used afterwards in the text that `arms` completes.
@pytest.mark.parametrize(
    ("jump", "fallen", "taken"),
    [
        ("if r0 > 10", (0, 10), (11, 0xFFFFFFFF)),
        ("if r0 >= 10", (0, 9), (10, 0xFFFFFFFF)),
        ("if r0 < 10", (10, 0xFFFFFFFF), (0, 9)),
        ("if r0 <= 10", (11, 0xFFFFFFFF), (0, 10)),
        ("if r0 s> 10", (0, 10), (11, 0xFFFFFFFF)),
        ("if r0 s<= 10", (11, 0xFFFFFFFF), (0, 10)),
        ("if r0 == 10", (0, 0xFFFFFFFF), (10, 10)),
        ("if r0 != 10", (10, 10), (0, 0xFFFFFFFF)),
        ("if w0 > 10", (0, 10), (11, 0xFFFFFFFF)),
    ],
)
def test_refined(jump: str, fallen: tuple[int, int], taken: tuple[int, int]) -> None:
    analysis = accepted(NUMBER + jump + " goto out\nexit\nout:\nexit")
    found = {e.kind: e.state.regs[0].scalar for e in analysis.edges if e.src == 1}
    assert (found["not-taken"].umin, found["not-taken"].umax) == fallen
    assert (found["taken"].umin, found["taken"].umax) == taken


def test_both_registers_are_refined() -> None:
    text = (
        NUMBER + "r2 = *(u32 *)(r1 + 16)\nr2 &= 7\nif r0 < r2 goto out\nexit\nout:\nr0 += r2\nexit"
    )
    analysis = accepted(text)
    regs = next(e.state.regs for e in analysis.edges if e.kind == "taken")
    assert (regs[0].scalar.umax, regs[2].scalar.umin) == (6, 1)


def test_decided_branch_has_a_dead_arm() -> None:
    analysis = accepted("r0 = 5\nif r0 > 4 goto out\nr0 = *(u8 *)(r0 + 0)\nout:\nexit")
    assert [(d.src, d.pc, d.kind) for d in analysis.dead] == [(1, 2, "not-taken")]
    assert not list(analysis.at(2))


def test_impossible_refinement_is_dead() -> None:
    # r0 != 1 and r0 <= 1 leave 0; then r0 != 0 cannot be
    text = (
        NUMBER + "if r0 > 1 goto out\nif r0 == 1 goto out\nif r0 != 0 goto bad\nout:\nr0 = 0\nexit"
    )
    analysis = accepted(text + "\nbad:\nr0 = *(u8 *)(r0 + 0)\nexit")
    assert [d.kind for d in analysis.dead] == ["taken"]


@pytest.mark.parametrize(
    ("jump", "readable_arm", "size"),
    [
        ("if r4 > r3", "not-taken", 14),
        ("if r3 < r4", "not-taken", 14),
        ("if r4 >= r3", "not-taken", 15),
        ("if r3 <= r4", "not-taken", 15),
        ("if r4 <= r3", "taken", 14),
        ("if r3 >= r4", "taken", 14),
        ("if r4 < r3", "taken", 15),
        ("if r3 > r4", "taken", 15),
    ],
)
def test_packet_bounds(jump: str, readable_arm: str, size: int) -> None:
    text = PACKET + "r4 = r2\nr4 += 14\n*(u64 *)(r10 - 8) = r2\n" + jump + " goto out\n"
    use = "r5 = *(u64 *)(r10 - 8)\nr0 = *(u8 *)(r5 + {})\nexit\n"
    safe = "r0 = 0\nexit\n"
    for last, fine in ((size - 1, True), (size, False)):
        read = use.format(last)
        arms = (read + "out:\n" + safe) if readable_arm == "not-taken" else safe + "out:\n" + read
        if fine:
            accepted(text + arms)
        else:
            rejected(text + arms, "packet-bounds")
    other = (safe + "out:\n" + use) if readable_arm == "not-taken" else use + "out:\n" + safe
    rejected(text + other.format(0), "packet-bounds")


def test_metadata_is_bounded_by_data() -> None:
    text = "r2 = *(u32 *)(r1 + 8)\nr3 = *(u32 *)(r1 + 0)\nr4 = r2\nr4 += 4\n"
    accepted(text + "if r4 > r3 goto out\nr0 = *(u32 *)(r2 + 0)\nout:" + OUT)
    rejected(text + "r3 += 2\nif r4 > r3 goto out\nr0 = *(u32 *)(r2 + 0)\nout:" + OUT,
             "packet-bounds")  # fmt: skip


def test_variable_offset_into_the_packet() -> None:
    text = PACKET + "r4 = *(u32 *)(r1 + 12)\nr4 &= 63\nr2 += r4\nr5 = r2\nr5 += 4\n"
    text += "if r5 > r3 goto out\n"
    accepted(text + "r0 = *(u32 *)(r2 + 0)\nout:" + OUT)
    rejected(text + "r0 = *(u32 *)(r2 + 1)\nout:" + OUT, "packet-bounds")
    # another pointer with another variable part learns nothing
    rejected(text.replace("r2 += r4", "r6 = r2\nr6 += r4\nr2 += r4") + "r0 = *(u8 *)(r6 + 0)\nout:"
             + OUT, "packet-bounds")  # fmt: skip


def test_null_check_reaches_every_copy() -> None:
    text = LOOKUP + "r6 = r0\n*(u64 *)(r10 - 16) = r0\nif r6 == 0 goto out\n"
    text += "r1 = *(u64 *)(r10 - 16)\nr2 = *(u64 *)(r1 + 0)\nr2 = *(u64 *)(r0 + 0)\nout:" + OUT
    accepted(text)
    analysis = accepted(LOOKUP + "if r0 != 0 goto +1\nexit" + OUT)
    null = next(e.state.regs[0] for e in analysis.edges if e.kind == "not-taken")
    assert format_reg(null) == "0"


def test_null_check_of_another_lookup_says_nothing() -> None:
    text = LOOKUP + "r6 = r0" + LOOKUP + "if r6 == 0 goto out\nr0 = *(u64 *)(r0 + 0)\nout:" + OUT
    rejected(text, "possibly-null")


def test_pointers_may_be_compared() -> None:
    accepted("if r1 == 0 goto +0\nif r10 == r1 goto +0\nif w1 == 0 goto +0" + OUT)
