"""Unsafe only with an input that replays, safe only where nothing can go wrong."""

from __future__ import annotations

import pytest

from bpfsmt.crosscheck.finding import Status
from bpfsmt.crosscheck.replay import run_witness
from bpfsmt.crosscheck.settle import Witness, settle
from bpfsmt.explain import explain
from bpfsmt.program import load_asm
from bpfsmt.prover import Solver
from bpfsmt.rules import rule_set
from bpfsmt.symbolic.encode import encode

from .common import PAPER, explained, rejected

KNOWN = {
    "packet_bounds_off_by_one": "unsafe",
    "map_value_index_too_large": "unsafe",
    "map_null_check_missing": "unsafe",
    "helper_size_unbounded": "unsafe",
    "stack_uninitialised_read": "unsafe",
    "map_value_unbounded_index": "unsafe",
    "false_rejection_copied_number": "safe",
    "false_rejection_array_lookup": "safe",
    "packet_variable_offset_new_id": "safe",
    "loop_back_edge": "form",
    "unreachable_instruction": "form",
}


@pytest.mark.parametrize(("name", "word"), KNOWN.items())
def test_known_ones(name: str, word: str) -> None:
    assert explained(name).truth.word == word


@pytest.mark.parametrize("name", list(rejected()))
def test_no_contradiction_with_the_settling_of_the_whole_program(name: str) -> None:
    one = explained(name)
    if one.truth.word not in ("safe", "unsafe"):
        pytest.skip("nothing said")
    whole = settle(encode(one.analysis.program), Solver(20), one.analysis.verdict.pc)
    if one.truth.word == "unsafe":
        assert whole.status is Status.REFUTED
        assert isinstance(one.truth.witness["inputs"], Witness)
    if whole.status is Status.PROVED:
        assert one.truth.word == "safe"


def test_the_input_makes_the_machine_fault_at_the_access() -> None:
    one = explained("packet_bounds_off_by_one")
    witness = one.truth.witness["inputs"]
    result = run_witness(one.analysis.program, witness)
    assert result.outcome == "fault"
    assert f"pc {one.analysis.verdict.pc}:" in str(result.fault)


def test_the_access_alone_is_asked_about() -> None:
    """Another access, which no walk came to, is wrong; the refused one is not."""
    text = """
        r2 = *(u32 *)(r1 + 0)
        r3 = *(u32 *)(r1 + 4)
        r5 = *(u32 *)(r1 + 16)
        r5 &= 255
        r6 = r2
        r6 += r5
        r2 += r5
        r2 += 1
        if r2 > r3 goto out
        r0 = *(u8 *)(r6 + 0)
        r0 = *(u8 *)(r6 + 9)
    out:
        r0 = 2
        exit
    """
    one = explain(load_asm(text, "p"), PAPER, seconds=20)
    assert one.analysis.verdict.pc == 9
    assert (one.truth.word, one.truth.about) == ("safe", "access")
    assert settle(encode(one.analysis.program), Solver(20), 9).status is Status.REFUTED


def test_safe_is_not_said_because_every_run_went_wrong_before() -> None:
    """Under the Linux rules the stack may be read unwritten, so that the walk goes on."""
    text = "r1 = *(u64 *)(r10 - 64)\nr0 = *(u32 *)(r1 + 0)\nexit"
    one = explain(load_asm(text, "p"), rule_set("linux-6.12"), seconds=5)
    assert (one.analysis.verdict.pc, one.analysis.verdict.kind) == (1, "bad-pointer")
    assert one.truth.word == "unsafe"


def test_an_access_that_no_run_comes_to() -> None:
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
    one = explain(load_asm(text, "p"), PAPER, seconds=20)
    assert one.analysis.verdict.pc == 6
    assert (one.truth.word, one.truth.why) == ("safe", "no run comes to it")
