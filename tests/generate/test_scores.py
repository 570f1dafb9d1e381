"""What programs are pushed towards: branches that tell something, narrow and loose claims."""

from __future__ import annotations

from bpfsmt.generate import guided_programs
from bpfsmt.generate.sample import drawn
from bpfsmt.generate.scores import looseness, refinements, scores, scoring
from bpfsmt.machine import Inputs, run
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

LINUX = rule_set("linux-6.12")
BRANCHES = """
    r0 = *(u32 *)(r1 + 12)
    if r0 > 100 goto +1
    if r0 > 7 goto +0
    if r0 == r0 goto +0
    exit
"""


def test_branches_that_tell_something_are_counted() -> None:
    assert refinements(verify(load_asm(BRANCHES, "p"), LINUX, forgetful=False)) == 4


def test_loose_claims_are_those_that_runs_do_not_fill() -> None:
    program = load_asm("r0 = *(u32 *)(r1 + 12)\nr0 &= 255\nr0 += 0\nexit", "p")
    analysis = verify(program, LINUX, forgetful=False)
    traces = []
    for index in (1, 1 << 31, 254):
        result = run(program, Inputs(ctx={"ingress_ifindex": index}), trace=True)
        assert result.trace is not None
        traces.append(result.trace)
    tight, loose = looseness(analysis, traces), looseness(analysis, traces[:1])
    assert 0 <= tight < loose
    assert looseness(analysis, []) == 0


def test_a_rejected_program_scores_nothing() -> None:
    analysis = verify(load_asm("exit", "p"), LINUX)
    assert set(scores(analysis).values()) == {0.0}


def test_the_push_is_deterministic() -> None:
    strategy, score = guided_programs(LINUX, ["alu", "branches"], max_insns=24), scoring(LINUX)
    once, again = (drawn(strategy, 1, 30, score=score) for _ in range(2))
    assert once == again
