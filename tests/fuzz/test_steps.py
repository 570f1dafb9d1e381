"""Steps from what is claimed: wrong rules and wrong pruning show, sound rules do not."""

from __future__ import annotations

import pytest

from bpfsmt.domain import UNKNOWN, Scalar, Tnum
from bpfsmt.fuzz.finding import Key
from bpfsmt.fuzz.judge import Court, judge
from bpfsmt.fuzz.members import contains, members
from bpfsmt.program import load_asm
from bpfsmt.rules.museum import exhibit

from .common import outcome, settings


@pytest.mark.parametrize("name", ["cve-2023-2163", "p07-narrow-slots", "p09-scalar-ids"])
def test_a_state_that_another_should_not_stand_for_goes_on_to_a_fault(name: str) -> None:
    shown = exhibit(name)
    assert shown.program is not None
    program = load_asm(shown.program.read_text(), name)
    wrong = Court(shown.rules.name, settings("step"), shown.rules)
    assert Key("claim", "pruning", "fault") in {s.key for s in judge(wrong, program, "x", 0).shown}
    right = Court(shown.base.name, settings("step"), shown.base)
    assert judge(right, program, "x", 0).shown == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [("a20-narrow-spill", "links_fill"), ("a20-sext-fill", "links_fill_sext")],
)
def test_steps_begin_with_narrow_spills_that_are_linked(name: str, rule: str) -> None:
    shown = exhibit(name)
    assert shown.program is not None
    program = load_asm(shown.program.read_text(), name)
    found = judge(Court(shown.rules.name, settings("step"), shown.rules), program, "0", 0)
    assert [s.key for s in found.shown] == [Key("claim", rule, "id")]
    assert not found.counts["steps not drawn"]


@pytest.mark.parametrize("rules", ["linux-6.12", "xdp-paper"])
def test_steps_of_sound_rules_stay_inside_their_claims(rules: str) -> None:
    found = outcome(rules, settings("step", size=20))
    assert found.found == ()
    assert found.counts["steps"] > 100


def test_members_are_in_the_scalar_and_at_its_ends() -> None:
    low = UNKNOWN._replace(umin=5, umax=9, smin=5, smax=9, u32min=5, u32max=9, s32min=5, s32max=9)
    even = low._replace(var_off=Tnum(0, 0xE))
    assert {5, 9} <= set(members(low))
    assert set(members(even)) == {6, 8}
    assert all(contains(s, n) for s in (low, even, UNKNOWN) for n in members(s))
    nothing: Scalar = low._replace(var_off=Tnum(1 << 40, 0))
    assert members(nothing) == ()
