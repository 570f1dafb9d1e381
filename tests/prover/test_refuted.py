"""Wrong rules are refuted, with inputs that were run on ints, and with a program."""

from __future__ import annotations

import importlib

import pytest

from bpfsmt.bits import U64_MAX, replace, rule, s64, u64
from bpfsmt.domain import Tnum
from bpfsmt.domain.scalar import Scalar
from bpfsmt.poc import Poc, selftest, synthesise
from bpfsmt.poc.attempt import Attempt
from bpfsmt.poc.drawn import drawn
from bpfsmt.poc.operations import operations
from bpfsmt.poc.shapes import OR, SET, Numbers
from bpfsmt.prover.decide import Result
from bpfsmt.prover.prove import prove
from bpfsmt.prover.replay import stands_for
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.rules.linux.sync import sync as kernel_sync

BASE = rule_set("linux-6.12")


def wrong_add() -> RuleSet:
    @rule
    def tnum_add(a: Tnum, b: Tnum) -> Tnum:
        least = a.value + b.value
        most = least + (a.mask + b.mask)
        unknown = (least ^ most) | a.mask  # b's unknown bits are forgotten
        return Tnum(least & ~unknown, unknown)

    return BASE.derive("mine", tnum_add)


def wrong_stage() -> RuleSet:
    @rule
    def bounds64_from_sign(r: Scalar) -> Scalar:
        # Whatever the sign: the mistake of 4.13 (4cabc5b186b5).
        return replace(r, smin=max(r.smin, s64(0)))

    return BASE.derive("mine", bounds64_from_sign)


def wrong_decision() -> RuleSet:
    from bpfsmt.bits import s32

    @rule
    def taken64_ult(a: Scalar, b: Scalar) -> s32:
        if a.umax <= b.umin:  # equal numbers are not less
            return 1
        return 0 if a.umin >= b.umax else -1

    return BASE.derive("mine", taken64_ult)


def wrong_product() -> RuleSet:
    @rule
    def tnum_mul(a: Tnum, b: Tnum) -> Tnum:
        acc = Tnum(0, 0)
        x = a
        y = b
        for _ in range(64):
            if x.value == 0:  # unknown bits may be left
                break
            acc = Tnum(acc.value, acc.mask | y.mask)
            x = Tnum(x.value >> u64(1), x.mask >> u64(1))
            y = Tnum(y.value << u64(1), y.mask << u64(1))
        return Tnum((a.value * b.value) & ~acc.mask, acc.mask)

    return BASE.derive("mine", tnum_mul)


def results(rules: RuleSet, about: str) -> list[Result]:
    return [r for d in prove(rules, [about], jobs=1) for r in d.results]


@pytest.mark.parametrize(
    ("make", "about", "parts"),
    [
        (wrong_add, "tnum_add", {"tnum_add/tnum"}),
        (wrong_stage, "bounds64_from_sign", {"bounds64_from_sign/s64"}),
        (wrong_decision, "taken64_ult", {"taken64_ult/taken"}),
    ],
)
def test_refuted_in_that_part_only(make: object, about: str, parts: set[str]) -> None:
    found = results(make(), about)  # type: ignore[operator]
    assert {r.name for r in found if r.verdict == "refuted"} == parts
    assert {r.verdict for r in found if r.kind != "coherence"} == {"proved", "refuted"}
    for r in found:
        if r.verdict == "refuted":
            c = r.counterexample
            assert c is not None
            records = [a for a in c.args if isinstance(a, tuple)]
            assert all(stands_for(a, n) for a, n in zip(records, c.numbers, strict=False))


def test_where_a_model_is_not_what_sync_leaves_numbers_are_tried() -> None:
    """The facts of synced operands admit more, so the solver's model may not be confirmed."""

    @rule
    def lsh_u64(r: Scalar, n: u64) -> tuple[u64, u64]:
        low = u64(r.smin)  # of one that may be negative the least unsigned number is another
        return (low << n, r.umax << n) if r.umax <= u64(1) << (63 - n) else (0, U64_MAX)

    rules = BASE.derive("mine", lsh_u64)
    (found,) = (r for r in results(rules, "alu64_lsh") if r.name == "alu64_lsh/u64")
    assert (found.verdict, found.inputs) == ("refuted", "synced")


def test_a_wrong_product_is_never_proved() -> None:
    found = results(wrong_product(), "tnum_mul")
    assert "refuted" in {r.verdict for r in found}


def test_the_corrected_rule_is_proved() -> None:
    assert {r.verdict for r in results(BASE, "tnum_add")} == {"proved"}


def check_poc(poc: Poc | None, rules: RuleSet) -> None:
    assert poc is not None
    assert poc.length <= 10
    assert poc.analysis.verdict.accepted
    assert poc.analysis.producer == rules.name
    text = selftest(poc)
    assert '__msg("r0 = 1")' in text
    assert "__naked void" in text


@pytest.mark.parametrize(
    ("make", "about"), [(wrong_add, "tnum_add"), (wrong_decision, "taken64_ult")]
)
def test_a_program_shows_it(make: object, about: str) -> None:
    rules = make()  # type: ignore[operator]
    check_poc(synthesise(rules, about, seconds=60), rules)


@pytest.mark.parametrize("without", ["drawn", "_solved"])
def test_drawing_and_solver_each_find_it_alone(
    without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The solver may need seconds; what is drawn shows at once."""
    rules = wrong_add()
    module = importlib.import_module("bpfsmt.poc.synthesise")
    monkeypatch.setattr(module, without, lambda *_: iter(()))
    check_poc(synthesise(rules, "tnum_add", seconds=60), rules)


def test_drawn_programs_are_small() -> None:
    """What matters nothing is left out: the number that no other exceeds takes one step."""
    rules = wrong_decision()
    ints = Numbers(rules)
    (operation,) = (o for o in operations(rules, "taken64_ult") if o.rule == "taken64_ult")
    attempts = [Attempt(operation, (), (SET, OR))]
    found = next(c for c in drawn(ints, attempts, "any") if c is not None)
    assert found.lines[0] in ("r7 = -1", "r7 |= -1")
    assert found.lines[1:] == ("if r6 < r7 goto out", "goto wrong")


def test_nothing_is_shown_of_a_sound_rule() -> None:
    assert synthesise(BASE, "tnum_and", seconds=3) is None


def test_sync_is_the_rule_sets_own() -> None:
    assert BASE.linked.rules["sync"] is kernel_sync
