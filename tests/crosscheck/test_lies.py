"""A producer's analysis, edited so that it lies: the inductive check must notice."""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.crosscheck.finding import Status
from bpfsmt.crosscheck.inductive import Inductive
from bpfsmt.domain.analysis import Analysis, DeadArm
from bpfsmt.program import load_asm
from bpfsmt.prover import Solver
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

TEXT = "r2 = *(u32 *)(r1 +12)\nif r2 > 10 goto +1\nr2 += 1\nr0 = r2\nexit"


def honest() -> Analysis:
    analysis = verify(load_asm(TEXT, "t"), rule_set("xdp-paper"))
    assert analysis.verdict.accepted
    return analysis


def statuses(analysis: Analysis) -> set[Status]:
    return {f.status for f in Inductive(analysis, Solver()).run()}


def test_the_honest_one_is_proved() -> None:
    assert statuses(honest()) == {Status.PROVED}


def test_a_visit_tighter_than_its_edge() -> None:
    analysis = honest()
    visit = next(v for v in analysis.visits if v.pc == 2)
    reg = visit.state.regs[2]
    tighter = reg._replace(scalar=reg.scalar._replace(umax=reg.scalar.umax - 1))
    analysis.visits[visit.index] = replace(visit, state=visit.state.with_reg(2, tighter))
    assert Status.REFUTED in statuses(analysis)


def test_an_edge_to_the_wrong_place() -> None:
    analysis = honest()
    edge = next(e for e in analysis.edges if e.kind == "taken")
    analysis.edges[analysis.edges.index(edge)] = replace(edge, pc=edge.pc + 1)
    assert Status.REFUTED in statuses(analysis)


def test_a_live_arm_called_dead() -> None:
    analysis = honest()
    edge = next(e for e in analysis.edges if e.kind == "taken")
    analysis.edges.remove(edge)
    analysis.dead.append(DeadArm(edge.src, edge.pc, edge.kind))
    assert Status.REFUTED in statuses(analysis)


def test_acceptance_without_claims_is_unknown() -> None:
    analysis = honest()
    assert statuses(Analysis(analysis.program, "nobody", analysis.verdict)) == {Status.UNKNOWN}
