"""What the checks follow: stores at open places, loops that are left, tail calls that succeed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from bpfsmt.crosscheck.concrete import check_trace
from bpfsmt.crosscheck.finding import Status
from bpfsmt.crosscheck.report import Report
from bpfsmt.crosscheck.run import check, crosscheck
from bpfsmt.domain import Reg, RegType
from bpfsmt.domain.scalar import UNKNOWN, const
from bpfsmt.machine import Environment, Inputs, run
from bpfsmt.program import Program, load_asm

SEVEN = Reg(RegType.SCALAR_VALUE, const(7))
INPUT = ".map input type=array key=4 value=8 entries=1 data=ffffffffffffffff\n"
SOMEWHERE = """
    r9 = map[input][0]
    r7 = *(u64 *)(r9 + 0)
    r7 &= 8
    *(u64 *)(r10 - 24) = 0
    *(u64 *)(r10 - 16) = 0
    *(u64 *)(r10 - 8) = r9
    r3 = r10
    r3 += -24
    r3 += r7
    *(u64 *)(r3 + 0) = r7
    r1 = *(u64 *)(r10 - 8)
    r0 = *(u8 *)(r1 + 0)
    r0 = 0
    exit
"""
ROUNDS = """
    r8 = map[input][0]
    r7 = 0
loop:
    may_goto out
    r1 = r8
    r1 += r7
    r0 = *(u8 *)(r1 + 0)
    r7 = 7
    if r0 == 42 goto loop
    r7 = 3
    goto loop
out:
    r0 = 0
    exit
"""
CALLED = """
.map jumps type=prog_array key=4 value=4 entries=1
    r6 = map[input][0]
    call inner
    if r0 != 0 goto never
    r0 = 0
    exit
never:
    r0 = *(u8 *)(r6 + 7)
    exit
.func inner
    r2 = map[jumps]
    r3 = 0
    call bpf_tail_call
    r0 = 0
    exit
"""


APART = """
.global f scalar
    r6 = map[input][0]
    r7 = *(u32 *)(r1 + 0)
    r1 = 3
    *(u64 *)(r10 - 8) = 5
    call f
    r0 &= 7
    r6 += r0
    r0 = *(u8 *)(r6 + 0)
    r0 = *(u64 *)(r10 - 8)
    exit
.func f
    *(u64 *)(r10 - 8) = r1
    r0 = r1
    exit
"""


def program(text: str) -> Program:
    return load_asm(INPUT + text, "reach")


def checked(text: str, rules: str) -> Report:
    return crosscheck(program(text), rules, precision_seconds=0.0)


def test_a_pointer_survives_a_store_elsewhere_on_the_stack() -> None:
    report = checked(SOMEWHERE, "linux-6.12")
    assert report.analysis.verdict.accepted
    assert (report.refuted, report.unknown) == ([], [])


def test_a_pointer_that_may_be_overwritten_is_none() -> None:
    report = checked(SOMEWHERE.replace("r3 += -24", "r3 += -16"), "linux-6.12")
    assert report.settlement == "true"


def test_a_loop_by_may_goto_is_proved_edge_by_edge() -> None:
    report = checked(ROUNDS, "linux-6.12")
    assert report.analysis.verdict.accepted
    assert (report.refuted, report.unknown) == ([], [])
    assert any(visit.pc == 3 for visit in report.analysis.visits)


RECORD = """
.map ring type=ringbuf key=0 value=0 entries=4096
    r1 = map[ring]
    r2 = 16
    r3 = 0
    call bpf_ringbuf_reserve
    if r0 == 0 goto out
    r6 = r0
    *(u64 *)(r0 + 8) = 1
    r7 = *(u64 *)(r0 + 8)
    r1 = r0
    r2 = 0
    call bpf_ringbuf_submit
out:
    r0 = 0
    exit
