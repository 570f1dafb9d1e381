"""Cases and files to rows: timed in the kernel and in the machine, which must agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bpfsmt.bench.cases import Case
from bpfsmt.bench.compiled import Compiled
from bpfsmt.bench.interpreted import Interpreted, varied
from bpfsmt.bench.rows import Row
from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Inputs
from bpfsmt.machine.actions import action_name
from bpfsmt.program import Program, ProgramType, load

CTX = {"ingress_ifindex": 1}
"""Frames come in by the loopback interface, as those of a test run do."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How often and for how long (seconds) each number is measured, and where."""

    runs: int = 7
    seconds: float = 0.05
    kernel: bool = True
    machine: bool = True


def measure_case(case: Case, size: int, programs: Path, effort: Effort) -> Row:
    """One use case with ``size`` entries in its table.

    What goes wrong is the row's ``problem``.  Raises `LoadError` if the program is not in
    that folder.
    """
    (program,) = load(programs / f"{case.program}.o").programs
    contents, vary = case.contents(size), case.vary(size)
    row = Row(case.name, size, case.what, action_name(ProgramType.XDP, case.action))

    def compiled() -> Compiled:
        return Compiled(program, case.frame, ctx=CTX, maps=contents, vary=vary, fresh=case.fresh)

    inputs = varied(case.frame, vary, CTX)
    return _measured(row, compiled, lambda: Interpreted(program, inputs, maps=contents),
                     case.action, effort)  # fmt: skip


def measure_program(program: Program, frame: bytes, effort: Effort) -> Row:
    """A program with empty maps on one frame, the same again and again."""
    xdp = program.type is ProgramType.XDP
    ctx = CTX if xdp else {}
    behind = program.type in (ProgramType.SOCKET_FILTER, ProgramType.CGROUP_SKB)
    link = frame[:14] if behind else b""
    machine = Interpreted(program, [Inputs(frame[len(link) :], ctx, link=link)])
    try:
        answer = machine.answer()
    except BpfsmtError as error:
        return Row(program.name, problem=str(error))
    row = Row(program.name, action=action_name(program.type, answer))
    return _measured(
        row, lambda: Compiled(program, frame, ctx=ctx, fresh=xdp), lambda: machine, answer, effort
    )


def _measured(
    row: Row,
    compiled: Callable[[], Compiled],
    interpreted: Callable[[], Interpreted],
    action: int,
    effort: Effort,
) -> Row:
    """The row with its numbers; both sides must give the expected answer, again and again."""
    if effort.kernel:
        try:
            with compiled() as kernel:
                _expect("the kernel", kernel.answer(), action)
                whole, more = kernel.measure(effort.runs, effort.seconds)
                _expect("the kernel, after all repetitions,", kernel.last, action)
            row = replace(row, kernel=whole, program=more)
        except BpfsmtError as error:
            row = _with_problem(row, error)
    if effort.machine:
        try:
            machine = interpreted()
            _expect("the machine", machine.answer(), action)
            spread, instructions = machine.measure(effort.runs, effort.seconds)
            row = replace(row, machine=spread, instructions=instructions)
        except BpfsmtError as error:
            row = _with_problem(row, error)
    return row


class WrongAnswerError(BpfsmtError):
    """A measured program answered something else than it must."""


def _expect(who: str, answer: int, action: int) -> None:
    if answer != action:
        raise WrongAnswerError(f"{who} answers {answer}, not {action}")


def _with_problem(row: Row, error: BpfsmtError) -> Row:
    problem = "; ".join(filter(None, (row.problem, str(error))))
    wrong = row.wrong or isinstance(error, WrongAnswerError)
    return replace(row, problem=problem, wrong=wrong)


def sizes_of(case: Case, wanted: Sequence[int]) -> Sequence[int]:
    """The sizes of a case, or those that are wanted where it has tables that grow."""
    return wanted if wanted and len(case.sizes) > 1 else case.sizes
