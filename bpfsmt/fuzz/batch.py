"""A batch: the unit of a campaign, and a task for a worker.

What comes of it depends on what is written in it and on nothing else: not on other batches, on
the worker, or on time.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace

from bpfsmt.fuzz.finding import Found, Key
from bpfsmt.fuzz.judge import Court, Judgement, judge
from bpfsmt.fuzz.known import explained
from bpfsmt.fuzz.note import note
from bpfsmt.fuzz.reached import Reached
from bpfsmt.fuzz.settings import Settings
from bpfsmt.fuzz.source import drawn
from bpfsmt.rules.counting import counting


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a batch: counts, the first finding with each key and cause, what it reached.

    ``seconds`` is the processor time that it took, the only part that differs from run to run.
    """

    rules: str
    number: int
    counts: Counter[str]
    found: tuple[Found, ...]
    reached: Reached = field(default_factory=Reached)
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """The programs with one number, against one rule set (its name or file)."""

    settings: Settings
    rules: str
    number: int

    @property
    def limit(self) -> int:
        """Seconds of processor time that it may take."""
        return self.settings.allowed

    def run(self) -> Outcome:
        """Draw the programs and judge them."""
        start = time.process_time()
        court = Court.of(self.rules, self.settings)
        counted, reached = counting(court.rules)
        court = replace(court, counted=counted)
        counts: Counter[str] = Counter()
        found: dict[tuple[Key, str], Found] = {}
        programs = drawn(self.settings, court.rules, self.number)
        for index, program in enumerate(programs):
            note((index, program))
            name = f"{self.settings.seed}/{self.number}/{index}"
            judged = judge(court, program, name, self.number * self.settings.size + index)
            counts += judged.counts
            for each in judged.shown:
                shown = explained(court.rules, self.settings, program, each)
                first = found.get(shown.same)
                found[shown.same] = (
                    Found(self.rules, self.number, index, program, shown)
                    if first is None
                    else replace(first, times=first.times + 1)
                )
        seconds = time.process_time() - start
        return Outcome(
            self.rules, self.number, counts, tuple(found.values()), Reached.of(reached), seconds
        )


@dataclass(frozen=True, slots=True)
class Alone:
    """A task: a program before all oracles as it was in its batch, which may end the process."""

    settings: Settings
    found: Found

    @property
    def limit(self) -> int:
        """Seconds of processor time that it may take."""
        return self.settings.allowed

    def run(self) -> Judgement:
        """What they say."""
        batch, index = self.found.place
        court = Court.of(self.found.rules, self.settings)
        name, number = f"{self.settings.seed}/{batch}/{index}", batch * self.settings.size + index
        return judge(court, self.found.program, name, number)
