"""Steps from what is claimed: wrong rules and wrong pruning show, sound rules do not."""

from __future__ import annotations

import pytest

from bpfsmt.bits import rule
from bpfsmt.crosscheck.replay import run_witness
from bpfsmt.domain import UNKNOWN, Scalar, State, Tnum
from bpfsmt.domain.order import missing
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.state import MISC, SPILL, Frame, Slot
from bpfsmt.fuzz.finding import Key
from bpfsmt.fuzz.inputs import runs
from bpfsmt.fuzz.judge import Court, judge
from bpfsmt.fuzz.machine import Watch
from bpfsmt.fuzz.members import contains, members
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.rules.linux.extend import low_bits
from bpfsmt.rules.museum import Exhibit, exhibit, exhibits
from bpfsmt.rules.museum.exhibit import PROGRAM
from bpfsmt.verifier import verify

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
    court = Court(shown.rules.name, settings("step"), shown.rules)
    found = [judge(court, program, str(n), 0) for n in range(8)]
    assert {s.key for one in found for s in one.shown} == {Key("claim", rule, "id")}
    assert not any(one.counts["steps not drawn"] for one in found)


def shown_by(oracle: str, name: str, rules: str) -> set[Key]:
    """What an oracle alone says of an exhibit's program, with its rules or the right ones."""
    about = exhibit(name)
    assert about.program is not None
    program = load_asm(about.program.read_text(), name)
    chosen = about.rules if rules == "wrong" else about.base
    court = Court(chosen.name, settings(oracle, inputs=8), chosen)
    return {s.key for s in judge(court, program, "x", 0).shown}


@pytest.mark.parametrize(
    ("name", "rule", "part"),
    [
        ("a24-division-leaves", "alu64_div", "unreached"),
        ("a25-sdiv64-overflow", "alu64_sdiv", "fault"),
        ("a25-sdiv32-magnitude", "alu32_sdiv", "tnum"),
        ("cve-2021-3444", "alu32_mod", "tnum"),
    ],
)
def test_code_put_in_for_a_division_is_what_is_stepped(name: str, rule: str, part: str) -> None:
    assert ("claim", rule, part) in shown_by("step", name, "wrong")
    assert shown_by("step", name, "right") == set()


@pytest.mark.parametrize(
    "shown", [e for e in exhibits() if e.kind == PROGRAM], ids=lambda e: e.name
)
def test_the_machine_finds_each_fault_of_a_walk_in_its_program(shown: Exhibit) -> None:
    """Told the program, but nothing of its input, nor where a tail call leads."""
    assert shown.program is not None
    program = load_asm(shown.program.read_text(), shown.name)
    asked = settings("machine", "step", inputs=8)
    wrong = judge(Court(shown.rules.name, asked, shown.rules), program, "x", 0)
    right = judge(Court(shown.base.name, asked, shown.base), program, "x", 0)
    assert {s.key for s in wrong.shown} - {s.key for s in right.shown}
    assert not [s for s in wrong.shown if s.key.kind == "crash"]


def test_a_tail_call_that_was_drawn_is_gone_over_again() -> None:
    shown = exhibit("p12-tail-call-returns")
    assert shown.program is not None
    program = load_asm(shown.program.read_text(), shown.name)
    for ran in runs(program, program, 8, "x"):
        again = run_witness(program, ran.witness)
        assert (again.outcome, again.r0) == (ran.result.outcome, ran.result.r0)
    kinds = {e.kind for ran in runs(program, program, 8, "x") for e in ran.witness.events}
    assert "program" in kinds


def test_rounds_that_were_drawn_are_gone_again() -> None:
    """An input of a run says how often ``may_goto`` went on: given again it shows the same."""
    shown = exhibit("p11-rounds-told")
    assert shown.program is not None
    program = load_asm(shown.program.read_text(), "rounds")
    claims, full = (verify(program, shown.rules, forgetful=f) for f in (True, False))
    watch = Watch(claims, full, shown.rules)
    found = list(watch.drawn(40, "rounds"))
    assert found
    inputs = [s.witness for s in found if s.witness is not None]
    assert [s.text for s in watch.given(inputs)] == [s.text for s in found]


