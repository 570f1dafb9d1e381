"""Verdicts on single rules: optimal where that is known, examples where a rule was made looser."""

from __future__ import annotations

import random
from typing import Any

import pytest
import z3

from bpfsmt.bits import U64_MAX, Rule, replace, rule
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.precision import optimal
from bpfsmt.precision.cases import Case, Question, questions, subsets
from bpfsmt.precision.kept import Keeper
from bpfsmt.precision.measured import drawn, small
from bpfsmt.precision.operations import operations
from bpfsmt.precision.optimal import Limits, Optimality, decide
from bpfsmt.precision.parts import PARTS, TNUM_PART
from bpfsmt.precision.search import drawn_example
from bpfsmt.prover.theorems import contracts_of
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.rules.linux.sync import deduce, from_bits

from . import planted

PAPER = planted.PAPER
LINUX = rule_set("linux-6.12")


def ask(rules: RuleSet, rule: str, part: str = "tnum", side: int | None = None) -> Optimality:
    (question,) = [
        q for q in questions(rules, (rule,)) if q.part.name == part and q.operation.side == side
    ]
    return decide(question, Keeper(rules), Limits(1, 60))


@pytest.mark.parametrize("rule", ["tnum_and", "tnum_or", "tnum_xor", "tnum_neg", "tnum_lshift"])
def test_optimal_tnums_are_proved(rule: str) -> None:
    assert ask(PAPER, rule).verdict == "optimal"


def test_the_product_of_tnums_is_not_optimal() -> None:
    found = ask(PAPER, "tnum_mul")
    assert found.verdict == "not optimal"
    assert found.example is not None
    a, b = found.example.values
    products = {x * y for x in subsets(a) for y in subsets(b)}
    assert TNUM_PART.hull(products) == found.example.best != found.example.result


def test_a_looser_rule_is_found_with_the_smallest_example() -> None:
    found = ask(planted.loose_and(), "tnum_and")
    assert (found.verdict, found.width) == ("not optimal", 1)
    assert found.example is not None
    assert found.example.values == (Tnum(0, 0), Tnum(0, 1))
    assert (found.example.result, found.example.best) == (Tnum(0, 1), Tnum(0, 0))


def test_an_example_that_is_not_small_is_found_by_the_proof() -> None:
    found = ask(planted.loose_far_away(), "tnum_or")
    assert (found.verdict, found.width) == ("not optimal", 64)
    assert found.example is not None
    a, b = found.example.values
    assert a.value & b.value & 1 << 40
    assert found.example.best == PAPER.ints.tnum_or(a, b)


def test_where_neither_small_operands_nor_a_proof_tell_some_are_drawn() -> None:
    new = rule_set("linux-6.18")
    found = ask(new, "alu32_mul", "u64")
    assert (found.verdict, found.width, found.why) == ("not optimal", 64, "")
    example = found.example
    assert example is not None
    a, b = (range(lo, hi + 1) for lo, hi in example.values)
    products = {x * y & 0xFFFFFFFF for x in a for y in b}
    assert (min(products), max(products)) == example.best
    assert new.ints.alu32_mul(*example.args)[1:3] == example.result != example.best


def test_of_what_is_the_best_none_is_drawn() -> None:
    (best,) = questions(PAPER, ("tnum_add",))
    assert drawn_example(best, 1.0) is None


def test_a_rule_that_says_too_much_is_not_called_optimal() -> None:
    assert ask(planted.unsound_xor(), "tnum_xor").verdict == "not sound"


def test_one_number_too_many() -> None:
    found = ask(planted.one_off(), "refine64_ult", "u64", 0)
    assert found.verdict == "not optimal"
    assert found.example is not None
    assert found.example.result[1] == found.example.best[1] + 1


def test_sums_that_all_wrap_keep_their_range_since_6_17() -> None:
    found = ask(LINUX, "alu64_add", "u64")
    assert found.verdict == "not optimal"
    assert found.example is not None
    newer = Question(rule_set("linux-6.18"), operation_of("alu64_add"), PARTS["u64"])
    assert newer.result(found.example.values) == found.example.best


def operation_of(rule: str) -> operations.Operation:  # type: ignore[name-defined]
    (found,) = [o for o in operations(LINUX) if o.rule == rule]
    return found


