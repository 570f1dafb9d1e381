"""γ: which numbers a tnum, and a scalar, stand for."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import Scalar, Tnum


@rule
def tnum_contains(t: Tnum, x: u64) -> bool:
    """x ∈ γ(t): every bit outside the mask is as ``value`` says."""
    return x & ~t.mask == t.value


@rule
def scalar_contains(r: Scalar, x: u64) -> bool:
    """x ∈ γ(r): the tnum and all four ranges hold of x."""
    return (
        tnum_contains(r.var_off, x)
        and r.umin <= x <= r.umax
        and r.smin <= s64(x) <= r.smax
        and r.u32min <= u32(x) <= r.u32max
        and r.s32min <= s32(x) <= r.s32max
    )


@rule
def scalar_low_contains(r: Scalar, x: u64, bits: u64) -> bool:
    """Of the low ``bits`` (8, 16 or 32) of a number in γ(r) it is known that they are x.

    What a narrow spill of a register claims: its own bits, its subregister ranges, and its
    unsigned range where that does not leave these bits.
    """
    ones = (1 << bits) - 1
    known = x & ~r.var_off.mask & ones == r.var_off.value & ones
    subreg = r.u32min <= u32(x) <= r.u32max and r.s32min <= s32(x) <= r.s32max
    inside = r.umin & ones <= x <= r.umax & ones
    return (
        known and x <= ones and (bits != 32 or subreg)
        and (r.umin >> bits != r.umax >> bits or inside)
    )  # fmt: skip


@rule
def tnum_well_formed(t: Tnum) -> bool:
    """No bit is both unknown and known to be 1; only such a tnum stands for anything."""
    return t.value & t.mask == 0
