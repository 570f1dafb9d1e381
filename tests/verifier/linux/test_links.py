"""Numbers of one id, where more are linked than are kept together."""

from __future__ import annotations

import pytest

from bpfsmt.domain.reg import ADDED, Reg
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.verifier import verify

from .common import LATER, LINUX, program

COPIES = """
    r6 = *(u32 *)(r1 + 12)
    *(u64 *)(r10 - 40) = r6
    r8 = *(u64 *)(r10 - 40)
    r9 = r8
    *(u64 *)(r10 - 16) = r8
"""


def test_what_is_compared_may_be_linked_no_more() -> None:
    """Both sides of a compare with itself count: R8 is one too many (``collect_linked_regs``)."""
    text = COPIES + "if w8 != w8 goto +1\nif r8 > r9 goto +0\nr0 = r6\nexit"
    analysis = verify(program(text), LATER, forgetful=False)
    (visit, *_) = analysis.at(6)
    ids = [reg.id for reg in visit.state.regs]
    assert ids[6] != 0
    assert ids[8] == 0


def registers(text: str, pc: int, rules: RuleSet) -> tuple[Reg, ...]:
    """The registers before that instruction."""
    (visit, *_) = verify(program(text), rules, forgetful=False).at(pc)
    return visit.state.regs


def filled(load: str, rules: RuleSet) -> bool:
    """Whether a number and its low half, spilled and loaded with the sign, have one id."""
    text = f"r6 = {load}\n*(u32 *)(r10 - 8) = r6\nr7 = *(s32 *)(r10 - 8)\nr0 = 0\nexit"
    regs = registers(text, 3, rules)
    return regs[6].id == regs[7].id != 0


@pytest.mark.parametrize("name", ["linux-6.12", "linux-6.18"])
def test_a_fill_with_the_sign_keeps_the_link_in_kernels_of_today(name: str) -> None:
    """Which is wrong where the sign may be set; corrected rules keep it where it is not."""
    kernel, corrected = rule_set(name), rule_set(f"{name}-corrected")
    word, byte = "*(u32 *)(r1 + 12)", "*(u8 *)(r10 - 16)"
    assert filled(word, kernel)
    assert not filled(word, corrected)
    assert filled(byte, kernel)
    assert filled(byte, corrected)


def ordered(change: str, rules: RuleSet) -> tuple[int, int]:
    """What of R7 = R6 + 3 is left after a change of its bytes: its link, and its distance."""
    text = f"r6 = *(u32 *)(r1 + 12)\nr7 = r6\nr7 += 3\nr7 = {change} r7\nr0 = 0\nexit"
    regs = registers(text, 4, rules)
    assert regs[6].id
    return regs[7].id & ~ADDED == regs[6].id, regs[7].off


@pytest.mark.parametrize("change", ["le16", "le32", "le64", "be64", "bswap64"])
def test_what_changes_nothing_keeps_the_link_later(change: str) -> None:
    """Measured on 6.18.44: to 64 bits in little endian is no change there."""
    kept = change == "le64"
    assert ordered(change, LATER) == (kept, 3 if kept else 0)
    assert ordered(change, LINUX) == (False, 0)
