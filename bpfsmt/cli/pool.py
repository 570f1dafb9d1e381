"""Running jobs over processes: a worker that dies takes nobody's answer with it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from bpfsmt.cli.results import Result
from bpfsmt.cli.worker import Job, prepare, work

T = TypeVar("T")


def run_jobs(jobs: Sequence[Job], processes: int) -> Iterator[tuple[int, Result]]:
    """The results as they come, each with the index of its job.

    When a worker dies (killed for its memory, say) the whole pool breaks; what had no
    answer is run again, each job in a process of its own, so that only the one at fault
    is without: its answer is unknown.
    """
    broken: list[int] = []
    # The longest programs first, so that none of them is left for the end.
    order = sorted(range(len(jobs)), key=lambda index: -len(jobs[index].program))
    for index, result in _run(jobs, order, processes):
        if result is None:
            broken.append(index)
        else:
            yield index, result
    for index in sorted(broken):
        for _, result in _run(jobs, [index], 1):
            job = jobs[index]
            died = Result(job.file, job.program.name, unknown="its process died")
            yield index, result or died


def _run(
    jobs: Sequence[Job], indexes: Sequence[int], processes: int
) -> Iterator[tuple[int, Result | None]]:
    """The results as they come, `None` for a job whose pool broke."""
    # Not "fork": the parent has threads, and Z3's state should not be shared.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bpfsmt.cli.worker"])
    pool = ProcessPoolExecutor(
        min(processes, len(indexes)) or 1, mp_context=context, initializer=prepare
    )
    try:
        futures = {pool.submit(work, jobs[index]): index for index in indexes}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], None
    except BaseException:
        # Ctrl-C, or the reader gave up: do not wait for what may still run for minutes.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()
