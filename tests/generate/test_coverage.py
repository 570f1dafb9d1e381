"""What programs reach is counted: rules, both outcomes of conditions, instructions, states."""

from __future__ import annotations

import pytest

from bpfsmt.bits import replace, rule
from bpfsmt.domain import Scalar, Tnum
from bpfsmt.generate import guided_sample, scalar_programs
from bpfsmt.generate.coverage import Coverage
from bpfsmt.generate.kinds import every_kind
from bpfsmt.generate.sample import sample
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.rules.counting import counting
from bpfsmt.verifier import verify

LINUX = rule_set("linux-6.12")


@rule
def alu64_mul(a: Scalar, b: Scalar) -> Scalar:
    """Planted: a branch that no value ever takes, and no other rule is asked."""
    if a.umin > a.umax:
        return replace(a, umin=b.umin)
    return a


def covered(*texts: str, rules: str = "linux-6.12") -> Coverage:
    coverage = Coverage(rule_set(rules))
    for n, text in enumerate(texts):
        coverage.add(load_asm(text, f"p{n}"))
    return coverage


def test_the_rules_that_ran_are_counted() -> None:
    coverage = covered("r0 = *(u32 *)(r1 + 12)\nr0 += 1\nr0 += 2\nexit")
    assert coverage.counts.calls["alu64_add"] == 2
    assert "alu64_mul" in coverage.idle_rules()


def test_a_branch_that_is_never_taken_is_reported() -> None:
    rules = LINUX.derive("planted", alu64_mul)
    coverage = Coverage(rules)
    coverage.add(load_asm("r0 = *(u32 *)(r1 + 12)\nr2 = r0\nr0 *= r2\nexit", "p"))
    mine = [
        (c.text, outcome) for c, outcome in coverage.missing_outcomes() if c.rule == "alu64_mul"
    ]
    assert mine == [("a.umin > a.umax", True)]
    text = alu64_mul.source
    (line,) = {c.line for c, _ in coverage.missing_outcomes() if c.rule == "alu64_mul"}
    assert "if a.umin > a.umax" in text.text.splitlines()[line - text.line]


def test_a_rule_that_is_no_longer_asked_shows_zero() -> None:
    program = load_asm("r0 = *(u32 *)(r1 + 12)\nr2 = r0\nr0 *= r2\nexit", "p")
    calls = []
    for rules in (LINUX, LINUX.derive("planted", alu64_mul)):
        coverage = Coverage(rules)
        coverage.add(program)
        calls.append((coverage.counts.calls["alu64_mul"], coverage.counts.calls["tnum_mul"]))
    assert calls == [(1, 1), (1, 0)]


def test_and_or_not_are_counted_part_by_part() -> None:
    _, counts = counting(LINUX)
    contains = counts["tnum_in"]
    assert contains(Tnum(0, 0), Tnum(1, 0)) is False
    outcomes = {
        c.text: tuple(counts.outcomes[2 * n : 2 * n + 2])
        for n, c in enumerate(counts.conditions)
        if c.rule == "tnum_in"
    }
    assert outcomes == {"b.mask & ~a.mask == 0": (0, 1), "b.value & ~a.mask == a.value": (1, 0)}


@pytest.mark.parametrize("name", ["xdp-paper", "linux-6.12", "linux-6.18"])
def test_counting_changes_nothing_else(name: str) -> None:
    rules = rule_set(name)
    slow, _ = counting(rules)
    for program in guided_sample(rules, 5, 4):
        plain, counted = (verify(program, r) for r in (rules, slow))
        assert plain == counted
    assert slow.fingerprint == rules.fingerprint


def test_nothing_is_counted_where_nobody_asked() -> None:
    _, counts = counting(LINUX)
    verify(load_asm("r0 = *(u32 *)(r1 + 12)\nr0 += 1\nexit", "p"), LINUX)
    assert not any(counts.calls.values())


def test_kinds_of_instructions() -> None:
    coverage = covered("r0 = 2\nw0 s/= 3\nexit")
    assert coverage.kinds == {"mov 64 imm": 1, "sdiv 32 imm": 1, "exit": 1}
    assert len(coverage.missing_kinds()) == len(every_kind()) - 3


def test_verdicts_and_states() -> None:
    coverage = covered("r0 = 2\nexit", "r0 = 2\nexit", "exit")
    assert (coverage.programs, coverage.verdicts["accept"]) == (3, 2)
    assert coverage.reasons == {"uninitialized-register": 1}
    assert len(coverage.states) == 2  # before and after r0 = 2, whatever the program
    assert coverage.per_thousand[0] == pytest.approx(2000 / 3)


def test_guided_programs_reach_more() -> None:
    guided, scalar = Coverage(LINUX), Coverage(LINUX)
    for program in guided_sample(LINUX, 15, 1):
        guided.add(program)
    for program in sample(scalar_programs(), 15, 1):
        scalar.add(program)
    for name, (reached, _) in guided.shares().items():
        assert reached > scalar.shares()[name][0], name
