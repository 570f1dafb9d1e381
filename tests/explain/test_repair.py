"""The check that helps: it makes the program pass, nothing in it is idle, and less would not do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bpfsmt.cli.explain_text import explanation_lines
from bpfsmt.crosscheck import run
from bpfsmt.explain import Explanation, explain, repair
from bpfsmt.explain.candidates import Candidate
from bpfsmt.explain.insert import Added
from bpfsmt.explain.repair import FOUND, NONE, NOT_SOUGHT, TIMED_OUT
from bpfsmt.isa.instruction import Instruction
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from .common import PAPER, RULES, explained, program, refusing, rejected, without_added

HELPED = [
    ("packet_bounds_off_by_one", 1), ("packet_bounds_missing", 2), ("packet_bounds_wrong_side", 1),
    ("packet_metadata_missing", 4), ("packet_min_negative", 1), ("packet_offset_too_large", 1),
    ("packet_variable_offset_unchecked", 1), ("packet_variable_offset_new_id", 3),
    ("map_value_index_too_large", 1), ("map_value_negative_index", 1),
    ("map_value_unbounded_index", 1), ("add_overflow_loses_bounds", 1),
    ("map_null_check_missing", 1), ("map_null_check_other_lookup", 1),
    ("pointer_arith_or_null", 1), ("helper_size_unbounded", 1), ("tnum_alignment_unknown", 1),
    ("register_uninitialised", 1), ("exit_r0_uninit", 1), ("stack_uninitialised_read", 1),
    ("stack_partly_written", 1), ("helper_uninit_key", 1),
]  # fmt: skip

BOUNDS = [
    ("map_value_index_too_large", 28), ("map_value_unbounded_index", 7),
    ("helper_size_unbounded", 8), ("false_rejection_division", 31),
    ("packet_offset_too_large", 65534),
]  # fmt: skip


@pytest.mark.parametrize(("name", "size"), HELPED)
def test_how_many_instructions_help(name: str, size: int) -> None:
    found = explained(name).repair
    assert (found.word, len(found.added)) == (FOUND, size)


@pytest.mark.parametrize("rules", ["xdp-paper", "linux-6.12"])
@pytest.mark.parametrize("name", list(rejected()))
def test_what_is_found_passes_and_is_needed(name: str, rules: str) -> None:
    one = explained(name, rules)
    changed = one.repair.program
    assert (changed is not None) == (one.repair.word == FOUND)
    if changed is None:
        return
    analysis = verify(changed, rule_set(rules))
    assert analysis.verdict.accepted
    assert len(changed) == len(one.analysis.program) + len(one.repair.added)
    for gone in range(len(one.repair.added)):
        assert not verify(without_added(one, gone), rule_set(rules)).verdict.accepted


@pytest.mark.parametrize(("name", "most"), BOUNDS)
def test_a_bound_is_the_greatest_that_passes(name: str, most: int) -> None:
    one = explained(name)
    changed = one.repair.program
    assert changed is not None
    (pc,) = one.repair.added
    assert changed[pc].imm == most
    wider = list(changed.slots)
    wider[pc] = replace(changed[pc], imm=most + 1)
    assert not verify(replace(changed, slots=tuple(wider)), PAPER).verdict.accepted


def test_a_bound_is_no_wider_than_other_compares_leave_it() -> None:
    """``r6 s> 31`` was compared already; the check says 31 as well, and not 536870911."""
    for name in ("map_value_negative_index", "add_overflow_loses_bounds"):
        found = explained(name).repair
        assert found.program is not None
        assert [found.program[pc].imm for pc in found.added] == [31]


def test_a_length_is_the_smallest_that_passes() -> None:
    one = explained("packet_variable_offset_new_id")
    changed = one.repair.program
    assert changed is not None
    (pc,) = [pc for pc in one.repair.added if changed[pc].opcode == 0x07]
    assert changed[pc].imm == 4
    shorter = list(changed.slots)
    shorter[pc] = replace(changed[pc], imm=3)
    assert not verify(replace(changed, slots=tuple(shorter)), PAPER).verdict.accepted


@pytest.mark.parametrize(
    "name", ["packet_bounds_missing", "map_value_negative_index", "map_null_check_missing"]
)
def test_the_repaired_program_is_proved_safe(name: str) -> None:
    changed = explained(name).repair.program
    assert changed is not None
    report = run.crosscheck(changed, precision_seconds=0)
    assert (report.exit_code, report.refuted) == (0, [])


MANY = """
    r6 = r1
    r2 = *(u32 *)(r1 + 0)
    r3 = *(u8 *)(r2 + 0)
    r4 = *(u8 *)(r2 + 12)
    r4 = *(u16 *)(r2 + 22)
    r0 = 2
    exit
"""

TWICE = """
.map m type=hash key=4 value=8 entries=4
    *(u32 *)(r10 - 4) = 0
    r1 = map[m]
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    r6 = *(u64 *)(r0 + 0)
    r1 = map[m]
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    r7 = *(u64 *)(r0 + 0)
    r0 = 2
    exit
