"""What of a rule set programs reach: rules that ran, and outcomes of the conditions in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bpfsmt.rules.counting import Counted


@dataclass(frozen=True, slots=True)
class Reached:
    """A bit for each of so many ``rules``, and for each of so many ``outcomes``.

    Their order is that of the rule set, so that what several batches reach is put together
    with ``|``.  Each condition has two outcomes.
    """

    ran: int = 0
    rules: int = 0
    seen: int = 0
    outcomes: int = 0

    @classmethod
    def of(cls, counts: Counted) -> Reached:
        """What was counted."""
        calls, outcomes = list(counts.calls.values()), counts.outcomes
        return cls(_bits(calls), len(calls), _bits(outcomes), len(outcomes))

    @classmethod
    def read(cls, text: str) -> Reached:
        """The inverse of ``str``."""
        return cls(*(int(part, 16) for part in text.split()))

    def __str__(self) -> str:
        return f"{self.ran:x} {self.rules:x} {self.seen:x} {self.outcomes:x}"

    def __or__(self, other: Reached) -> Reached:
        """All that either reaches, of one rule set."""
        rules, outcomes = max(self.rules, other.rules), max(self.outcomes, other.outcomes)
        return Reached(self.ran | other.ran, rules, self.seen | other.seen, outcomes)

    @property
    def shares(self) -> dict[str, tuple[int, int]]:
        """How many of how many."""
        return {
            "rules": (self.ran.bit_count(), self.rules),
            "outcomes": (self.seen.bit_count(), self.outcomes),
        }

    def to_json(self) -> dict[str, Any]:
        """How many of how many, as plain data."""
        return {name: {"reached": a, "of": b} for name, (a, b) in self.shares.items()}


def _bits(counts: list[int]) -> int:
    return sum(1 << n for n, count in enumerate(counts) if count)
