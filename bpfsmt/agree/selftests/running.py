"""Tests that expect a return value, run: in the kernel, and on our machine."""

from __future__ import annotations

from dataclasses import dataclass

from bpfsmt.conformance.ours import Bench, Ours
from bpfsmt.errors import BpfsmtError, OracleError, UnsupportedError
from bpfsmt.kernel.oracle import Oracle, RunInput
from bpfsmt.kernel.syscall import describe_errno
from bpfsmt.machine import Environment
from bpfsmt.machine.run import EngineName
from bpfsmt.program.program import Program

_INPUT = RunInput(bytes(64))
"""What the selftests' own runner gives a program to run on."""

_MASK = 0xFFFFFFFF

_TRIES: tuple[tuple[EngineName, int], ...] = (("interpret", 1_000_000), ("translate", 1 << 28))
"""Engine and instructions: what the reference does not end is run by the fast engine, until
any loop by ``may_goto`` has ended."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of one test's run; return values are of 32 bits, without sign.

    A side that gave none has `None`, and why in ``problems``; where our machine gave none because
    it does not model something, ``not_modelled`` says what.
    """

    expected: int
    kernel: int | None = None
    ours: int | None = None
    problems: tuple[str, ...] = ()
    not_modelled: str = ""


def run_test(program: Program, expected: int, oracle: Oracle) -> Ran:
    """Run a program that the kernel accepts."""
    problems: list[str] = []
    kernel = ours = None
    not_modelled = ""
    try:
        (result,) = oracle.run(program, [_INPUT])
        if result.errno:
            problems.append(f"the kernel does not run it: {describe_errno(result.errno)}")
        else:
            kernel = result.retval & _MASK
    except OracleError as error:
        problems.append(str(error))
    try:
        here = _run_here(program)
        not_modelled = _missing(here)
        if not here.problem:
            ours = here.retval
        elif not not_modelled:
            problems.append(f"on our machine: {here.problem}")
    except UnsupportedError as error:
        not_modelled = str(error).removesuffix(" is not modelled").removesuffix(" are not modelled")
    except BpfsmtError as error:
        problems.append(f"on our machine: {error}")
    return Ran(expected & _MASK, kernel, ours, tuple(problems), not_modelled)


def _missing(here: Ours) -> str:
    """What it is that our machine does not have, if that is why there is no value."""
    if here.fault is not None and (here.fault.kind, here.fault.what) == ("map", "read"):
        return "the kernel's own structure of a map"  # of which its BTF tells what may be read
    return here.problem if here.spent else ""


def _run_here(program: Program) -> Ours:
    for engine, budget in _TRIES:
        found = Bench(program, Environment(), engine, budget).run(_INPUT, contents=False)
        if not found.spent:
            break
    return found
