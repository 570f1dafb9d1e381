"""A campaign: batches after batches, over an executor, kept as they come.

Which batches there are is fixed beforehand; in which order they end is not, and does not matter.
Of findings with one key that is kept which was met in the lowest batch.
"""

from __future__ import annotations

import importlib
import itertools
import pickle
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from bpfsmt.errors import BpfsmtError
from bpfsmt.fuzz.apart import run_apart, stop_all
from bpfsmt.fuzz.batch import Batch, Outcome
from bpfsmt.fuzz.finding import DIED, Found, Key, Kind, Oracle, Same, Shown
from bpfsmt.fuzz.settings import Settings, versions
from bpfsmt.fuzz.shrink import Shrink
from bpfsmt.fuzz.store import Store
from bpfsmt.fuzz.worker import Died
from bpfsmt.isa import Instruction
from bpfsmt.program.program import Program, ProgramType
from bpfsmt.rules import load_rules

TICK = 0.25
"""Seconds between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How far to go: ``programs`` for each rule set (rounded up to batches) or ``seconds``,
    whichever ends first; `None` does not end."""

    settings: Settings
    rules: Sequence[str]
    programs: int | None = None
    seconds: float | None = None

    @property
    def batches(self) -> int | None:
        """For each rule set."""
        return None if self.programs is None else -(-self.programs // self.settings.size)


def identity(plan: Plan, kernel: str) -> dict[str, Any]:
    """Everything that outcomes depend on, as plain data: what must be the same to go on."""
    rules = {spec: load_rules(spec).fingerprint for spec in plan.rules}
    return {"rules": rules, **plan.settings.to_json(), **versions(kernel)}


PATIENCE = "10s"
"""How long a Dask scheduler may take to answer."""


@contextmanager
def executor(jobs: int, dask: str | None = None) -> Iterator[tuple[Executor, int]]:
    """Where tasks run, and how many at a time: processes here, or a Dask cluster.

    Raises `BpfsmtError` if Dask is not installed or does not answer.
    """
    if dask is not None:
        yield from _cluster(dask)
        return
    pool = ThreadPoolExecutor(jobs)  # each thread has a process to work in
    try:
        yield pool, jobs
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        stop_all()


def _cluster(address: str) -> Iterator[tuple[Executor, int]]:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ModuleNotFoundError:
        raise BpfsmtError("--dask needs Dask: install bpfsmt[dask]") from None
    try:
        client = distributed.Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise BpfsmtError(f"{address}: no Dask scheduler answers: {error}") from None
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise BpfsmtError(f"{address}: this Dask cluster has no workers")
        yield client.get_executor(), threads
    finally:
        client.close()


class Campaign:
    """The state of one while it runs; ``tell`` is called whenever something has changed."""

    def __init__(self, plan: Plan, store: Store, tell: Callable[[Campaign], None]) -> None:
        self.plan, self.store, self._tell = plan, store, tell
        done = {spec: store.done(spec) for spec in plan.rules}
        self.counts = {spec: d.counts for spec, d in done.items()}
        self.reached = {spec: d.reached for spec, d in done.items()}
        self.here = 0
        """Programs judged by this process."""
        self.started = time.monotonic()
        self.small: dict[Same, tuple[int, int]] = {}
        """Where the findings were met that are being made small, or are."""
        self.waiting = 0
        """How many are being made small, or are to be."""

    @property
    def elapsed(self) -> float:
        """Seconds since it was begun, or gone on with."""
        return time.monotonic() - self.started

    def found(self, rules: str) -> tuple[int, int]:
        """How many findings there are about a rule set: known ones, and others."""
        known = Counter(bool(cause) for of, _, cause in self.small if of == rules)
        return known[True], known[False]

    def run(self, pool: Executor, jobs: int) -> None:
        """Go on to the end of the plan.  On Ctrl-C, what is finished is in the store.

        Raises `BpfsmtError` if the executor loses a task, as a cluster that is gone does.
        """
        batches = self._batches()
        shrinks = [found for found in self.store.findings() if self._to_shrink(found)]
        running: dict[Future[Any], Batch | Shrink] = {}
        while True:
            while len(running) < jobs:
                task = self._next(shrinks, batches, running.values())
                if task is None:
                    break
                running[pool.submit(run_apart, task)] = task
            if not running:
                return
            self.waiting = len(shrinks) + sum(isinstance(t, Shrink) for t in running.values())
            done, _ = wait(running, TICK, FIRST_COMPLETED)
            for future in done:
                shrinks += self._ended(running.pop(future), _answer(future))
            self._tell(self)

    def _next(
        self, shrinks: list[Found], batches: Iterator[Batch], running: Iterable[Batch | Shrink]
    ) -> Batch | Shrink | None:
        """What to do next.

        What nobody can explain is made small at once, and even when the time is over.  What is
        known can wait until all batches are done, so that only the first of a kind is.
        """
        shrinks[:] = [f for f in shrinks if self.small.get(f.same) == f.place]
        for n, found in enumerate(shrinks):
            if not found.shown.cause:
                return Shrink(self.plan.settings, shrinks.pop(n))
        over = self.plan.seconds is not None and self.elapsed >= self.plan.seconds
        batch = None if over else next(batches, None)
        if batch is not None or over or not shrinks or any(isinstance(t, Batch) for t in running):
            return batch
        return Shrink(self.plan.settings, shrinks.pop(0))

    def _batches(self) -> Iterator[Batch]:
        done = {spec: self.store.done(spec).numbers for spec in self.plan.rules}
        numbers = itertools.count() if self.plan.batches is None else range(self.plan.batches)
        for number in numbers:
            for spec in self.plan.rules:
                if number not in done[spec]:
                    yield Batch(self.plan.settings, spec, number)

    def _ended(self, task: Batch | Shrink, result: Any) -> list[Found]:
        """Keep what a task gave; what is to be made small because of it."""
        if isinstance(task, Shrink):
            found = result if isinstance(result, Found) else replace(task.found, least=True)
            if self.small[found.same] == found.place:  # no earlier one came meanwhile
                self.store.shrunk(found)
            return []
        outcome = result if isinstance(result, Outcome) else _died(task, result)
        self.store.keep(outcome)
        self.counts[task.rules].update(outcome.counts)
        self.reached[task.rules] |= outcome.reached
        self.here += outcome.counts["programs"]
        return [found for found in outcome.found if self._to_shrink(found)]

    def _to_shrink(self, found: Found) -> bool:
        """Whether it is the first of its kind, and large; then it is remembered."""
        place = self.small.get(found.same)
        if place is not None and place <= found.place:
            return False
        if self.store.first(found.same) != found.place:
            return False
        self.small[found.same] = found.place
        return not found.least


def _answer(future: Future[Any]) -> Any:
    """What a task gave.  Whatever goes wrong in it is an answer; an exception is the executor's."""
    try:
        return future.result()
    except Exception as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BpfsmtError(f"a batch was lost where it was run ({why}): go on later") from None


def _died(task: Batch, died: Died) -> Outcome:
    """A batch that ended its process, or never ended, is a crash, too: that of its last program."""
    at = "before any of its programs"
    index, program = 0, Program("unknown", ProgramType.XDP, (Instruction(0x95),))
    if died.noted:
        index, program = pickle.loads(died.noted)
        at = f"program {index}"
    shown = Shown(
        Key(Kind.CRASH.value, died.why, DIED), Oracle.MACHINE, -1,
        f"batch {task.number}, {at}: {died.text}",
    )  # fmt: skip
    found = Found(task.rules, task.number, index, program, shown, least=True)
    return Outcome(task.rules, task.number, Counter({"batches died": 1}), (found,))
