"""Generated programs: every claim holds, and every planted bug is found and shrunk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from bpfsmt.crosscheck.concrete import check_trace
from bpfsmt.crosscheck.finding import Status
from bpfsmt.crosscheck.inductive import Inductive
from bpfsmt.crosscheck.run import crosscheck
from bpfsmt.domain.analysis import Outcome
from bpfsmt.generate import minimise, programs, scalar_programs
from bpfsmt.generate.steady import steady
from bpfsmt.isa import listing
from bpfsmt.machine import Inputs, run
from bpfsmt.program.program import Program
from bpfsmt.prover import Solver
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.verifier import verify

from .planted import PLANTED

QUIET = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    max_examples=25,
)
PAPER = rule_set("xdp-paper")
PACKETS = [bytes(14), bytes(range(64)), b"\xff" * 90]


@pytest.fixture(autouse=True)
def _whatever_is_loaded() -> Iterator[None]:
    """The same programs in every run."""
    with steady():
        yield


def accepted_but_wrong(program: Program, rules: RuleSet) -> bool:
    """The program is accepted although a step of its analysis is refuted (the quickest check).

    What the right rules claim, too, need not be asked.
    """
    analysis = verify(program, rules)
    if not analysis.verdict.accepted or analysis.visits == verify(program, PAPER).visits:
        return False
    return any(f.status is Status.REFUTED for f in Inductive(analysis, Solver()).run())


def no_claim_fails(program: Program, rules: RuleSet) -> None:
    report = crosscheck(program, rules, precision_seconds=0)
    assert not report.refuted, report.refuted
    assert not report.unknown, report.unknown


@QUIET
@given(scalar_programs())
def test_scalar_programs(program: Program) -> None:
    no_claim_fails(program, rule_set("xdp-paper"))


@settings(QUIET, max_examples=25)
@given(programs())
def test_programs(program: Program) -> None:
    no_claim_fails(program, rule_set("xdp-paper"))


@settings(QUIET, max_examples=150)
@given(programs())
def test_concrete_runs_stay_inside_the_claims(program: Program) -> None:
    analysis = verify(program, rule_set("xdp-paper"))
    if analysis.verdict.outcome is not Outcome.ACCEPT:
        return
    for packet in PACKETS:
        result = run(program, Inputs(packet, {"ingress_ifindex": 2**32 - 1}), trace=True)
        assert result.outcome == "exit", result.fault
        assert result.trace is not None
        assert check_trace(analysis, result.trace) == []


def test_most_generated_programs_are_accepted() -> None:
    accepted = []

    @settings(QUIET, max_examples=200)
    @given(programs())
    def count(program: Program) -> None:
        outcome = verify(program, rule_set("xdp-paper")).verdict.outcome
        accepted.append(outcome is Outcome.ACCEPT)

    count()
    assert sum(accepted) / len(accepted) > 0.7


SLOW = {"planted-alu64_rsh", "planted-refine64_ult"}


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(r, id=r.name, marks=[pytest.mark.slow] if r.name in SLOW else [])
        for r in PLANTED
    ],
)
def test_a_planted_bug_is_found_and_shrunk(rules: RuleSet) -> None:
    def is_refuted(program: Program) -> bool:
        if not accepted_but_wrong(program, rules):
            return False
        return any(f.replayed for f in crosscheck(program, rules, precision_seconds=0).refuted)

    search = settings(QUIET, max_examples=1500, phases=[Phase.generate, Phase.shrink])
    try:
        smallest = find(scalar_programs(max_ops=5), is_refuted, settings=search)
    except NoSuchExample:
        pytest.fail(f"{rules.name} was not found")
    smallest = minimise(smallest, is_refuted)
    assert len(list(smallest.instructions())) <= 6, listing(smallest.slots)
    # What is left needs the planted rule: with the right one nothing is refuted.
    assert not crosscheck(smallest, "xdp-paper", precision_seconds=0).refuted
