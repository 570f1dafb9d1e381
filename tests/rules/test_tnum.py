"""The product of tnums as a whole, on numbers: small ones exhaustively, and where it wraps."""

from __future__ import annotations

import itertools

from bpfsmt.bits import U64_MAX, s64
from bpfsmt.domain.gamma import tnum_contains
from bpfsmt.domain.scalar import Tnum
from bpfsmt.rules import rule_set

PAPER = rule_set("xdp-paper")


def test_mul_of_all_small_tnums() -> None:
    """The rule's text as a whole: every pair of 4-bit tnums, every pair of their members."""
    small = [Tnum(v, m) for v, m in itertools.product(range(16), repeat=2) if v & m == 0]
    for a, b in itertools.product(small, small):
        r = PAPER.ints.tnum_mul(a, b)
        for x in (a.value, a.value | a.mask, a.value | (a.mask & 5), a.value | (a.mask & 10)):
            for y in (b.value, b.value | b.mask, b.value | (b.mask & 6), b.value | (b.mask & 9)):
                assert (x * y) & ~r.mask == r.value


def test_mul_of_signs_and_ends() -> None:
    """The same at full width, where products wrap."""
    ends = (0, 1, 3, s64(-1) & U64_MAX, 1 << 63, (1 << 63) - 1, 0xFFFF_FFFF, 0x8000_0001)
    for v, m, w, n in itertools.product(ends, repeat=4):
        a, b = Tnum(v & ~m, m), Tnum(w & ~n, n)
        r = PAPER.ints.tnum_mul(a, b)
        for x, y in ((a.value, b.value), (a.value | m, b.value | n), (a.value | m, b.value)):
            assert tnum_contains(r, x * y & U64_MAX)
