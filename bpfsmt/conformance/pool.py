"""Tasks over processes, each on a CPU of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.sharedctypes import Synchronized

from bpfsmt.conformance.campaign import Tally, Task, work


def run_tasks(tasks: Sequence[Task], processes: int) -> Iterator[tuple[Task, Tally]]:
    """The tasks with their tallies as they come.

    Raises what a task raises; then, and on Ctrl-C, the other processes are ended.
    """
    if processes == 1 or len(tasks) <= 1:
        yield from ((task, work(task)) for task in tasks)
        return
    # Not "fork": the parent has threads.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bpfsmt.conformance.campaign"])
    numbers = context.Value("i", 0)
    pool = ProcessPoolExecutor(
        min(processes, len(tasks)), mp_context=context, initializer=_settle, initargs=(numbers,)
    )
    try:
        futures = {pool.submit(work, task): task for task in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()


def _settle(numbers: Synchronized[int]) -> None:
    """Take the next CPU: a case keeps to one, and not all to the same."""
    with numbers.get_lock():
        number = numbers.value
        numbers.value += 1
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpus[number % len(cpus)]})
