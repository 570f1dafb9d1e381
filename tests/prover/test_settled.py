"""What a proof needs includes what those that it rests on need."""

from __future__ import annotations

import pytest

from bpfsmt.bits import replace, rule, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.prover.cache import Cache
from bpfsmt.prover.decide import Result
from bpfsmt.prover.prove import prove
from bpfsmt.prover.settled import callers_unasked, given_unasked, settled
from bpfsmt.prover.theorems import theorems, uncovered
from bpfsmt.rules import rule_set, rule_set_names
from bpfsmt.rules.museum import exhibits


def result(
    rule: str, inputs: str = "arbitrary", uses: tuple[str, ...] = (), beyond: tuple[str, ...] = ()
) -> Result:
    return Result(f"{rule}/u64", "operator", rule, "proved", inputs, uses=uses, beyond=beyond)


def said(*results: Result) -> dict[str, tuple[str, str]]:
    return {r.rule: (r.verdict, r.inputs) for r in settled(results)}


def test_callers_need_what_their_callees_need() -> None:
    found = said(result("f", uses=("g",)), result("g", uses=("h",)), result("h", "synced"))
    assert found == dict.fromkeys("fgh", ("proved", "synced"))


def test_what_needs_nothing_stays() -> None:
    found = said(result("f", uses=("g",), beyond=("g",)), result("g"), result("h", "synced"))
    assert found == {"f": ("proved", "arbitrary"), "g": ("proved", "arbitrary"),
                     "h": ("proved", "synced")}  # fmt: skip


def test_a_record_that_may_not_be_synced_is_no_operand() -> None:
    f, _ = settled([result("f", uses=("g",), beyond=("g",)), result("g", "synced")])
    assert f.verdict == "unknown"
    assert f.why.startswith("rests on g of synced operands")


def test_callers_that_were_not_asked_are_named() -> None:
    """A proof of one rule of synced operands says nothing of what callers hand it."""
    rules = rule_set("linux-6.12")
    alone = [result("mul_core", "synced", uses=("tnum_mul",))]
    assert callers_unasked(rules, alone) == {"mul_core": ("alu32_mul", "alu64_mul")}
    assert given_unasked(alone) == ("tnum_mul",)
    both = [*alone, result("alu64_mul"), result("alu32_mul"), result("tnum_mul")]
    assert callers_unasked(rules, both) == {}
    assert given_unasked(both) == ()
    assert callers_unasked(rules, [result("mul_core")]) == {}


def test_a_known_number_is_synced() -> None:
    """Linux 6.1's AND and OR need synced operands; `known` makes one."""
    rules = rule_set("linux-6.1")
    about = ["forked_or", "or_core", "alu64_or", "known"]
    results = settled(r for d in prove(rules, about, cache=Cache(None), jobs=1) for r in d.results)
    assert {r.verdict for r in results} == {"proved"}
    assert {r.inputs for r in results if r.rule == "forked_or"} == {"synced"}
    assert sum(r.kind == "coherence" and r.rule == "known" for r in results) == 6


def test_a_known_number_that_is_not_synced_is_refuted() -> None:
    @rule
    def known(x: u64) -> Scalar:
        return replace(UNKNOWN, var_off=Tnum(x, 0))

    rules = rule_set("linux-6.1").derive("planted", known)
    results = [r for d in prove(rules, ["known"], cache=Cache(None), jobs=1) for r in d.results]
    wrong = {r.name for r in results if r.verdict == "refuted"}
    assert "known/coherent/0" in wrong
    assert {r.verdict for r in results if r.kind == "operator"} == {"proved"}


def refuted(name: str, *about: str) -> set[str]:
    done = prove(rule_set(name), about, cache=Cache(None), jobs=1)
    results = [r for d in done for r in d.results]
    assert {r.verdict for r in results} <= {"proved", "refuted"}
    assert {r.rule for r in results} == set(about)
    return {r.name for r in results if r.verdict == "refuted"}


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("linux-6.1", ["link_subsumes", "link_names", "id_pair_ok"]),
        ("linux-6.12", ["links_fill_sext"]),
        ("linux-6.18", ["links_fill_sext"]),
    ],
)
def test_what_is_known_of_a_release_is_refuted(name: str, about: list[str]) -> None:
    assert refuted(name, *about) == set(rule_set(name).faults)


@pytest.mark.parametrize("name", ["linux-6.1", "linux-6.12-corrected", "linux-6.18-corrected"])
def test_what_is_corrected_is_proved(name: str) -> None:
    assert refuted(name, "links_fill_sext", "links_keep") == set()
    if name.endswith("-corrected"):
        assert rule_set(name).changed == ("links_fill_sext",)
        assert not rule_set(name).faults


def test_an_order_of_bytes_that_loses_some_keeps_no_link() -> None:
    @rule
    def links_keep(src: Scalar, bits: u64) -> bool:
        return bits >= 32

    rules = rule_set("linux-6.18").derive("planted", links_keep)
    results = [
        r for d in prove(rules, ["links_keep"], cache=Cache(None), jobs=1) for r in d.results
    ]
    wrong = {r.name for r in results if r.verdict == "refuted"}
    assert wrong == {"links_keep(32)/nothing changed"}


def test_no_rule_is_without_an_obligation() -> None:
    """Of no rule set, and of no exhibit: a rule that no proof reads might say anything."""
    for rules in [*map(rule_set, rule_set_names()), *(e.rules for e in exhibits())]:
        assert uncovered(rules, theorems(rules)) == [], rules.name


def test_a_rule_without_an_obligation_is_named() -> None:
    @rule
    def nobody_asks(x: u64) -> u64:
        return x

    rules = rule_set("linux-6.12").extend("more", nobody_asks)
    assert uncovered(rules, theorems(rules)) == ["nobody_asks"]


def test_or_of_linux_6_1_needs_synced_operands() -> None:
    rules = rule_set("linux-6.1")
    done = prove(rules, ["or_core", "alu64_or"], cache=Cache(None), jobs=1)
    results = settled(r for d in done for r in d.results if r.kind == "operator")
    assert {r.verdict for r in results} == {"proved"}
    assert {r.inputs for r in results if r.rule == "alu64_or"} == {"synced"}
    assert "arbitrary" in {r.inputs for r in results if r.rule == "or_core"}
