"""Measuring: both sides answer what they must, and wrong answers do not count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bpfsmt.bench.cases import Case, cases
from bpfsmt.bench.compiled import Compiled
from bpfsmt.bench.interpreted import Interpreted, varied
from bpfsmt.bench.measure import CTX, Effort, measure_case, measure_program
from bpfsmt.bench.prelude import Vary
from bpfsmt.bench.rows import Row
from bpfsmt.bench.spread import Spread
from bpfsmt.errors import OracleError
from bpfsmt.kernel import available
from bpfsmt.machine import Inputs
from bpfsmt.program import load, load_asm

PROGRAMS = Path(__file__).parents[2] / "bench_programs" / "xdp"
CASES = {case.name: case for case in cases()}
QUICK = Effort(runs=2, seconds=0.002)
needs_kernel = pytest.mark.skipif(available() is not None, reason=str(available()))


def test_a_spread() -> None:
    spread = Spread.of([30.0, 10.0, 20.0, 40.0])
    assert (spread.median, spread.least, spread.most) == (25.0, 10.0, 40.0)
    assert spread.to_json()["runs"] == [30.0, 10.0, 20.0, 40.0]
    assert Spread.of([0.0]).per_second().values == (float("inf"),)


@pytest.mark.parametrize("name", CASES)
def test_the_machine_answers_what_each_case_wants(name: str) -> None:
    case = CASES[name]
    (program,) = load(PROGRAMS / f"{case.program}.o").programs
    for size in (case.sizes[0], min(case.sizes[-1], 300)):
        inputs = varied(case.frame, case.vary(size), CTX)
        machine = Interpreted(program, inputs, maps=case.contents(size))
        answers = {machine.answer(number) for number in range(min(len(inputs), 40))}
        assert answers == {case.action}


@needs_kernel
@pytest.mark.parametrize("name", CASES)
def test_the_kernel_answers_the_same_however_often(name: str) -> None:
    case = CASES[name]
    row = measure_case(case, min(case.sizes), PROGRAMS, replace(QUICK, machine=False))
    assert (row.problem, row.wrong) == ("", False)
    assert row.kernel is not None
    assert 1 < row.kernel.median < 100_000


@needs_kernel
def test_without_a_fresh_packet_the_number_is_another_program_s() -> None:
    """What a balancer has wrapped is not for the service any more: found, not measured."""
    stale = replace(CASES["lb-encap"], fresh=False, vary=lambda size: None)
    row = measure_case(stale, 1, PROGRAMS, replace(QUICK, machine=False))
    assert row.wrong
    assert row.kernel is None
    assert row.problem == "the kernel, after all repetitions, answers 2, not 3"


def test_a_wrong_answer_is_found() -> None:
    wrong = replace(CASES["drop"], action=2)
    row = measure_case(wrong, 0, PROGRAMS, replace(QUICK, kernel=False))
    assert (row.wrong, row.machine) == (True, None)
    assert row.problem == "the machine answers 1, not 2"


def test_measured_in_the_machine() -> None:
    row = measure_case(CASES["l3fwd"], 100, PROGRAMS, replace(QUICK, kernel=False))
    assert row.machine is not None
    assert row.kernel is None
    assert row.instructions == 62
    assert len(row.machine.values) == 2
    assert row.machine_speed == pytest.approx(62e9 / row.machine.median)
    assert row.to_json()["machine_pps"]["median"] == pytest.approx(1e9 / row.machine.median, rel=1)
    assert row.label == "l3fwd 100"


def test_any_program() -> None:
    program = load_asm("r0 = *(u32 *)(r1 + 0)\nexit", "x")  # a pointer: no action has that number
    row = measure_program(program, bytes(60), replace(QUICK, kernel=False))
    assert (row.problem, row.instructions, row.action) == ("", 2, "XDP_ABORTED")


def test_a_program_that_does_not_run() -> None:
    row = measure_program(load_asm("r0 = *(u8 *)(r0 + 0)\nexit", "wild"), bytes(60), QUICK)
    assert row == Row("wild", problem=row.problem)
    assert row.problem.startswith("wild: pc 0: read of 1 bytes")


def test_instructions_are_an_average() -> None:
    text = "r0 = *(u32 *)(r1 + 16)\nif r0 == 0 goto +1\nr0 = 0\nexit"
    inputs = [Inputs(bytes(60), {"rx_queue_index": n}) for n in (0, 5, 0, 6)]
    spread, instructions = Interpreted(load_asm(text, "x"), inputs).measure(3, 0.001)
    assert instructions == 3.5
    assert len(spread.values) == 3


def test_frames_vary() -> None:
    vary = Vary(26, 0x0A000000, 7)
    frames = {each.packet for each in varied(bytes(60), vary, {})}
    assert frames == {vary.apply(bytes(60), n) for n in range(7)}
    assert len(varied(bytes(60), None, {})) == 1


@needs_kernel
def test_what_the_kernel_refuses() -> None:
    with pytest.raises(OracleError, match="wild: the kernel does not accept it: Permission denied"):
        Compiled(load_asm("r0 = *(u8 *)(r0 + 0)\nexit", "wild"), bytes(60))
    with (
        Compiled(load_asm("r0 = 1\nexit", "x"), bytes(3)) as short,
        pytest.raises(OracleError, match=r"x: no test run: Invalid argument \(EINVAL\)"),
    ):
        short.answer()


def test_every_case_has_its_program() -> None:
    for case in CASES.values():
        assert isinstance(case, Case)
        assert (PROGRAMS / f"{case.program}.o").is_file()
