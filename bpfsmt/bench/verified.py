"""How fast programs are verified: here, and in the running kernel, which must decide the same.

Times are CPU time of this thread, so that other processes of the machine count little.
"""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass
from typing import Any

from bpfsmt.bench.spread import Spread
from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.errors import BpfsmtError
from bpfsmt.kernel.load import LOG_STATS, load_program
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.program import Program
from bpfsmt.rules import RuleSet
from bpfsmt.verifier import verify

_SOON = 10.0
"""Seconds after which a program is not verified once more."""


@dataclass(frozen=True, slots=True)
class Verified:
    """One program; times are milliseconds, of the kernel what its verifier says it took.

    ``first`` is the time of the first run, when the rules know no answer by heart; ``walked``
    and ``processed`` count the instructions that were walked here and in the kernel, ``peak``
    the bytes that were in use at once during a walk of its own.  What was not measured is
    `None`, and ``problem`` says why; ``wrong`` if the kernel decides otherwise.
    """

    name: str
    length: int
    verdict: str = ""
    walked: int = 0
    first: float | None = None
    ours: Spread | None = None
    processed: int | None = None
    kernel: Spread | None = None
    peak: int | None = None
    problem: str = ""
    wrong: bool = False

    @property
    def speed(self) -> float | None:
        """Instructions that are walked here in a second."""
        return None if self.ours is None else self.walked * 1e3 / self.ours.median

    @property
    def kernel_speed(self) -> float | None:
        """The same of the kernel; `None` too where its clock (microseconds) shows 0."""
        if self.kernel is None or self.processed is None or not self.kernel.median:
            return None
        return self.processed * 1e3 / self.kernel.median

    @property
    def times_slower(self) -> float | None:
        """How many times the kernel's time is ours."""
        if self.ours is None or self.kernel is None or not self.kernel.median:
            return None
        return self.ours.median / self.kernel.median

    def to_json(self) -> dict[str, Any]:
        """Everything, times in milliseconds and memory in bytes."""
        return {
            "name": self.name,
            "length": self.length,
            "verdict": self.verdict,
            "walked": self.walked,
            "first_ms": self.first,
            "ms": None if self.ours is None else self.ours.to_json(),
            "walked_per_second": self.speed,
            "peak_bytes": self.peak,
            "kernel_processed": self.processed,
            "kernel_ms": None if self.kernel is None else self.kernel.to_json(),
            "kernel_per_second": self.kernel_speed,
            "times_slower": self.times_slower,
            "problem": self.problem,
            "wrong": self.wrong,
        }


def measure_verification(
    program: Program, rules: RuleSet, runs: int, *, kernel: bool = True, memory: bool = True
) -> Verified:
    """Verify a program ``runs`` times here and in the kernel, without keeping any states.

    What goes wrong is the row's ``problem``.
    """
    spent: list[float] = []
    try:
        analysis = _timed(program, rules, spent)
        while len(spent) < runs and sum(spent) < _SOON * 1e3:
            analysis = _timed(program, rules, spent)
    except BpfsmtError as error:
        return Verified(program.name, len(program), problem=str(error))
    results, problem = _ask(program, runs) if kernel else ([], "")
    said = results[0] if results else None
    if said is not None and not problem:
        problem = _difference(analysis, said)
    micros = [r.stats.microseconds for r in results if r.stats is not None]
    kernel_ms = [us / 1e3 for us in micros if us is not None]
    return Verified(
        program.name,
        len(program),
        analysis.verdict.outcome.value,
        analysis.walked,
        spent[0],
        Spread.of(spent),
        None if said is None else said.insns_processed,
        Spread.of(kernel_ms) if kernel_ms else None,
        peak(program, rules) if memory else None,
        problem or _unsupported(analysis),
        said is not None and _outcome(analysis) not in (None, said.accepted),
    )


def _timed(program: Program, rules: RuleSet, spent: list[float]) -> Analysis:
    begin = time.thread_time_ns()
    analysis = verify(program, rules, record=False)
    spent.append((time.thread_time_ns() - begin) / 1e6)
    return analysis


def peak(program: Program, rules: RuleSet, *, record: bool = False) -> int:
    """Bytes in use at once during a walk, beyond those before it."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        verify(program, rules, record=record, forgetful=False)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _ask(program: Program, runs: int) -> tuple[list[LoadResult], str]:
    """What the kernel says, each time, and what went wrong."""
    results: list[LoadResult] = []
    try:
        for _ in range(runs):
            with load_program(program, log_level=LOG_STATS) as loaded:
                results.append(loaded.result)
    except BpfsmtError as error:
        return results, str(error)
    return results, ""


def _outcome(analysis: Analysis) -> bool | None:
    """Whether the program is accepted; `None` if it is not supported."""
    outcome = analysis.verdict.outcome
    return None if outcome is Outcome.UNSUPPORTED else outcome is Outcome.ACCEPT


def _unsupported(analysis: Analysis) -> str:
    return analysis.verdict.message if _outcome(analysis) is None else ""


def _difference(analysis: Analysis, said: LoadResult) -> str:
    if _outcome(analysis) in (None, said.accepted):
        return ""
    kernel = "accepts" if said.accepted else "rejects"
    return f"the kernel {kernel}, our verdict is {analysis.verdict.outcome.value}"
