"""Comparing many programs: the kernel is asked here, our verifier runs in processes.

A kernel in a VM serves one program after another, and so is asked from one place; what it
says goes with the program to a worker.  Only a few answers wait at a time, for logs are large.
"""

from __future__ import annotations

import functools
import multiprocessing
import signal
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from bpfsmt.agree.compare import Compared, compare, failed
from bpfsmt.errors import BpfsmtError, OracleError
from bpfsmt.kernel.oracle import LoadResult, Oracle
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, load_rules
from bpfsmt.verifier import verify

_AHEAD = 3
"""So many answers of the kernel wait for each worker."""

RECORDED = 50_000
"""Where the kernel walked more instructions, the states are not compared: they are too many."""

_TAIL = 1 << 16
"""So much is kept of the end of such a log, for the reason of a rejection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one program: exactly one of ``compared`` and ``error`` is set.

    ``log`` is the kernel's, ``bug`` the traceback where our verifier failed.
    """

    index: int
    compared: Compared | None = None
    error: str = ""
    log: str = ""
    bug: str = ""


def run(
    programs: Iterable[tuple[int, Program]], oracle: Oracle, rules: str, jobs: int
) -> Iterator[Answer]:
    """The answers as they come, each with the index that came with its program.

    A program that the kernel came to no verdict on is an ``error``.  When a worker dies
    (killed for its memory, say), what it was at is an ``error`` as well.
    """
    # Not "fork": the parent has threads.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bpfsmt.agree.pool"])
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare)
    waiting: dict[Future[Answer], int] = {}
    try:
        for index, program in programs:
            try:
                result = oracle.load(program)
            except OracleError as error:
                yield Answer(index, error=str(error))
                continue
            waiting[pool.submit(work, index, _shortened(result), rules)] = index
            while len(waiting) >= _AHEAD * jobs:
                yield from _finished(waiting)
        while waiting:
            yield from _finished(waiting)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()


def _shortened(result: LoadResult) -> LoadResult:
    """Without the states where there are too many."""
    return result if recorded(result) else replace(result, log=result.log[-_TAIL:])


def recorded(result: LoadResult) -> bool:
    """Whether the states are compared."""
    return (result.insns_processed or 0) <= RECORDED


def _finished(waiting: dict[Future[Answer], int]) -> Iterator[Answer]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        index = waiting.pop(future)
        try:
            yield future.result()
        except BrokenProcessPool:
            yield Answer(index, error="its process died")


def _prepare() -> None:
    """Leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@functools.lru_cache(maxsize=1)
def _rules(spec: str) -> RuleSet:
    return load_rules(spec)


def work(index: int, result: LoadResult, rules: str) -> Answer:
    """Verify one program and compare; an exception of ours is a disagreement."""
    start = time.perf_counter()
    try:
        analysis = verify(result.program, _rules(rules), record=recorded(result), forgetful=False)
        seconds = time.perf_counter() - start
        return Answer(index, compare(analysis, result, seconds=seconds), log=result.log)
    except BpfsmtError as error:
        return Answer(index, error=str(error), log=result.log)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        found = failed(result.program.name, why, result)
        return Answer(index, found, log=result.log, bug=traceback.format_exc())
