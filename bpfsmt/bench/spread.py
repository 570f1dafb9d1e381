"""Numbers that were measured several times."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """What the runs gave, in the order in which they were made.

    >>> spread = Spread.of([20.0, 16.0, 100.0])
    >>> spread.median, spread.least, spread.most
    (20.0, 16.0, 100.0)
    """

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """At least one value."""
        return cls(tuple(values))

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        """The least of the values."""
        return min(self.values)

    @property
    def most(self) -> float:
        """The greatest of the values."""
        return max(self.values)

    def per_second(self) -> Spread:
        """From nanoseconds for one to how many in a second.

        >>> Spread.of([20.0, 50.0]).per_second().values
        (50000000.0, 20000000.0)
        """
        return Spread(tuple(1e9 / value if value > 0 else float("inf") for value in self.values))

    def to_json(self) -> dict[str, Any]:
        """Median, least, most and all values."""
        return {
            "median": self.median, "min": self.least, "max": self.most, "runs": list(self.values),
        }  # fmt: skip
