"""How long until a campaign finds an unsound rule set that Linux has had, told nothing of it.

Programs are drawn and judged as in any campaign, one batch after another, until a finding about
the rule set is met that the corrected one does not have.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from bpfsmt.fuzz.finding import Found, Key, Oracle
from bpfsmt.fuzz.judge import Court, judge
from bpfsmt.fuzz.settings import Settings
from bpfsmt.fuzz.source import drawn
from bpfsmt.rules.registry import load_exhibit


@dataclass(frozen=True, slots=True)
class Hunted:
    """One search: ``programs`` judged and ``seconds`` of processor time until the finding.

    ``found`` is `None` where the search was given up.
    """

    exhibit: str
    seed: int
    programs: int
    seconds: float
    found: Found | None

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        key = self.found.key if self.found else None
        return {
            "seed": self.seed, "programs": self.programs, "seconds": round(self.seconds, 2),
            "found": None if key is None else dict(key._asdict(), oracle=_oracle(self.found)),
        }  # fmt: skip


def _oracle(found: Found | None) -> str:
    return found.shown.oracle.value if found else ""


@dataclass(frozen=True, slots=True)
class Hunt:
    """A task: one exhibit with one seed, for so many seconds of processor time at most."""

    exhibit: str
    settings: Settings
    seconds: float

    @property
    def limit(self) -> int:
        """Seconds of processor time that it may take: its last batch may begin late."""
        return int(self.seconds) + self.settings.allowed

    def run(self) -> Hunted:
        """Search."""
        start = time.process_time()
        exhibit = load_exhibit(self.exhibit)
        court, right = (
            Court(rules.name, self.settings, self.settings.bound(rules))
            for rules in (exhibit.rules, exhibit.base)
        )
        seed, judged, batch, known = self.settings.seed, 0, 0, set[Key]()
        while time.process_time() - start < self.seconds:
            for index, program in enumerate(drawn(self.settings, court.rules, batch)):
                judged += 1
                name, number = f"{seed}/{batch}/{index}", batch * self.settings.size + index
                for shown in judge(court, program, name, number).shown:
                    if shown.key in known:
                        continue
                    found = Found(court.spec, batch, index, program, shown)
                    if _only_wrong(right, found):
                        took = time.process_time() - start
                        return Hunted(self.exhibit, seed, judged, took, found)
                    known.add(shown.key)
            batch += 1
        return Hunted(self.exhibit, seed, judged, time.process_time() - start, None)


AGAIN = 8
"""With so many other inputs the corrected rules are asked about a finding."""


def _only_wrong(right: Court, found: Found) -> bool:
    """Whether the corrected rules do not have the finding, with the same program: neither with
    the same inputs nor with others."""
    settings = right.settings
    only = Oracle.MACHINE.value, found.shown.oracle.value  # inputs of Z3 run on the machine
    oracles = tuple(o for o in settings.oracles if o in only)
    every = replace(right, settings=replace(settings, share=1, oracles=oracles))
    name = f"{settings.seed}/{found.batch}/{found.index}"
    number = found.batch * settings.size + found.index
    names = (name, *(f"{name}/again {n}" for n in range(AGAIN)))
    judged = [judge(every, found.program, name, number) for name in names]
    given_up = any(one.counts["too long"] for one in judged)
    return not given_up and all(s.key != found.key for one in judged for s in one.shown)


@dataclass(frozen=True, slots=True)
class Times:
    """All searches for one exhibit."""

    exhibit: str
    hunts: Sequence[Hunted]

    @property
    def found(self) -> Sequence[Hunted]:
        """Those that found it."""
        return [h for h in self.hunts if h.found is not None]

    def middle(self, of: str) -> float | None:
        """The median of "programs" or "seconds"; `None` if half of them found nothing.

        A search that was given up counts as longer than any other.
        """
        every = [getattr(h, of) if h.found else float("inf") for h in self.hunts]
        value = median(every) if every else float("inf")
        return None if value == float("inf") else value

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "exhibit": self.exhibit, "median_programs": self.middle("programs"),
            "median_seconds": self.middle("seconds"), "found": len(self.found),
            "hunts": [h.to_json() for h in self.hunts],
        }  # fmt: skip
