"""Tests that expect a return value, run: in the kernel, and on our machine."""

from __future__ import annotations

from dataclasses import dataclass

from bpfsmt.conformance.ours import Bench
from bpfsmt.errors import BpfsmtError, OracleError
from bpfsmt.kernel.oracle import Oracle, RunInput
from bpfsmt.kernel.syscall import describe_errno
from bpfsmt.machine import Environment
from bpfsmt.program.program import Program

_PACKET = bytes(64)
"""What the selftests' own runner gives a program to run on."""

_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of one test's run; return values are of 32 bits, without sign.

    A side that gave none has `None`, and why in ``problems``.
    """

    expected: int
    kernel: int | None = None
    ours: int | None = None
    problems: tuple[str, ...] = ()


def run_test(program: Program, expected: int, oracle: Oracle) -> Ran:
    """Run a program that the kernel accepts."""
    problems: list[str] = []
    kernel = ours = None
    try:
        (result,) = oracle.run(program, [RunInput(_PACKET)])
        if result.errno:
            problems.append(f"the kernel does not run it: {describe_errno(result.errno)}")
        else:
            kernel = result.retval & _MASK
    except OracleError as error:
        problems.append(str(error))
    try:
        here = Bench(program, Environment(), "interpret").run(RunInput(_PACKET), contents=False)
        if here.problem:
            problems.append(f"on our machine: {here.problem}")
        else:
            ours = here.retval
    except BpfsmtError as error:
        problems.append(f"on our machine: {error}")
    return Ran(expected & _MASK, kernel, ours, tuple(problems))
