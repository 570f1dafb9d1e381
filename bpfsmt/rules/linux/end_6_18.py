"""Byte swaps in Linux 6.18 (6.18.44): known bits move along (``scalar_byte_swap``, a backport)."""

from __future__ import annotations

from bpfsmt.bits import replace, rule, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.rules.bswap import tnum_bswap16, tnum_bswap32, tnum_bswap64
from bpfsmt.rules.linux.extend import low_bits
from bpfsmt.rules.linux.sync import sync


@rule
def tnum_swapped(t: Tnum, bits: u64) -> Tnum:
    """The low ``bits`` (16, 32 or 64) of every member with bytes in reverse order."""
    if bits == 16:
        return tnum_bswap16(t)
    return tnum_bswap32(t) if bits == 32 else tnum_bswap64(t)


@rule
def swap_bytes(r: Scalar, bits: u64) -> Scalar:
    """The low ``bits`` with their bytes in reverse order: ranges follow from the bits only."""
    swapped = replace(UNKNOWN, var_off=tnum_swapped(r.var_off, bits))
    return sync(swapped if bits == 64 else low_bits(swapped, bits))


@rule
def keep_bytes(r: Scalar, bits: u64) -> Scalar:
    """The low ``bits`` as they are."""
    return sync(r if bits == 64 else low_bits(r, bits))
