"""Numbers near the ends of things, and abstract values that they are members of."""

from __future__ import annotations

import random
from typing import Any

from bpfsmt.bits import s32, s64, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum

EDGES = [
    0, 1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, (1 << 31) - 1, 1 << 31, (1 << 32) - 1,
    1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - (1 << 31), (1 << 64) - (1 << 32),
]  # fmt: skip


def number(rng: random.Random) -> int:
    """A u64: near an edge, small, of some bit length, or negative."""
    kind = rng.randrange(4)
    if kind == 0:
        return u64(rng.choice(EDGES) + rng.randrange(-2, 3))
    x = rng.getrandbits(rng.randrange(1, 65))
    return u64(-x) if kind == 1 else x


def near(rng: random.Random, x: int) -> int:
    """A u64 that often is x, close to it, or equal to it in one half."""
    upper = x >> 32 << 32
    near_x = [x, u64(x + rng.randrange(-2, 3)), upper | rng.getrandbits(32), u32(x), u64(x ^ upper)]
    return rng.choice([*near_x, number(rng), number(rng)])


def tnum_around(rng: random.Random, x: int) -> Tnum:
    """A well-formed tnum with x in it."""
    mask = rng.choice([0, (1 << 64) - 1, 0xFF, 0xFFFFFFFF, number(rng), number(rng) & number(rng)])
    return Tnum(x & ~mask, mask)


def _range(rng: random.Random, x: int, word: Any) -> tuple[int, int]:
    low = rng.choice([x, word.min, x - rng.getrandbits(rng.randrange(1, word.bits + 1))])
    high = rng.choice([x, word.max, x + rng.getrandbits(rng.randrange(1, word.bits + 1))])
    return max(low, word.min), min(high, word.max)


def around(rng: random.Random, x: int, *, subreg: bool = True) -> Scalar:
    """A scalar with x in it, its parts chosen independently of each other."""
    low = [*_range(rng, u32(x), u32), *_range(rng, s32(x), s32)] if subreg else UNKNOWN[5:]
    tnum = tnum_around(rng, x)
    return Scalar(tnum, *_range(rng, x, u64), *_range(rng, s64(x), s64), *low)
