"""Work on a rule set in parallel: forked processes have the rule sets as they are."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

import z3

T = TypeVar("T")


def each(work: Callable[[Any], T], items: Sequence[Any], jobs: int | None) -> Iterator[T]:
    """``work`` of every item, as results come; in ``jobs`` processes, as many as cores if `None`.

    Results are sent between processes, items and what ``work`` holds are not.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(items))
    if jobs < 2:
        yield from map(work, items)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, context, _adopt, (work, items)) as pool:
        futures = [pool.submit(_one, i) for i in range(len(items))]
        try:
            yield from (f.result() for f in as_completed(futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


_ADOPTED: list[Any] = []


def _adopt(work: Any, items: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    z3.set_param("ctrl_c", False)
    _ADOPTED[:] = [work, items]


def _one(i: int) -> Any:
    work, items = _ADOPTED
    return work(items[i])
