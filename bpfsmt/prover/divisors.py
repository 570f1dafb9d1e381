"""Which two numbers have a known product.

A rule may be right only because some number is no product at all: no two numbers below 2**16 make
2**31, and 2**31 - 1 is a prime.  The solver does not find that; dividing does.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

LIMIT = 1 << 20
"""Divisors up to this are tried: what is left then is a prime if it is below its square."""


@functools.lru_cache(maxsize=1024)
def pairs(product: int, most: int) -> tuple[tuple[int, int], ...] | None:
    """All (a, b) with a·b = ``product`` > 0 and 0 < a, b ≤ ``most``; None if that is too hard.

    >>> pairs(12, 6)
    ((2, 6), (3, 4), (4, 3), (6, 2))
    >>> pairs(2**31, 2**16 - 1), pairs(2**31 - 1, 2**16 - 1)
    ((), ())
    """
    powers = []
    for prime, count in itertools.groupby(_primes(product)):
        if prime >= LIMIT * LIMIT:
            return None
        powers.append([prime**n for n in range(sum(1 for _ in count) + 1)])
    divisors = {1}
    for choice in powers:
        divisors = {d * p for d in divisors for p in choice}
    return tuple(sorted((d, product // d) for d in divisors if max(d, product // d) <= most))


def _primes(product: int) -> Iterator[int]:
    """The prime factors, smallest first; the last may be none if it is `LIMIT` squared or more."""
    for d in itertools.chain((2,), range(3, LIMIT, 2)):
        if d * d > product:
            break
        while product % d == 0:
            yield d
            product //= d
    if product > 1:
        yield product
