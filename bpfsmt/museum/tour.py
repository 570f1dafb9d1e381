"""All exhibits, each refuted and its program run, over processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import z3

from bpfsmt.museum.claims import Claims, claims
from bpfsmt.museum.refute import Verdict, decide
from bpfsmt.museum.replay import Replay, replay
from bpfsmt.rules.registry import load_exhibit


@dataclass(frozen=True)
class Seen:
    """What came of one exhibit, given by its name or file; ``replay`` is of its program.

    ``claims`` are those about the program, if the fault is one of the walk.
    """

    spec: str
    verdict: Verdict
    replay: Replay | None
    claims: Claims | None
    faults: tuple[str, ...]
    """In what it is otherwise than the exhibit says."""

    @property
    def refuted(self) -> bool:
        """Something was refuted with the fault: an obligation, or a claim."""
        return bool(self.verdict.refuted or (self.claims and self.claims.wrong))

    @property
    def first(self) -> float:
        """Processor time in seconds to the first refutation."""
        if self.claims is not None and not self.verdict.first:
            return self.claims.first
        return self.verdict.first

    @property
    def seconds(self) -> float:
        """Processor time in seconds for all that was asked with the fault."""
        return self.verdict.seconds + (self.claims.seconds if self.claims else 0.0)

    @property
    def corrected(self) -> float:
        """The same without the fault."""
        return self.verdict.corrected + (self.claims.corrected if self.claims else 0.0)


def _unshown(replay: Replay) -> str:
    if not replay.wrong.accepted:
        return f"the program is not let through: {replay.wrong.verdict.reason}"
    if not replay.wrong.wrong:
        return "the program goes as it is believed to"
    return "the program goes wrong with the corrected rule too"


def look(spec: str, readable: bool = False) -> Seen:
    """One exhibit."""
    exhibit = load_exhibit(spec)
    verdict, ran = decide(exhibit, readable), replay(exhibit)
    found = claims(exhibit, ran)
    faults = list(verdict.faults)
    if ran is not None and not ran.shown:
        faults.append(_unshown(ran))
    if found is not None:
        faults += found.faults(exhibit)
    return Seen(spec, verdict, ran, found, tuple(faults))


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