def test_bytes_of_which_no_number_is_known_are_ordered() -> None:
    """A spill that was written into: what is left of it is some byte."""
    left = Slot(SPILL * 4 + MISC * 4)
    state = State((Frame((NOT_INIT,) * 11, {0: left}),))
    assert not list(missing(state, state))
    nothing = State((Frame((NOT_INIT,) * 11, {}),))
    assert [place for place, _ in missing(state, nothing)] == [(0, "fp-8")]


@pytest.mark.parametrize("rules", ["linux-6.18", "xdp-paper"])
def test_steps_of_sound_rules_stay_inside_their_claims(rules: str) -> None:
    found = outcome(rules, settings("step", size=20))
    assert found.found == ()
    assert found.counts["steps"] > 100


FAR = """
    .map array type=array key=4 value=48 entries=5
    r8 = *(u32 *)(r1 + 12)
    *(u32 *)(r10 - 4) = 1
    r2 = r10
    r2 += -4
    r1 = map[array]
    call bpf_map_lookup_elem
    if r0 == 0 goto +1
    r0 += r8
    r0 = 0
    exit
"""


@rule
def pointer_sum(var: Scalar, n: Scalar) -> Scalar:
    """As if all that is added were of 16 bits."""
    return low_bits(n, 16)


def test_a_pointer_far_from_its_region_still_points_there() -> None:
    program = load_asm(FAR, "far")
    planted = rule_set("linux-6.12").derive("planted", pointer_sum)
    found = {"linux-6.12": set[Key](), "planted": set[Key]()}
    for rules in (rule_set("linux-6.12"), planted):
        court = Court(rules.name, settings("step"), rules)
        for n in range(32):
            found[rules.name] |= {s.key for s in judge(court, program, str(n), 0).shown}
    assert found["linux-6.12"] == set()
    assert ("claim", "pointer_add", "tnum") in found["planted"]


LINKED = """
.map values type=array key=4 value=8 entries=1
    r1 = map[values][0]
    r6 = *({size} *)(r1 + 0)
    r7 = r6
    {change}
    if {compare} goto out
    r6 = 0
out:
    r0 = r6
    r0 += r7
    exit
"""


@pytest.mark.parametrize(
    ("name", "size", "change", "compare"),
    [
        ("a17-delta-link32", "u64", "w7 += 1", "r7 > 7"),
        ("a18-link-flag", "u32", "w7 += 5", "w6 < 0xfffffffb"),
        ("cve-2026-43070", "u64", "r7 = bswap64 r7", "r6 > 7"),
    ],
)
def test_numbers_that_are_linked_wrongly(name: str, size: str, change: str, compare: str) -> None:
    about = exhibit(name)
    program = load_asm(LINKED.format(size=size, change=change, compare=compare), name)
    for rules, wrong in ((about.rules, True), (about.base, False)):
        court = Court(rules.name, settings("step"), rules)
        keys = {s.key for n in range(8) for s in judge(court, program, f"x{n}", 0).shown}
        assert bool(keys) is wrong, keys


def test_members_are_in_the_scalar_and_at_its_ends() -> None:
    low = UNKNOWN._replace(umin=5, umax=9, smin=5, smax=9, u32min=5, u32max=9, s32min=5, s32max=9)
    even = low._replace(var_off=Tnum(0, 0xE))
    assert {5, 9} <= set(members(low))
    assert set(members(even)) == {6, 8}
    assert all(contains(s, n) for s in (low, even, UNKNOWN) for n in members(s))
    nothing: Scalar = low._replace(var_off=Tnum(1 << 40, 0))
    assert members(nothing) == ()


@pytest.mark.parametrize("shift", [0, 31])
def test_a_pointer_too_far_away_is_not_judged(shift: int) -> None:
    """Of a number of 32 bits beside a value, the addresses may be those of another region."""
    program = load_asm(
        f""".type xdp
        .map m type=array key=4 value=64 entries=1
        r7 = *(u32 *)(r1 + 12)
        r7 >>= {shift}
        r3 = map[m][0]
        r3 += r7
        r4 = r3
        r0 = 0
        exit""",
        "far",
    )
    court = Court.of("linux-6.12", settings("machine", "step", inputs=30))
    judged = judge(court, program, "x", 0)
    assert judged.counts["accepted"] == 1
    assert judged.shown == []
