"""Programs by drawing: many wrong rules show with small numbers, before a solver has begun."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from bpfsmt.poc.attempt import Attempt, Candidate
from bpfsmt.poc.shapes import Move, Numbers

Values = tuple[int, ...]
"""Both numbers, and then the constants."""

U64 = (1 << 64) - 1
SMALL = (0, 1, 2, 3, 4, 5, 8, U64, U64 - 1, U64 - 3)
"""What numbers and constants are first."""

EDGES = tuple((1 << n) + d & U64 for n in (31, 32, 63, 64) for d in (-1, 0, 1))
ROUNDS = 1000
"""How often each attempt is made; there is rarely time for all."""


def drawn(ints: Numbers, attempts: Sequence[Attempt], seed: str) -> Iterator[Candidate | None]:
    """Candidates with drawn numbers, short and small ones first; None where nothing shows."""
    rng = random.Random(seed)
    for i in range(ROUNDS):
        for attempt in (a for a in attempts if len(a.moves) <= i + 1):
            numbers = _number(rng, i), _number(rng, i)
            constants = [_constant(m, rng, i) for m in attempt.moves]
            found = attempt.candidate(ints, numbers, constants)
            yield found and _smaller(ints, attempt, found, constants)


def _number(rng: random.Random, turn: int) -> int:
    kind = rng.randrange(4) if turn else 0
    if kind < 2:
        return rng.choice(SMALL if kind == 0 else EDGES)
    return rng.getrandbits(64 if kind == 2 else rng.randrange(1, 33))


def _constant(move: Move, rng: random.Random, turn: int) -> int:
    """One that the instruction can hold: an immediate is of 32 bits, a shift below its width."""
    if move.below is not None:
        return rng.randrange(move.below)
    kind = rng.randrange(4) if turn else 0
    if kind < 2:
        return rng.choice(SMALL)
    return _immediate(rng.getrandbits(32) if kind == 2 else rng.choice(EDGES))


def _immediate(k: int) -> int:
    low = k & 0xFFFF_FFFF
    return low | U64 & -(low & 1 << 31)


def _smaller(
    ints: Numbers, attempt: Attempt, found: Candidate, constants: Sequence[int]
) -> Candidate:
    """The same without the moves that do not matter, and with small numbers where they do."""
    values = (*found.numbers, *constants)
    while True:
        for fewer, tried in _variants(attempt, values):
            better = fewer.candidate(ints, tried[:2], tried[2:])
            if better is not None:
                found, attempt, values = better, fewer, tried
                break
        else:
            return found


def _variants(attempt: Attempt, values: Values) -> Iterator[tuple[Attempt, Values]]:
    """One move less, or one number that comes earlier among the small ones."""
    for i in range(2, len(values)):
        yield attempt.without(i - 2), (*values[:i], *values[i + 1 :])
    for i, value in enumerate(values):
        earlier = SMALL[: SMALL.index(value)] if value in SMALL else SMALL
        for small in earlier:
            yield attempt, (*values[:i], small, *values[i + 1 :])
