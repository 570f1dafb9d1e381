"""Which way a compare goes, in Linux 6.12 (``is_scalar_branch_taken``).

1 if the condition holds of every pair of members, 0 if of none, -1 if it depends.  The
low halves decide 32-bit compares, and equality of whole registers too.
"""

from __future__ import annotations

from bpfsmt.bits import rule, s32, u32
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.branch64 import UNDECIDED
from bpfsmt.rules.linux.alu import is_const32
from bpfsmt.rules.tnum import tnum_overlap, tnum_zext32


@rule
def decides64(dst: Scalar, src: Scalar) -> bool:
    """Whether the verifier asks at all which way ``if dst COND src`` goes."""
    return True


@rule
def decides32(dst: Scalar, src: Scalar) -> bool:
    """The same for a compare of low halves."""
    return True


@rule
def apart32(a: Scalar, b: Scalar) -> bool:
    """No low half can be in both."""
    unsigned = a.u32max < b.u32min or b.u32max < a.u32min
    return unsigned or a.s32max < b.s32min or b.s32max < a.s32min


@rule
def taken64_eq(a: Scalar, b: Scalar) -> s32:
    """a == b; the low halves may decide it too."""
    if is_const(a) and is_const(b):
        return 1 if a.var_off.value == b.var_off.value else 0
    apart = a.umax < b.umin or b.umax < a.umin or a.smax < b.smin or b.smax < a.smin
    if apart or apart32(a, b) or not tnum_overlap(a.var_off, b.var_off):
        return 0
    return UNDECIDED


@rule
def taken32_eq(a: Scalar, b: Scalar) -> s32:
    """(u32) a == (u32) b."""
    if is_const32(a) and is_const32(b):
        return 1 if u32(a.var_off.value) == u32(b.var_off.value) else 0
    overlap = tnum_overlap(tnum_zext32(a.var_off), tnum_zext32(b.var_off))
    return 0 if apart32(a, b) or not overlap else UNDECIDED


@rule
def taken32_ult(a: Scalar, b: Scalar) -> s32:
    """(u32) a < (u32) b."""
    if a.u32max < b.u32min:
        return 1
    return 0 if a.u32min >= b.u32max else UNDECIDED


@rule
def taken32_ule(a: Scalar, b: Scalar) -> s32:
    """(u32) a <= (u32) b."""
    if a.u32max <= b.u32min:
        return 1
    return 0 if a.u32min > b.u32max else UNDECIDED


@rule
def taken32_slt(a: Scalar, b: Scalar) -> s32:
    """(s32) a < (s32) b."""
    if a.s32max < b.s32min:
        return 1
    return 0 if a.s32min >= b.s32max else UNDECIDED


@rule
def taken32_sle(a: Scalar, b: Scalar) -> s32:
    """(s32) a <= (s32) b."""
    if a.s32max <= b.s32min:
        return 1
    return 0 if a.s32min > b.s32max else UNDECIDED


@rule
def bits_meet(a: Tnum, b: Tnum) -> s32:
    """a & b != 0, where one of them is known: 1, 0 or undecided."""
    if a.mask != 0 and b.mask != 0:
        return UNDECIDED
    if a.value & b.value != 0:
        return 1
    return 0 if (a.value | a.mask) & (b.value | b.mask) == 0 else UNDECIDED


@rule
def taken64_set(a: Scalar, b: Scalar) -> s32:
    """a & b != 0."""
    return bits_meet(a.var_off, b.var_off)


@rule
def taken32_set(a: Scalar, b: Scalar) -> s32:
    """(u32) a & (u32) b != 0."""
    return bits_meet(tnum_zext32(a.var_off), tnum_zext32(b.var_off))
