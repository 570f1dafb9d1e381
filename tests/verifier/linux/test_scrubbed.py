"""A store at an offset that is not known, over a number that was spilled."""

from __future__ import annotations

import pytest

from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

PROGRAM = """
    r7 = 185
    *(u64 *)(r10 - 24) = r7
    r0 = *(u32 *)(r1 + 16)
    r0 &= 16
    r9 = r10
    r9 += r0
    *(u8 *)(r9 - 40) = 0
    r0 = 0
    exit
"""


@pytest.mark.parametrize(
    ("rules", "kinds"),
    [("linux-6.1", "r" * 7 + "m"), ("linux-6.12", "m" * 8), ("linux-6.18", "m" * 8)],
)
def test_what_is_left_of_the_number_is_bytes(rules: str, kinds: str) -> None:
    """As 6.12.117 and 6.18.44 print it; 6.1 forgets the number only, and keeps that it was one."""
    analysis = verify(load_asm(PROGRAM, "scrubbed"), rule_set(rules), forgetful=False)
    assert analysis.verdict.accepted
    (visit,) = analysis.at(7)
    slot = visit.state.frames[0].stack[2]
    assert slot.kinds == kinds
    assert slot.spill in (None, NOT_INIT)
