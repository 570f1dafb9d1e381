"""Byte swaps of tnums: bits move, and what is known of them moves along.

Kernel ``tnum_bswap16``, ``tnum_bswap32``, ``tnum_bswap64`` (after 6.18); no rule set up to
6.18 asks them, for there a swapped register is unknown.
"""

from __future__ import annotations

from bpfsmt.bits import rule, u64
from bpfsmt.domain.scalar import Tnum


@rule
def bswap16(x: u64) -> u64:
    """The low two bytes exchanged, the others gone."""
    return ((x & 0xFF) << 8) | ((x >> 8) & 0xFF)


@rule
def bswap32(x: u64) -> u64:
    """The low four bytes in reverse order, the others gone."""
    return (bswap16(x) << 16) | bswap16(x >> 16)


@rule
def bswap64(x: u64) -> u64:
    """All bytes in reverse order."""
    return (bswap32(x) << 32) | bswap32(x >> 32)


@rule
def tnum_bswap16(a: Tnum) -> Tnum:
    """`bswap16` of every member."""
    return Tnum(bswap16(a.value), bswap16(a.mask))


@rule
def tnum_bswap32(a: Tnum) -> Tnum:
    """`bswap32` of every member."""
    return Tnum(bswap32(a.value), bswap32(a.mask))


@rule
def tnum_bswap64(a: Tnum) -> Tnum:
    """`bswap64` of every member."""
    return Tnum(bswap64(a.value), bswap64(a.mask))
