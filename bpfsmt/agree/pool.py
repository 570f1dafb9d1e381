"""Comparing many programs: the kernel is asked here, our verifier runs in processes.

A kernel in a VM serves one program after another, and so is asked from one place; what it
says goes with the program to a worker.  Only a few answers wait at a time, for logs are large.
"""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from bpfsmt.agree import causes
from bpfsmt.agree.compare import Compared, compare, failed
from bpfsmt.agree.spread import spread
from bpfsmt.agree.trace import has_btf_pointers
from bpfsmt.errors import BpfsmtError, OracleError
from bpfsmt.kernel.oracle import LoadResult, Oracle
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, load_rules
from bpfsmt.verifier import verify

DIED = "its process died"
"""The error of a program that a worker died of."""

Seen = Callable[[int, LoadResult], str]
"""Gets every answer of the kernel whole, when it comes; what it says goes with the answer."""

RECORDED = 50_000
"""Where the kernel walked more instructions, the states are not compared: they are too many."""

LOG_BYTES = 1 << 25
"""Nor are they where its log is longer."""

_TAIL = 1 << 16
"""So much is kept of the end of such a log, for the reason of a rejection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one program: exactly one of ``compared`` and ``error`` is set.

    ``btf`` says that the kernel's log has pointers into its own structures, ``bug`` is the
    traceback where our verifier failed, ``note`` is what `Seen` said of the log.
    """

    index: int
    compared: Compared | None = None
    error: str = ""
    btf: bool = False
    bug: str = ""
    note: str = ""

    @property
    def final(self) -> bool:
        """Asked again, the same would come of it."""
        return not self.error and not self.bug


class Kept(Protocol):
    """Answers of earlier runs (`bpfsmt.agree.saved`)."""

    def find(self, index: int, program: Program) -> Answer | None:
        """The answer for that program, if there is one; ``index`` is what it is to have."""
        ...

    def keep(self, answer: Answer) -> None:
        """Keep the answer for the program that was last looked for with its index."""
        ...


def run(
    programs: Iterable[tuple[int, Program]],
    oracle: Oracle,
    rules: str,
    jobs: int,
    seen: Seen = lambda index, result: "",
    kept: Kept | None = None,
) -> Iterator[Answer]:
    """The answers as they come, each with the index that came with its program.

    A program that the kernel came to no verdict on is an ``error``.  When a worker dies
    (killed for its memory, say), what it was at is an ``error`` as well.  With one job all is
    done in this process.  ``seen`` is told what the kernel says.  What is ``kept`` is not asked
    again, and every answer is kept as it comes.
    """
    known: list[Answer] = []

    def asked() -> Iterator[tuple[int, LoadResult, str, str]]:
        for index, program in programs:
            answer = _ask(index, program, oracle, seen, kept)
            if isinstance(answer, Answer):
                known.append(answer)
            else:
                yield *answer, rules

    def answers() -> Iterator[Answer]:
        for answer in spread(asked(), work, _died, jobs):
            yield answer
            yield from known
            known.clear()
        yield from known

    for answer in answers():
        if kept is not None:
            kept.keep(answer)
        yield answer


Asked = tuple[int, LoadResult, str]
"""A program's index, what the kernel says, and what `Seen` says of that."""


def _ask(
    index: int, program: Program, oracle: Oracle, seen: Seen, kept: Kept | None
) -> Asked | Answer:
    """What the kernel says; the whole answer, where it is known or there is none."""
    found = None if kept is None else kept.find(index, program)
    if found is not None:
        return found
    try:
        result = oracle.load(program, max_log=LOG_BYTES)
    except OracleError as error:
        return Answer(index, error=str(error))
    return index, shortened(result), seen(index, result)


def _died(index: int, result: LoadResult, note: str, rules: str) -> Answer:
    return Answer(index, error=DIED)


def shortened(result: LoadResult) -> LoadResult:
    """Without the states where there are too many."""
    return result if recorded(result) else replace(result, log=result.log[-_TAIL:])


def recorded(result: LoadResult) -> bool:
    """Whether the states are compared."""
    return result.complete and (result.insns_processed or 0) <= RECORDED


@functools.lru_cache(maxsize=1)
def _rules(spec: str) -> RuleSet:
    return load_rules(spec)


def work(index: int, result: LoadResult, note: str, rules: str) -> Answer:
    """Verify one program and compare; an exception of ours is a disagreement."""
    start, btf = time.perf_counter(), has_btf_pointers(result.log)
    try:
        used = _rules(rules)
        analysis = verify(result.program, used, record=recorded(result), forgetful=False)
        seconds = time.perf_counter() - start
        others = causes.without(result, used)
        compared = compare(analysis, result, seconds=seconds, others=others)
        return Answer(index, compared, btf=btf, note=note)
    except BpfsmtError as error:
        return Answer(index, error=str(error), btf=btf)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        found = failed(result.program.name, why, result)
        return Answer(index, found, btf=btf, bug=traceback.format_exc(), note=note)
