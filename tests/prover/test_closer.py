"""How close the ranges of both signs are behind `sync`: proved of three rounds, not of fewer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
import z3

from bpfsmt.bits import replace, rule, s64, terms, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.prover import Proved, Refuted, Solver
from bpfsmt.prover.closer import closer
from bpfsmt.prover.compose import SCALAR
from bpfsmt.prover.decide import Decider
from bpfsmt.prover.obligation import Attempt
from bpfsmt.prover.operators import operators
from bpfsmt.prover.theorems import contracts_of
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.extend import sext_any, sext_range, sext_word
from bpfsmt.rules.linux.sync import deduce, from_bits, tnum_from_bounds
from bpfsmt.rules.linux.widen import known
from bpfsmt.rules.tnum import tnum_const


def answers(rules: RuleSet, about: str = "") -> Iterator[type]:
    """What the solver says of each lemma about something; no goal is beside them."""
    nothing = Attempt((), z3.BoolVal(True), args=(terms.fresh(SCALAR, "r"),))
    (attempt,) = closer(nothing, rules, contracts_of(rules))
    asked = [v for v in attempt.violations() if about in v.sexpr()]
    assert asked
    for violation in asked:
        yield type(Solver().impossible(violation, 60))


@pytest.mark.parametrize("name", ["linux-6.12", pytest.param("linux-6.18", marks=pytest.mark.slow)])
def test_three_rounds_bring_the_ends_together(name: str) -> None:
    assert set(answers(rule_set(name))) == {Proved}


def test_fewer_do_not() -> None:
    @rule
    def sync(r: Scalar) -> Scalar:
        return from_bits(tnum_from_bounds(deduce(deduce(from_bits(r)))))

    of_two = rule_set("linux-6.12").derive("planted", sync)
    assert list(answers(of_two, "2 r")).count(Refuted) == 2
    assert list(answers(rule_set("linux-6.1"), "1 r")).count(Refuted) == 3


def test_a_sync_that_does_not_is_not_said_to() -> None:
    @rule
    def bounds64_from_sign(r: Scalar) -> Scalar:
        return r

    assert Refuted in answers(rule_set("linux-6.12").derive("planted", bounds64_from_sign))


def test_what_settles_is_asked_as_well() -> None:
    @rule
    def known(x: u64) -> Scalar:
        return replace(UNKNOWN, var_off=tnum_const(x), smin=s64(x), smax=s64(x))

    rules = rule_set("linux-6.12").derive("planted", known)
    assert Refuted in answers(rules, "known x")


def test_without_deduction_there_is_nothing_to_say() -> None:
    nothing = Attempt((), z3.BoolVal(True), args=(terms.fresh(SCALAR, "r"),))
    assert not list(closer(nothing, rule_set("xdp-paper"), {}))


def test_a_rule_that_takes_one_end_for_another_is_proved_by_it() -> None:
    """Where both ends share their upper bits, umin is as good as smin, behind `sync`."""

    @rule
    def movsx64(r: Scalar, bits: u64) -> Scalar:
        if is_const(r):
            return known(u64(sext_word(s64(r.var_off.value), bits)))
        if u64(r.smax) >> bits != u64(r.smin) >> bits:
            return sext_any(bits)
        a = sext_word(s64(r.umin), bits)
        b = sext_word(r.smax, bits)
        if (a >= 0) != (b >= 0):
            return sext_any(bits)
        return sext_range(min(a, b), max(a, b))

    rules = rule_set("linux-6.12").derive("changed", movsx64)
    of_bytes = next(operators(rules, contracts_of(rules), "movsx64"))
    part = next(o for o in of_bytes.obligations() if o.name == "movsx64(8)/s64")
    r = Decider(quick=4.0).decide(dataclasses.replace(part, trial=None))  # nothing is drawn
    assert (r.verdict, r.inputs) == ("proved", "synced"), r.why
    assert r.how.endswith("close behind sync")
    assert "deduce" in r.uses
    assert "sync" in r.reads
