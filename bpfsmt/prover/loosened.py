"""A model's records with less in them, of which `sync` changes less.

The facts that stand for "went through `sync`" admit more than `sync` leaves, so a model's
records may say things that no synced record does.  With some of their parts forgotten they
often still show the fault after they went through `sync` themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from bpfsmt.domain.scalar import UNKNOWN, Scalar

_PARTS = (
    ("var_off",), ("umin", "umax"), ("smin", "smax"), ("u32min", "u32max"), ("s32min", "s32max"),
)  # fmt: skip


def loosened(args: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The arguments with parts of their records forgotten: those with few parts left first.

    >>> from bpfsmt.domain.scalar import const
    >>> for (r,) in itertools.islice(loosened((const(5),)), 3):
    ...     print(r.var_off.mask == 0, r.umax, r.smax)
    False 18446744073709551615 9223372036854775807
    True 18446744073709551615 9223372036854775807
    False 5 9223372036854775807
    """
    ways = [_ways(a) if isinstance(a, Scalar) else [(0, a)] for a in args]
    every = sorted(itertools.product(*ways), key=lambda choice: sum(n for n, _ in choice))
    return (tuple(a for _, a in choice) for choice in every)


def _ways(r: Scalar) -> list[tuple[int, Scalar]]:
    """The record with every choice of its parts, and how many these are."""
    found = []
    for count in range(len(_PARTS) + 1):
        for kept in itertools.combinations(_PARTS, count):
            parts = {name: getattr(r, name) for names in kept for name in names}
            found.append((count, UNKNOWN._replace(**parts)))
    return found
