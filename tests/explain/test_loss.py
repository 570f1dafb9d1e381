"""Where the claim was lost: the right instruction is blamed, and none where none lost it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpfsmt.bits import rule
from bpfsmt.domain import UNKNOWN, Scalar
from bpfsmt.explain import explain
from bpfsmt.explain.loss import EXACT, LOST, NO_RUN, NOT_SOUGHT, TIMED_OUT, WRONG
from bpfsmt.program import load_asm
from bpfsmt.rules import load_rules, rule_set

from .common import PAPER, explained, program

BLAMED = [
    ("false_rejection_copied_number", 10, "umax"),
    ("false_rejection_sum_of_related", 4, "umin"),
    ("false_rejection_32bit_compare", 8, "umax"),
    ("false_rejection_division", 8, "umax"),
    ("false_rejection_array_lookup", 5, "type"),
    ("packet_variable_offset_new_id", 9, "range"),
    ("packet_offset_too_large", 8, "range"),
    ("call_clobbers_r1_r5", 0, "type"),
    ("adjust_head_invalidates_packet_pointers", 6, "type"),
]

EXACT_ALL_ALONG = [
    "packet_bounds_missing", "packet_bounds_off_by_one", "packet_metadata_missing",
    "map_value_index_too_large", "map_value_negative_index", "map_null_check_missing",
    "helper_size_unbounded",
]  # fmt: skip


@pytest.mark.parametrize(("name", "pc", "component"), BLAMED)
def test_the_first_instruction_that_lost_something(name: str, pc: int, component: str) -> None:
    loss = explained(name).loss
    assert (loss.word, loss.pc) == (LOST, pc)
    assert component in [w.component for w in loss.wider]


@pytest.mark.parametrize("name", EXACT_ALL_ALONG)
def test_nothing_was_lost_where_the_program_made_no_bound(name: str) -> None:
    loss = explained(name).loss
    assert loss.word == EXACT
    assert loss.checked > 0


def test_numbers_claimed_and_exact() -> None:
    wider = {w.component: w for w in explained("false_rejection_copied_number").loss.wider}
    assert (wider["umax"].claimed, wider["umax"].exact) == ("255", "31")
    assert (wider["var_off"].claimed, wider["var_off"].exact) == ("(0x0; 0xff)", "(0x0; 0x1f)")


@rule
def alu64_and(a: Scalar, b: Scalar) -> Scalar:
    """Sound, and forgets everything."""
    return UNKNOWN


def test_a_planted_rule_that_forgets_is_blamed() -> None:
    """The program is accepted as it is; with the coarse rule its mask is what lost the bound."""
    coarse = rule_set("xdp-paper").derive("coarse", alu64_and)
    good = program("map_value_index_masked")
    assert explain(good, PAPER).analysis.verdict.accepted
    mask = next(pc for pc, insn in good.instructions() if insn.opcode == 0x57)
    loss = explain(good, coarse, seconds=20).loss
    assert (loss.word, loss.pc) == (LOST, mask)


PLANTED_BUG = str(Path(__file__).parents[1] / "cli" / "planted_bug.py")

UNSOUND = """
.map m type=hash key=4 value=2 entries=4
    r6 = *(u32 *)(r1 + 16)
    r6 &= 3
    *(u32 *)(r10 - 4) = 0
    r1 = map[m]
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r7 = r6
    r6 += r7
    r0 += r6
    r3 = *(u8 *)(r0 + 0)
out:
    r0 = 2
    exit
"""


def test_planted_an_unsound_rule_is_not_said_to_be_coarse() -> None:
    """A sum whose carries are forgotten is narrower than the exact set, not wider."""
    program_ = load_asm(UNSOUND, "p")
    right = explain(program_, PAPER, seconds=20).loss
    assert (right.word, right.pc) == (LOST, 10)  # the sum is known to be even
    loss = explain(program_, load_rules(PLANTED_BUG), seconds=20).loss
    assert (loss.word, loss.pc, loss.why) == (NOT_SOUGHT, 10, WRONG)


def test_no_time_is_a_word_of_its_own() -> None:
    one = explain(program("map_value_index_too_large"), PAPER, seconds=1e-9)
    assert one.loss.word == TIMED_OUT


def test_a_program_without_a_formula_is_not_sought() -> None:
    text = """
        r3 = 4
        r2 = *(u32 *)(r1 + 0)
    back:
        r3 += -1
        if r3 != 0 goto back
        r0 = *(u8 *)(r2 + 0)
        exit
    """
    one = explain(load_asm(text, "p"), rule_set("linux-6.12"), seconds=5)
    assert one.analysis.verdict.kind == "packet-bounds"
    assert one.loss.word == NOT_SOUGHT
    assert "a loop" in one.loss.why
    assert one.truth.word == "unknown"
    assert "a loop" in one.truth.why


def test_a_way_that_no_run_goes() -> None:
    """A square is 0 or 1 modulo 4, never 2; the rules walk that way all the same."""
    text = """
        r2 = *(u32 *)(r1 + 0)
        r3 = *(u32 *)(r1 + 16)
        r4 = r3
        r4 *= r3
        r4 &= 3
        if r4 != 2 goto out
        r0 = *(u8 *)(r2 + 0)
    out:
        r0 = 2
        exit
    """
    loss = explain(load_asm(text, "p"), PAPER, seconds=20).loss
    assert (loss.word, loss.pc, loss.why) == (LOST, 5, NO_RUN)
