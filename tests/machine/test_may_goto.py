"""``may_goto``: loops that end by themselves, in both engines and beside the running kernel."""

from __future__ import annotations

import pytest

from bpfsmt.conformance import Agreement, Case, check
from bpfsmt.kernel import available
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.machine import Environment, Inputs
from bpfsmt.machine.run import EngineName, run
from bpfsmt.program import Program
from bpfsmt.semantics.loops import MAY_GOTO_ROUNDS

from .programs import asm
from .test_engines import both

needs_kernel = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")

ENDLESS = """
    r0 = 0
next:
    may_goto out
    r0 += 1
    goto next
out:
    exit
"""

TWICE = """
    r0 = 0
first:
    may_goto second
    r0 += 1
    if r0 < {most} goto first
second:
    r0 <<= 8
third:
    may_goto out
    r0 += 1
    goto third
out:
    exit
"""
"""Two loops that share the rounds."""

CALLED = """
    call count
    r6 = r0
    call count
    r6 <<= 8
    r0 |= r6
more:
    may_goto out
    r0 += 0x10000
    goto more
out:
    exit
count:
    r0 = 0
next:
    may_goto back
    r0 += 1
    goto next
back:
    exit
"""

BACKWARDS = """
    r0 = 0
    goto start
left:
    exit
start:
    r0 += 1
    may_goto left
    goto start
"""

BOUNDED = """
    .type socket_filter
    r0 = 0
    r1 = 0
next:
    r1 += 1
    may_goto out
    r0 += r1
    if r1 < 1000 goto next
out:
    exit
"""
"""Ends before any kernel has had enough of it."""


def answer(program: Program | str, rounds: int) -> int | None:
    program = asm(program) if isinstance(program, str) else program
    (result,) = both(program, [Inputs()], make=lambda: Environment(rounds=rounds))
    return result.r0


@pytest.mark.parametrize("rounds", [0, 1, 2, 77])
def test_it_jumps_when_its_rounds_are_spent(rounds: int) -> None:
    assert answer(ENDLESS, rounds) == rounds
    assert answer(BACKWARDS, rounds) == rounds + 1


def test_all_of_a_function_share_the_rounds() -> None:
    assert answer(TWICE.format(most=3), 10) == 3 << 8 | 7
    assert answer(TWICE.format(most=50), 10) == 10 << 8


def test_every_call_has_its_own() -> None:
    assert answer(CALLED, 5) == 5 << 16 | 5 << 8 | 5


def test_a_tail_called_program_has_its_own() -> None:
    caller = asm("""
        .map t type=prog_array key=4 value=4 entries=1
            r6 = r1
        next:
            may_goto out
            goto next
        out:
            r1 = r6
            r2 = map[t]
            r3 = 0
            call bpf_tail_call
            r0 = 99
            exit
    """)
    called = asm(ENDLESS)

    def surroundings() -> Environment:
        return Environment(rounds=6, programs={("t", 0): called})

    (result,) = both(caller, [Inputs()], make=surroundings)
    assert result.r0 == 6


def test_the_rounds_are_those_of_linux() -> None:
    result = run(asm(ENDLESS), Inputs(), budget=1 << 28, engine="translate")
    assert (result.outcome, result.r0) == ("exit", MAY_GOTO_ROUNDS)
    assert MAY_GOTO_ROUNDS == 0x800000


@pytest.mark.parametrize("engine", ["interpret", "translate"])
def test_a_run_still_ends_with_its_budget(engine: EngineName) -> None:
    assert run(asm(ENDLESS), Inputs(), budget=1000, engine=engine).outcome == "budget"


def compared(rounds: int = MAY_GOTO_ROUNDS) -> Agreement:
    program = asm(BOUNDED)
    case = Case("files", "may_goto", program, (RunInput(bytes(64)),))
    return check(case, lambda cpu: Environment(cpu=cpu, rounds=rounds)).agreement


@needs_kernel
def test_the_running_kernel_gives_the_same() -> None:
    assert compared() is Agreement.SAME


@needs_kernel
def test_fewer_rounds_are_seen() -> None:
    assert compared(rounds=999) is Agreement.DIFFERENT