"""


def test_one_length_for_all_accesses_behind() -> None:
    found = explain(load_asm(MANY, "p"), PAPER, seconds=20).repair
    assert (found.word, found.checks, len(found.added)) == (FOUND, 1, 4)
    assert found.program is not None
    assert 24 in [found.program[pc].imm for pc in found.added]


def test_two_checks_where_one_is_not_enough() -> None:
    found = explain(load_asm(TWICE, "p"), PAPER, seconds=20).repair
    assert (found.word, found.checks, len(found.added)) == (FOUND, 2, 2)


def text(one: Explanation) -> list[str]:
    return list(explanation_lines(one, log=0))


@pytest.mark.parametrize("name", [name for name, _ in HELPED])
def test_planted_a_verifier_that_refuses_everything_leaves_no_check(name: str) -> None:
    one = explain(program(name), PAPER, seconds=5, verify=refusing)
    assert one.repair.word in (NONE, TIMED_OUT)
    assert one.repair.tried > 0
    assert one.repair.program is None
    assert not [line for line in text(one) if line.lstrip().startswith("+ ")]
    assert [line for line in text(explained(name)) if line.lstrip().startswith("+ ")]


def plant(monkeypatch: pytest.MonkeyPatch, *what: Added) -> Explanation:
    """The explanation where these instructions are all that is ever tried."""
    bad = Candidate(lambda _: what)
    monkeypatch.setattr(repair, "candidates", lambda *_: [bad])
    return explain(program("packet_bounds_off_by_one"), PAPER, seconds=5)


def test_planted_a_check_that_does_not_help_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    one = plant(monkeypatch, Added(6, Instruction(0x05)))
    assert (one.repair.word, one.repair.program) == (NONE, None)
    assert not [line for line in text(one) if line.lstrip().startswith("+ ")]


def test_planted_what_makes_the_access_unreachable_is_no_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``r5 = 0; if r5 == 0 goto exit`` passes, because the access is never walked."""
    zero = Added(6, Instruction(0xB7, dst=5))
    always = Added(6, Instruction(0x15, dst=5), target=7)
    one = plant(monkeypatch, zero, always)
    assert one.repair.tried == 1
    assert (one.repair.word, one.repair.program) == (NONE, None)


@pytest.mark.parametrize("name", ["stack_out_of_bounds", "scalar_dereference", "loop_back_edge"])
def test_where_no_compare_could_help_none_is_sought(name: str) -> None:
    assert explained(name).repair.word == NOT_SOUGHT


def test_no_time_is_a_word_of_its_own() -> None:
    one = explain(program("map_value_index_too_large"), PAPER, seconds=1e-9)
    assert one.repair.word == TIMED_OUT


def test_others_are_asked_about_both_programs() -> None:
    others = {o.name: o for o in explained("false_rejection_copied_number").others}
    assert others["linux-6.12"].verdict == "accept"
    assert others["linux-6.12"].repaired == "accept"
    assert "xdp-paper" not in others
    strict = {o.name: o for o in explained("packet_bounds_missing").others}
    assert strict["linux-6.12"].repaired == "reject"
    assert RULES.is_dir()


def test_a_walk_that_is_cut_off_is_explained_shortly() -> None:
    short = PAPER.derive("short", policy=replace(PAPER.policy, max_walked=3))
    one = explain(program("packet_bounds_ok"), short, seconds=5)
    assert one.analysis.verdict.kind == "too-complex"
    assert one.repair.word == NOT_SOUGHT
    assert list(one.others) == []
    assert [line for line in text(one) if line.startswith("other verifiers: not asked")]


CALLEE = """
    r2 = *(u32 *)(r1 + 4)
    r1 = *(u32 *)(r1 + 0)
    call f
    call g
    r0 = 2
    exit
f:
    r0 = *(u8 *)(r1 + 5)
    exit
g:
    r0 = 3
    exit
"""


@pytest.mark.parametrize("rules", ["xdp-paper", "linux-6.12"])
def test_a_check_in_a_function_that_has_no_exit_to_go_to(rules: str) -> None:
    """The exit is put behind that function and before the next, which calls still find."""
    found = explain(load_asm(CALLEE, "p"), rule_set(rules), seconds=20).repair
    assert (found.word, len(found.added)) == (FOUND, 5)
    assert found.program is not None
    assert verify(found.program, rule_set(rules)).verdict.accepted
    assert dict(found.program.functions) == {0: "main", 6: "f", 13: "g"}


def test_without_the_end_at_hand_that_is_said() -> None:
    lost = CALLEE.replace("r2 = *(u32 *)(r1 + 4)", "r2 = 0")
    found = explain(load_asm(lost, "p"), PAPER, seconds=20).repair
    assert (found.word, found.why) == (NOT_SOUGHT, repair.NO_END)
