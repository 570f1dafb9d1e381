"""Work on many items in several processes: one that dies takes nobody else's answer with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

R = TypeVar("R")
Item = tuple[Any, ...]
"""The arguments of one call; they are sent to another process, and so is what comes back."""

_AHEAD = 3
"""So many items wait for each worker: they may be large."""


def spread(
    items: Iterable[Item], work: Callable[..., R], died: Callable[..., R], jobs: int
) -> Iterator[R]:
    """``work(*item)`` for each, as the answers come; items are taken only as they are needed.

    For the item that a worker died of (killed for its memory, say), ``died(*item)``.  With
    one job all is done in this process.
    """
    if jobs <= 1:
        for item in items:
            yield work(*item)
        return
    workers = _Workers(work, died, jobs)
    try:
        for item in items:
            workers.give(item)
            if len(workers.waiting) >= _AHEAD * jobs:
                yield from workers.finished(1)
        yield from workers.finished(len(workers.waiting))
    except BaseException:
        # Ctrl-C, or the reader gave up: do not wait for what may still run for minutes.
        workers.pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    workers.pool.shutdown()


@dataclass(slots=True)
class _Workers(Generic[R]):
    """The processes, and what they are at."""

    work: Callable[..., R]
    died: Callable[..., R]
    jobs: int
    waiting: dict[Future[R], Item] = field(default_factory=dict)
    pool: ProcessPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.pool = self._pool(self.jobs)

    def _pool(self, jobs: int) -> ProcessPoolExecutor:
        # Not "fork": the parent has threads.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([self.work.__module__])
        return ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare)

    def give(self, item: Item) -> None:
        try:
            future = self.pool.submit(self.work, *item)
        except BrokenProcessPool:  # since the last look at it
            self.pool = self._pool(self.jobs)
            future = self.pool.submit(self.work, *item)
        self.waiting[future] = item

    def finished(self, count: int) -> list[R]:
        """At least so many answers, taken from those that are waited for.

        A worker that dies breaks its whole pool.  Then each item that has no answer gets a
        process of its own, so that only the one at fault is without.
        """
        answers: list[R] = []
        while len(answers) < count and self.waiting:
            for future in wait(self.waiting, return_when=FIRST_COMPLETED).done:
                if future in self.waiting and not _broken(future):
                    del self.waiting[future]
                    answers.append(future.result())
                elif future in self.waiting:
                    answers += [self._alone(item) for item in self.waiting.values()]
                    self.waiting.clear()
                    self.pool.shutdown(wait=False)
                    self.pool = self._pool(self.jobs)
        return answers

    def _alone(self, item: Item) -> R:
        """The answer of a process that does nothing else."""
        with self._pool(1) as pool:
            try:
                return pool.submit(self.work, *item).result()
            except BrokenProcessPool:
                return self.died(*item)


def _broken(future: Future[Any]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=[multiprocessing.parent_process()], daemon=True).start()


def _follow(parent: BaseProcess | None) -> None:
    if parent is not None:
        parent.join()
    os._exit(1)
