"""Comparing many programs: the kernel is asked here, our verifier runs in processes.

A kernel in a VM serves one program after another, and so is asked from one place; what it
says goes with the program to a worker.  Only a few answers wait at a time, for logs are large.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess

from bpfsmt.agree.compare import Compared, compare, failed
from bpfsmt.agree.trace import has_btf_pointers
from bpfsmt.errors import BpfsmtError, OracleError
from bpfsmt.kernel.oracle import LoadResult, Oracle
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, load_rules
from bpfsmt.verifier import verify

_AHEAD = 3
"""So many answers of the kernel wait for each worker."""

DIED = "its process died"
"""The error of a program that a worker died of."""

Seen = Callable[[int, LoadResult], None]
"""Gets every answer of the kernel whole, when it comes."""

RECORDED = 50_000
"""Where the kernel walked more instructions, the states are not compared: they are too many."""

_LOG_BYTES = 1 << 25
"""Nor are they where its log is longer."""

_TAIL = 1 << 16
"""So much is kept of the end of such a log, for the reason of a rejection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one program: exactly one of ``compared`` and ``error`` is set.

    ``btf`` says that the kernel's log has pointers into its own structures, ``bug`` is the
    traceback where our verifier failed.
    """

    index: int
    compared: Compared | None = None
    error: str = ""
    btf: bool = False
    bug: str = ""


def run(
    programs: Iterable[tuple[int, Program]],
    oracle: Oracle,
    rules: str,
    jobs: int,
    seen: Seen = lambda index, result: None,
) -> Iterator[Answer]:
    """The answers as they come, each with the index that came with its program.

    A program that the kernel came to no verdict on is an ``error``.  When a worker dies
    (killed for its memory, say), what it was at is an ``error`` as well.  With one job all is
    done in this process.  ``seen`` is told what the kernel says.
    """
    if jobs > 1:
        yield from _spread(programs, oracle, rules, jobs, seen)
        return
    for index, program in programs:
        asked = _ask(index, program, oracle, seen)
        yield asked if isinstance(asked, Answer) else work(index, asked, rules)


def _ask(index: int, program: Program, oracle: Oracle, seen: Seen) -> LoadResult | Answer:
    """What the kernel says, or why it says nothing."""
    try:
        result = oracle.load(program, max_log=_LOG_BYTES)
    except OracleError as error:
        return Answer(index, error=str(error))
    seen(index, result)
    return _shortened(result)


Asked = tuple[int, LoadResult]


def _spread(
    programs: Iterable[tuple[int, Program]], oracle: Oracle, rules: str, jobs: int, seen: Seen
) -> Iterator[Answer]:
    """The answers of several processes."""
    pool, waiting = _pool(jobs), dict[Future[Answer], Asked]()
    try:
        for index, program in programs:
            asked = _ask(index, program, oracle, seen)
            if isinstance(asked, Answer):
                yield asked
                continue
            waiting[pool.submit(work, index, asked, rules)] = index, asked
            if len(waiting) < _AHEAD * jobs:
                continue
            yield from (answers := _finished(waiting, rules, 1))
            if any(answer.error == DIED for answer in answers):
                pool.shutdown(wait=False)
                pool = _pool(jobs)
        yield from _finished(waiting, rules, len(waiting))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()


def _pool(jobs: int) -> ProcessPoolExecutor:
    # Not "fork": the parent has threads.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bpfsmt.agree.pool"])
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare)


def _finished(waiting: dict[Future[Answer], Asked], rules: str, count: int) -> list[Answer]:
    """At least so many answers, taken from those that are waited for.

    A worker that dies breaks its whole pool.  Then each program that has no answer gets a
    process of its own, so that only the one at fault is without.
    """
    answers: list[Answer] = []
    while len(answers) < count and waiting:
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            if future in waiting and not isinstance(future.exception(), BrokenProcessPool):
                del waiting[future]
                answers.append(future.result())
            elif future in waiting:
                answers += [_alone(*asked, rules) for asked in waiting.values()]
                waiting.clear()
    return answers


def _alone(index: int, result: LoadResult, rules: str) -> Answer:
    """The answer of a process that does nothing else."""
    with _pool(1) as pool:
        try:
            return pool.submit(work, index, result, rules).result()
        except BrokenProcessPool:
            return Answer(index, error=DIED)


def _shortened(result: LoadResult) -> LoadResult:
    """Without the states where there are too many."""
    return result if recorded(result) else replace(result, log=result.log[-_TAIL:])


def recorded(result: LoadResult) -> bool:
    """Whether the states are compared."""
    return result.complete and (result.insns_processed or 0) <= RECORDED


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=[multiprocessing.parent_process()], daemon=True).start()


def _follow(parent: BaseProcess | None) -> None:
    if parent is not None:
        parent.join()
    os._exit(1)


@functools.lru_cache(maxsize=1)
def _rules(spec: str) -> RuleSet:
    return load_rules(spec)


def work(index: int, result: LoadResult, rules: str) -> Answer:
    """Verify one program and compare; an exception of ours is a disagreement."""
    start, btf = time.perf_counter(), has_btf_pointers(result.log)
    try:
        analysis = verify(result.program, _rules(rules), record=recorded(result), forgetful=False)
        seconds = time.perf_counter() - start
        return Answer(index, compare(analysis, result, seconds=seconds), btf=btf)
    except BpfsmtError as error:
        return Answer(index, error=str(error), btf=btf)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        found = failed(result.program.name, why, result)
        return Answer(index, found, btf=btf, bug=traceback.format_exc())