@pytest.mark.parametrize("rules", [PAPER, LINUX])
def test_what_is_asked_is_what_is_proved_sound(rules: RuleSet) -> None:
    """The meanings are those of the contracts that `bpfsmt prove` shows."""
    rng = random.Random(7)
    contracts = contracts_of(rules)
    checked = 0
    for o in operations(rules):
        contract = contracts.get(o.rule)
        if contract is None or contract.free:
            continue
        for _ in range(5):
            x, y = (rng.getrandbits(64) >> rng.randrange(64) for _ in range(2))
            y = y % o.below if "count" in o.operands else x if o.shape == "shared" else y
            numbers = [z3.BitVecVal(n, 64) for n in (x, y)[: len(o.kinds)]]
            numbers += [z3.BitVecVal(n, 64) for n in o.operands if isinstance(n, int)]
            means = contract.meaning(*numbers)
            means = means[o.side] if o.side is not None else means
            assert z3.simplify(means).as_long() == o.values[0].ints(x, y), o.name
            if contract.when is not None:
                holds = z3.is_true(z3.simplify(contract.when(*numbers)))
                assert holds == o.possible(x, y), o.name
            checked += 1
    assert checked > 200


@pytest.mark.parametrize("name", ["tnum_and", "alu64_rsh"])
def test_the_solver_and_trying_all_agree_on_the_best(name: str) -> None:
    """Where members are few both ways are open."""
    rng = random.Random(3)
    wanted = "tnum" if name.startswith("tnum") else "u64"
    for q in questions(PAPER, (name,)):
        for _ in range(2 if q.part.name == wanted else 0):
            values: list[Any] = []
            for kind in q.operation.kinds:
                x = rng.randrange(8)
                if kind == "count":
                    values.append(x)
                elif q.part is TNUM_PART:
                    values.append(Tnum(x & 5, 5 & ~x))
                else:
                    values.append((x, x + rng.randrange(8)))
            case = Case(q, tuple(values))
            assert case.best() is not None
            assert case._by_solver() == case.best()[0]  # type: ignore[index]


def test_gaps_are_measured() -> None:
    (right,) = questions(PAPER, ("tnum_and",))
    (wrong,) = questions(planted.loose_and(), ("tnum_and",))
    best, loose = small(right, 2), small(wrong, 2)
    assert best is not None
    assert loose is not None
    assert (best.cases, best.best, best.bits) == (81, 81, 0)
    # A bit is lost where one operand's is 0 and the other's unknown: two digit pairs of nine.
    assert (loose.cases, loose.best, loose.bits) == (81, 49, 36)
    (gap,) = drawn(planted.loose_and(), wrong.operation, 1, 50)
    assert gap.cases == 50 > gap.best
    assert gap.example is not None


def widening() -> Rule[..., Scalar]:
    @rule
    def bounds_from_sign(r: Scalar) -> Scalar:
        return replace(r, umax=r.umax | 1)

    return bounds_from_sign


def test_a_stage_that_widens_is_not_taken_to_keep() -> None:
    parts = PARTS["u64"], PARTS["s64"], TNUM_PART
    assert all(Keeper(PAPER).keeps("sync", p) for p in parts)
    wrong = Keeper(PAPER.derive("widening", widening()))
    assert [wrong.keeps("sync", p) for p in parts] == [False, True, True]


def test_bits_are_told_of_a_range_of_one_number() -> None:
    """Where no step looks at the range, or its bits are forgotten after it, they are not."""

    @rule
    def sync(r: Scalar) -> Scalar:
        return from_bits(deduce(deduce(deduce(from_bits(r)))))

    base = rule_set("linux-6.18")
    assert Keeper(base).tells_one
    assert not Keeper(base.derive("planted", sync)).tells_one
    assert not Keeper(base.derive("planted", forgetful())).tells_one


def forgetful() -> Rule[..., Any]:
    """A `sync` of which the last step forgets what is known of bits."""

    @rule
    def from_bits(r: Scalar) -> Scalar:
        return replace(r, var_off=Tnum(0, U64_MAX))

    return from_bits


@pytest.mark.parametrize(
    ("rule", "part", "asked"),
    [("alu64_add", "u64", 3), ("alu64_xor", "u64", 3)],
)
def test_what_leaves_out_the_same_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, rule: str, part: str, asked: int
) -> None:
    """Of the first no stage but `sync` is left out, of the second another one, too."""
    (question,) = [q for q in questions(LINUX, (rule,)) if q.part.name == part]
    formulas = []

    def undecided(_: Question, attempt: Any, __: float) -> str:
        formulas.append(sorted(attempt.stages))
        return "timeout"

    for search in ("smallest_example", "drawn_example"):
        monkeypatch.setattr(optimal, search, lambda *_: None)
    monkeypatch.setattr(optimal, "_lost", lambda *_: "")
    monkeypatch.setattr(optimal, "_answers", undecided)
    assert decide(question, Keeper(LINUX), Limits(1, 60)).verdict == "unknown"
    assert len(formulas) == asked, formulas
