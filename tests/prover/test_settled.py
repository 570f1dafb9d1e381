"""What a proof needs includes what those that it rests on need."""

from __future__ import annotations

import pytest

from bpfsmt.bits import replace, rule, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.prover.cache import Cache
from bpfsmt.prover.decide import Result
from bpfsmt.prover.prove import prove
from bpfsmt.prover.settled import settled
from bpfsmt.prover.theorems import theorems, uncovered
from bpfsmt.rules import rule_set


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


def test_what_is_known_of_a_release_is_refuted() -> None:
    rules = rule_set("linux-6.1")
    about = ["link_subsumes", "link_names", "id_pair_ok"]
    results = [r for d in prove(rules, about, cache=Cache(None), jobs=1) for r in d.results]
    assert {r.name for r in results if r.verdict == "refuted"} == set(rules.faults)


@pytest.mark.parametrize("name", ["linux-6.1", "linux-6.12", "linux-6.18"])
def test_no_rule_is_without_an_obligation(name: str) -> None:
    rules = rule_set(name)
    assert uncovered(rules, theorems(rules)) == []


def test_or_of_linux_6_1_needs_synced_operands() -> None:
    rules = rule_set("linux-6.1")
    done = prove(rules, ["or_core", "alu64_or"], cache=Cache(None), jobs=1)
    results = settled(r for d in done for r in d.results if r.kind == "operator")
    assert {r.verdict for r in results} == {"proved"}
    assert {r.inputs for r in results if r.rule == "alu64_or"} == {"synced"}
    assert "arbitrary" in {r.inputs for r in results if r.rule == "or_core"}
