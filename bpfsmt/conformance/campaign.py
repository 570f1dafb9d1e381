"""Many cases over processes: what there is to do, and doing a piece of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from pathlib import Path
from typing import TypeAlias

from bpfsmt.conformance.case import Agreement, Case, Checked
from bpfsmt.conformance.check import check
from bpfsmt.conformance.edges import edge_cases
from bpfsmt.conformance.files import file_cases
from bpfsmt.conformance.generated import CHUNK, generated_cases
from bpfsmt.conformance.mapwork import map_cases
from bpfsmt.conformance.shrink import shrunk
from bpfsmt.conformance.skbwork import skb_cases
from bpfsmt.conformance.straight import straight_cases
from bpfsmt.conformance.xdpwork import xdp_cases
from bpfsmt.program.program import Program

INPUTS = 10
"""So many for each program that is drawn."""

EDGE_PARTS = 16
PROGRAMS = 100
"""In one task of programs that are drawn by number."""


@dataclass(frozen=True, slots=True)
class FileTask:
    """A program of a file."""

    path: Path
    program: Program
    seed: int

    def cases(self) -> Iterator[Case]:
        """Its cases."""
        return file_cases(self.program, f"{self.path} {self.program.name}", self.seed)


@dataclass(frozen=True, slots=True)
class EdgeTask:
    """Every so manieth instruction, at edge values."""

    part: int

    def cases(self) -> Iterator[Case]:
        """Their cases."""
        return edge_cases(self.part, EDGE_PARTS)


@dataclass(frozen=True, slots=True)
class StraightTask:
    """Random programs by number."""

    first: int
    pairs: int
    seed: int

    def cases(self) -> Iterator[Case]:
        """Their cases, as many as make the pairs."""
        return straight_cases(_numbers(self.first, self.pairs), INPUTS, self.seed)


@dataclass(frozen=True, slots=True)
class MapTask:
    """Random work on maps by number."""

    first: int
    pairs: int
    seed: int

    def cases(self) -> Iterator[Case]:
        """Their cases, as many as make the pairs."""
        return map_cases(_numbers(self.first, self.pairs), INPUTS, self.seed)


@dataclass(frozen=True, slots=True)
class HelperTask:
    """Random calls of helpers by number."""

    first: int
    pairs: int
    seed: int

    def cases(self) -> Iterator[Case]:
        """Their cases, as many as make the pairs: half for XDP, half for socket buffers."""
        numbers = _numbers(self.first, self.pairs)
        yield from xdp_cases(numbers[::2], INPUTS, self.seed)
        yield from skb_cases(numbers[1::2], INPUTS, self.seed)


@dataclass(frozen=True, slots=True)
class GeneratedTask:
    """A chunk of programs of `bpfsmt.generate`."""

    chunk: int
    pairs: int
    seed: int

    def cases(self) -> Iterator[Case]:
        """Their cases, as many as make the pairs."""
        programs = -(-self.pairs // INPUTS)
        return islice(generated_cases(self.chunk, INPUTS, self.seed), programs)


Task: TypeAlias = FileTask | EdgeTask | StraightTask | MapTask | HelperTask | GeneratedTask


def _numbers(first: int, pairs: int) -> range:
    return range(first, first - (-pairs // INPUTS))


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of each kind is wanted; of what is drawn, (program, input) pairs, rounded up."""

    edges: bool = True
    drawn: int = 0
    maps: int = 0
    helpers: int = 0
    generated: int = 0
    seed: int = 0


def tasks(files: Sequence[tuple[Path, Program]], wanted: Wanted) -> list[Task]:
    """What there is to do."""
    seed = wanted.seed
    found: list[Task] = [FileTask(path, program, seed) for path, program in files]
    if wanted.edges:
        found += [EdgeTask(part) for part in range(EDGE_PARTS)]
    portion = PROGRAMS * INPUTS
    for n, pairs in _portions(wanted.drawn, portion):
        found.append(StraightTask(n * PROGRAMS, pairs, seed))
    for n, pairs in _portions(wanted.maps, portion):
        found.append(MapTask(n * PROGRAMS, pairs, seed))
    for n, pairs in _portions(wanted.helpers, portion):
        found.append(HelperTask(n * PROGRAMS, pairs, seed))
    for n, pairs in _portions(wanted.generated, CHUNK * INPUTS):
        found.append(GeneratedTask(n, pairs, seed))
    return found


def _portions(whole: int, portion: int) -> Iterator[tuple[int, int]]:
    for n in count():
        left = whole - n * portion
        if left <= 0:
            return
        yield n, min(left, portion)


@dataclass(slots=True)
class Tally:
    """What came of cases: how many of each kind, by group, and those that are worth telling.

    ``pairs`` are (program, input) pairs that both sides ran and answered alike.
    """

    agreements: Counter[tuple[str, Agreement]] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    told: list[Checked] = field(default_factory=list)

    def add(self, checked: Checked) -> None:
        """Count a case.  What is the same, or rejected though it was drawn, is not told."""
        group, agreement = checked.case.group, checked.agreement
        self.agreements[group, agreement] += 1
        self.pairs[group] += checked.pairs - (agreement is Agreement.DIFFERENT)
        if agreement is not Agreement.SAME:
            self.told.append(checked)

    def merge(self, other: Tally) -> None:
        """Add another's."""
        self.agreements += other.agreements
        self.pairs += other.pairs
        self.told += other.told

    def count(self, agreement: Agreement, group: str | None = None) -> int:
        """How many cases came to that (of one group)."""
        return sum(
            number for (where, what), number in self.agreements.items()
            if what is agreement and group in (None, where)
        )  # fmt: skip


def work(task: Task) -> Tally:
    """Check the cases of a task; the first that differs is made as short as possible.

    Raises `OracleError` where the kernel cannot be asked, and `BpfsmtError` for bad input.
    """
    tally = Tally()
    for case in task.cases():
        checked = check(case)
        if checked.agreement is Agreement.DIFFERENT:
            first = not tally.count(Agreement.DIFFERENT)
            checked = shrunk(checked) if first else checked
        elif checked.agreement is not Agreement.SAME:
            checked = replace(checked, case=replace(case, inputs=()))
        tally.add(checked)
    return tally
