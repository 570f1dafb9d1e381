"""Two rule sets compared, where it is known what must come out."""

from __future__ import annotations

import pytest

from bpfsmt.precision import compare as of_compare
from bpfsmt.precision.compare import Comparer, Comparison
from bpfsmt.precision.shared import LEFT, RIGHT
from bpfsmt.rules import RuleSet, rule_set

from . import planted

PAPER = planted.PAPER


def compare(left: RuleSet, right: RuleSet, rule: str) -> Comparison:
    comparer = Comparer(left, right, 20)
    comparer.settle([rule])
    return comparer.compare(rule)


def test_a_rule_is_equal_to_itself() -> None:
    found = compare(PAPER, PAPER, "alu64_mul")
    assert (found.verdict, found.how) == ("equal", "same text")


def test_other_words_are_equal_by_proof() -> None:
    for rule, how in (("tnum_xor", "solver"), ("tnum_neg", "solver"), ("alu64_xor", "same text")):
        found = compare(PAPER, planted.same_otherwise(), rule)
        assert (found.verdict, found.how) == ("equal", how), rule


@pytest.mark.parametrize("swapped", [False, True])
def test_the_tighter_one_is_named(swapped: bool) -> None:
    left, right = PAPER, planted.loose_and()
    found = compare(right, left, "tnum_and") if swapped else compare(left, right, "tnum_and")
    assert found.verdict == ("B tighter" if swapped else "A tighter")
    seen = found.examples[RIGHT if swapped else LEFT]
    tight, loose = (seen.right, seen.left) if swapped else (seen.left, seen.right)
    assert tight == PAPER.ints.tnum_and(*seen.args)
    assert loose == planted.loose_and().ints.tnum_and(*seen.args) != tight


def test_a_change_in_one_point_is_found() -> None:
    found = compare(PAPER, planted.one_point(), "tnum_or")
    assert found.verdict == "A tighter"
    assert found.examples[LEFT].args[0] == planted.POINT


def test_where_only_one_refuses_a_pointer_it_claims_less() -> None:
    """The variable part is the same there."""
    found = compare(planted.LINUX, planted.refuses_one_offset(), "pointer_add")
    assert found.verdict == "A tighter"
    assert found.examples[LEFT].args[1] == planted.OFFSET


def test_incomparable_comes_with_an_example_each_way() -> None:
    found = compare(PAPER, planted.both_ways(), "alu64_neg")
    assert found.verdict == "incomparable"
    assert found.examples.keys() == {LEFT, RIGHT} or "neither" in found.examples
    assert compare(PAPER, planted.both_ways(), "alu64_div").verdict == "B tighter"


def test_the_products_of_two_generations_are_incomparable() -> None:
    found = compare(rule_set("linux-6.12"), rule_set("linux-6.18"), "tnum_mul")
    assert found.verdict == "incomparable"


def test_a_difference_in_a_loop_that_nobody_saw_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_compare, "MORE", 500)
    found = compare(PAPER, planted.product_in_one_point(), "tnum_mul")
    assert (found.verdict, found.examples) == ("unknown", {})
    assert "loop" in found.why
    assert (found.drawn, found.differed) == (of_compare.TRIES + 500, 0)


def test_what_the_first_inputs_do_not_show_more_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is proved of a loop, so that more is drawn, and found."""
    monkeypatch.setattr(of_compare, "TRIES", 1)
    found = compare(rule_set("linux-6.12"), rule_set("linux-6.18"), "tnum_mul")
    assert found.verdict == "incomparable"
    assert found.drawn > 1


def test_branches_that_are_never_taken_do_not_count() -> None:
    """Where no pair is equal, what a compare makes of it is no difference."""
    found = compare(PAPER, planted.careless_where_nothing_is_equal(), "refine64_eq")
    assert (found.verdict, found.examples) == ("equal", {})


def test_a_single_number_that_a_stage_leaves_is_one_after_the_others() -> None:
    comparer = Comparer(rule_set("linux-6.12"), planted.one_number_more(), 20)
    comparer.settle(["deduce32"])
    assert comparer.shared.nearly[RIGHT] == {"bounds32_from_s64", "deduce32"}
    assert not comparer.shared.nearly[LEFT]


@pytest.mark.slow
def test_no_stage_need_be_monotone_for_what_rests_on_them() -> None:
    comparer = Comparer(rule_set("linux-6.12"), planted.one_number_more(), 20)
    comparer.settle(["refine64_ult", "alu64_rsh"])
    assert "sync" in comparer.shared.nearly[RIGHT]
    assert comparer.compare("refine64_ult").verdict in ("B tighter", "equal")
    assert comparer.compare("alu64_rsh").verdict in ("B tighter", "equal")


def test_a_looser_stage_beside_it_is_not_overlooked() -> None:
    comparer = Comparer(rule_set("linux-6.12"), planted.one_number_more(careless=True), 2)
    comparer.settle(["deduce32"])
    assert "deduce32" not in comparer.shared.nearly[RIGHT]
    assert comparer.compare("deduce32").verdict not in ("B tighter", "equal")
