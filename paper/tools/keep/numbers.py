"""Sums, medians and shares: they are computed before the paper, which only prints."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any

Kept = dict[str, Any]
"""What a result file has of one measurement."""

QUANTILES = 40
"""A distribution is kept as so many points."""


def spread(values: Iterable[float]) -> Kept:
    """How numbers are spread: how many, sum, median, greatest."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0, "sum": 0, "median": None, "max": None}
    return {
        "count": len(ordered),
        "sum": round(sum(ordered), 2),
        "median": round(statistics.median(ordered), 4),
        "max": round(ordered[-1], 3),
    }


def curve(values: Iterable[float]) -> list[float]:
    """Quantiles, to be drawn."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return [round(ordered[last * k // QUANTILES], 4) for k in range(QUANTILES + 1) if ordered]


def share(part: float, of: float) -> float | None:
    """A percentage; none of nothing."""
    return round(100 * part / of, 3) if of else None