"""


def test_a_record_of_a_ring_buffer() -> None:
    report = checked(RECORD, "linux-6.12")
    assert report.analysis.verdict.accepted
    assert (report.refuted, report.unknown) == ([], [])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("*(u64 *)(r0 + 8) = 1", "*(u64 *)(r0 + 16) = 1"),  # behind its end
        ("if r0 == 0 goto out", "goto +0"),  # it may be NULL
        ("r1 = r0", "r0 += 8\n    r1 = r0"),  # given back by another address
        ("submit\n", "submit\n    r0 = *(u8 *)(r6 + 0)\n"),  # used when it is given back
    ],
)
def test_a_rejection_for_a_record_is_true(right: str, wrong: str) -> None:
    report = checked(RECORD.replace(right, wrong), "linux-6.12")
    assert report.settlement == "true"
    assert report.refuted == []


def test_a_tail_call_in_a_function_may_come_back_with_any_number() -> None:
    report = checked(CALLED, "linux-6.12")  # which holds that it gives 0
    assert report.analysis.verdict.accepted
    found = Counter(f.check for f in report.refuted)
    assert found["dead-arm"] == 1  # that it never comes back this way
    assert all(f.replayed for f in report.refuted if f.check in ("global", "unreachable"))
    assert found["unreachable"]
    later = checked(CALLED, "linux-6.18")
    assert later.analysis.verdict.accepted
    assert later.refuted == []
    assert later.count(Status.UNKNOWN) == 0


def test_the_trace_goes_on_behind_a_tail_call() -> None:
    other = load_asm("r0 = 4096\nexit", "other")
    env = Environment(programs={("jumps", 0): other})
    result = run(program(CALLED), Inputs(bytes(64)), env, trace=True)
    assert result.trace is not None
    assert [step.pc for step in result.trace.steps] == [0, 2, 8, 10, 11, 3, 6, 7]
    behind = next(s for s in result.trace.steps if s.pc == 3)
    assert behind.regs[0] == 4096
    assert behind.written & 1


def test_a_function_that_is_verified_apart() -> None:
    report = checked(APART, "linux-6.12")
    assert report.analysis.verdict.accepted
    assert (report.refuted, report.unknown) == ([], [])
    assert any(f.claim == "what the function is given" for f in report.findings)


def test_the_claims_of_a_function_that_is_verified_apart_hold_of_a_run() -> None:
    analysis = checked(APART, "linux-6.12").analysis
    trace = run(analysis.program, Inputs(bytes(64)), trace=True).trace
    assert trace is not None
    assert any(step.callsites for step in trace.steps)
    assert check_trace(analysis, trace) == []
    lie = [replace(v, state=v.state.with_reg(1, SEVEN)) if v.pc == 11 else v
           for v in analysis.visits]  # fmt: skip
    false = check_trace(replace(analysis, visits=lie), trace)
    assert [(v.pc, v.where) for v in false] == [(11, "R1")]


def test_what_is_given_to_a_function_that_is_verified_apart() -> None:
    """Its own walk takes it for any number: 7 is more than is so."""
    analysis = checked(APART, "linux-6.12").analysis
    lie = [replace(v, state=v.state.with_reg(1, SEVEN)) if v.pc == 11 else v
           for v in analysis.visits]  # fmt: skip
    refuted = check(replace(analysis, visits=lie), precision_seconds=0.0).refuted
    assert "what the function is given" in {f.claim for f in refuted}


def no_bytes(size: int) -> Program:
    """A sum of nothing: no memory, of ``size`` bytes."""
    return load_asm(f"""
        r1 = 0
        r2 = {size}
        r3 = 0
        r4 = 0
        r5 = 1
        call bpf_csum_diff
        r0 = 0
        exit
    """, "none")  # fmt: skip


def test_memory_that_may_be_none_is_not_touched_if_it_has_no_bytes() -> None:
    """Whatever number is in its place: a claim that forgets the zero is no fault."""
    analysis = crosscheck(no_bytes(0), "linux-6.12").analysis
    assert analysis.verdict.accepted
    call = analysis.visits[5]
    (frame,) = call.state.frames
    regs = (frame.regs[0], Reg(RegType.SCALAR_VALUE, UNKNOWN), *frame.regs[2:])
    state = call.state._replace(frames=(frame._replace(regs=regs),))
    forgotten = replace(call, state=state)
    visits = [*analysis.visits[:5], forgotten, *analysis.visits[6:]]
    report = check(replace(analysis, visits=visits))
    assert report.count(Status.PROVED) and not report.refuted and not report.unknown


def test_no_memory_has_no_bytes() -> None:
    """The walk refuses it, and the formula of the whole program finds the fault."""
    report = crosscheck(no_bytes(4), "linux-6.12")
    assert not report.analysis.verdict.accepted
    assert report.settlement == "true"
