"""All exhibits, each refuted and its program run, over processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import z3

from bpfsmt.museum.refute import Verdict, decide
from bpfsmt.museum.replay import Replay, replay
from bpfsmt.rules.registry import load_exhibit


@dataclass(frozen=True)
class Seen:
    """What came of one exhibit, given by its name or file; ``replay`` is of its program."""

    spec: str
    verdict: Verdict
    replay: Replay | None

    @property
    def faults(self) -> tuple[str, ...]:
        """In what it is otherwise than the exhibit says."""
        if self.replay is not None and not self.replay.shown:
            return (*self.verdict.faults, _unshown(self.replay))
        return tuple(self.verdict.faults)


def _unshown(replay: Replay) -> str:
    if not replay.wrong.accepted:
        return f"the program is not let through: {replay.wrong.verdict.reason}"
    if not replay.wrong.wrong:
        return "the program goes as it is believed to"
    return "the program goes wrong with the corrected rule too"


def look(spec: str, readable: bool = False) -> Seen:
    """One exhibit."""
    exhibit = load_exhibit(spec)
    return Seen(spec, decide(exhibit, readable), replay(exhibit))


def tour(specs: Sequence[str], jobs: int) -> Iterator[Seen]:
    """The exhibits as they are done, over so many processes."""
    if jobs == 1 or len(specs) < 2:
        yield from map(look, specs)
        return
    context = multiprocessing.get_context("forkserver")  # Z3's state should not be shared
    pool = ProcessPoolExecutor(min(jobs, len(specs)), context, _prepare)
    try:
        yield from (f.result() for f in as_completed([pool.submit(look, s) for s in specs]))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()


def _prepare() -> None:
    """Ctrl-C is for the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    z3.set_param("ctrl_c", False)
