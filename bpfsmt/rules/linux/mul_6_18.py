"""The product of tnums since Linux 6.18: a union of partial products (``tnum_mul``).

By long multiplication, in which an unknown bit of the multiplier makes two candidates, with
and without the shifted multiplicand, of which the union goes on (commit 1df7dad4d5c4).
"""

from __future__ import annotations

from bpfsmt.bits import rule
from bpfsmt.domain.scalar import Tnum
from bpfsmt.rules.tnum import tnum_add, tnum_lshift, tnum_rshift, tnum_union


@rule
def tnum_mul_step(acc: Tnum, a: Tnum, b: Tnum) -> Tnum:
    """acc plus what bit 0 of ``a`` makes of ``b``: b, nothing, or either of them."""
    if a.value & 1 == 1:
        return tnum_add(acc, b)
    if a.mask & 1 == 1:
        return tnum_union(acc, tnum_add(acc, b))
    return acc


@rule
def tnum_mul(a: Tnum, b: Tnum) -> Tnum:
    """Product of a and b, bit by bit of a."""
    acc = Tnum(0, 0)
    x = a
    y = b
    for _ in range(64):
        if x.value == 0 and x.mask == 0:
            break
        acc = tnum_mul_step(acc, x, y)
        x = tnum_rshift(x, 1)
        y = tnum_lshift(y, 1)
    return acc
