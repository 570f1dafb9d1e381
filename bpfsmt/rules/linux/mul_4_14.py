"""The first product of tnums: half-multiply and add (Linux 4.14 to 5.13, ``tnum_mul``, ``hma``).

Replaced in 5.14 by the long multiplication of `bpfsmt.rules.tnum`, which is tighter more
often than not (Vishwanathan et al., CGO 2022).
"""

from __future__ import annotations

from bpfsmt.bits import rule, u64
from bpfsmt.domain.scalar import Tnum
from bpfsmt.rules.paper import RULES as PAPER
from bpfsmt.rules.tnum import tnum_add


@rule
def hma_step(acc: Tnum, value: u64, mask: u64) -> Tnum:
    """What bit 0 of ``mask``, if it is set, may add: any part of ``value``."""
    return tnum_add(acc, Tnum(0, value)) if mask & 1 == 1 else acc


@rule
def hma(acc: Tnum, value: u64, mask: u64) -> Tnum:
    """acc plus all that ``m * v`` can be, for m inside ``mask`` and v inside ``value``."""
    for _ in range(64):
        if mask == 0:
            break
        acc = hma_step(acc, value, mask)
        mask = mask >> 1
        value = value << 1
    return acc


@rule
def tnum_mul(a: Tnum, b: Tnum) -> Tnum:
    """Product: the known ones exactly, then each operand's unknown bits times the other."""
    known = Tnum(a.value * b.value, 0)
    return hma(hma(known, a.mask, b.mask | b.value), b.mask, a.value)


RULES = PAPER.extend(
    "xdp-paper-hma",
    hma_step,
    hma,
    tnum_mul,
    doc="the paper's rules with the product of tnums of their time (Linux 4.14 to 5.13)",
)
