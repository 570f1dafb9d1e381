"""Tail calls in functions: what each release makes of one that succeeds.

As Linux 6.12.117 and 6.18.44 answered: the first accepts all three, the second the last one.
"""

from __future__ import annotations

import pytest

from .common import LATER, LINUX, accepted, run

INNER = """
.func inner
    r2 = map[progs]
    r3 = 0
    call bpf_tail_call
    r0 = 0
    exit
"""
RESULT = f"""
    r6 = map[config][0]
    call inner
    if r0 == 0 goto out
    r0 = *(u8 *)(r6 + 16)           ; behind its end
out:
    r0 = 0
    exit
{INNER}"""
PACKET = """
    r7 = *(u32 *)(r1 + 0)
    r8 = *(u32 *)(r1 + 4)
    r2 = r7
    r2 += 40
    if r2 > r8 goto out
    {}
    r0 = *(u8 *)(r7 + 39)
out:
    r0 = 0
    exit
"""
FAILED = PACKET.format("r2 = map[progs]\n    r3 = 0\n    call bpf_tail_call")


def test_what_the_other_program_returns() -> None:
    analysis = accepted(RESULT, rules=LINUX)
    assert len(analysis.dead) == 1  # the load is never reached
    assert not run(RESULT, rules=LATER).verdict.accepted


@pytest.mark.parametrize("rules", [LINUX, LATER])
def test_packet_pointers_are_stale_behind_the_function(rules: object) -> None:
    verdict = run(PACKET.format("call inner") + INNER, rules=rules).verdict  # type: ignore[arg-type]
    assert verdict.message == "R7 invalid mem access 'scalar'"


def test_packet_pointers_behind_a_tail_call_that_failed() -> None:
    accepted(FAILED, rules=LATER)
    assert run(FAILED, rules=LINUX).verdict.message == "R7 invalid mem access 'scalar'"


def test_what_matters_is_looked_for_through_a_tail_call() -> None:
    """r6 is saved over the call, and matters behind it: it is looked for in the right frame."""
    text = f"""
    r9 = map[config][0]
    r6 = 7
    call inner
    r1 = r10
    r1 += -16
    r1 += r6
    *(u8 *)(r1 + 0) = 0
    r0 = 0
    exit
{INNER}"""
    analysis = accepted(text, rules=LATER)
    behind = next(v for v in analysis.visits if v.pc == 4)
    assert behind.state.regs[6].is_const
    assert behind.state.regs[6].const_value == 7
