"""Which way a compare goes in Linux 6.1 (``is_branch64_taken``, ``is_branch32_taken``).

Only a compare with a known second operand is decided (`decides64`); equality by known bits
alone.  A rule here takes its operands in either order, so either may be the known one.
"""

from __future__ import annotations

from bpfsmt.bits import rule, s32, u32
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.branch64 import UNDECIDED
from bpfsmt.rules.linux.alu import is_const32
from bpfsmt.rules.linux.widen import known, known32


@rule
def decides64(dst: Scalar, src: Scalar) -> bool:
    """Only a compare with a known second operand is decided."""
    return is_const(src)


@rule
def decides32(dst: Scalar, src: Scalar) -> bool:
    """The same of low halves."""
    return is_const32(src)


@rule
def one_known64(a: Scalar, b: Scalar) -> tuple[bool, Scalar, Scalar]:
    """Whether one of the two is known, and both with that one's ranges exact."""
    if is_const(b):
        return True, a, known(b.var_off.value)
    return is_const(a), known(a.var_off.value) if is_const(a) else a, b


@rule
def one_known32(a: Scalar, b: Scalar) -> tuple[bool, Scalar, Scalar]:
    """The same of low halves."""
    if is_const32(b):
        return True, a, known32(b, u32(b.var_off.value))
    return is_const32(a), known32(a, u32(a.var_off.value)) if is_const32(a) else a, b


@rule
def taken64_eq(a: Scalar, b: Scalar) -> s32:
    """a == b: decided by known bits only."""
    if not is_const(a) or not is_const(b):
        return UNDECIDED
    return 1 if a.var_off.value == b.var_off.value else 0


@rule
def taken32_eq(a: Scalar, b: Scalar) -> s32:
    """(u32) a == (u32) b: decided by known bits only."""
    if not is_const32(a) or not is_const32(b):
        return UNDECIDED
    return 1 if u32(a.var_off.value) == u32(b.var_off.value) else 0


@rule
def taken64_ult(a: Scalar, b: Scalar) -> s32:
    """a < b."""
    one, x, y = one_known64(a, b)
    if one and x.umax < y.umin:
        return 1
    return 0 if one and x.umin >= y.umax else UNDECIDED


@rule
def taken64_ule(a: Scalar, b: Scalar) -> s32:
    """a <= b."""
    one, x, y = one_known64(a, b)
    if one and x.umax <= y.umin:
        return 1
    return 0 if one and x.umin > y.umax else UNDECIDED


@rule
def taken64_slt(a: Scalar, b: Scalar) -> s32:
    """a s< b."""
    one, x, y = one_known64(a, b)
    if one and x.smax < y.smin:
        return 1
    return 0 if one and x.smin >= y.smax else UNDECIDED


@rule
def taken64_sle(a: Scalar, b: Scalar) -> s32:
    """a s<= b."""
    one, x, y = one_known64(a, b)
    if one and x.smax <= y.smin:
        return 1
    return 0 if one and x.smin > y.smax else UNDECIDED


@rule
def taken32_ult(a: Scalar, b: Scalar) -> s32:
    """(u32) a < (u32) b."""
    one, x, y = one_known32(a, b)
    if one and x.u32max < y.u32min:
        return 1
    return 0 if one and x.u32min >= y.u32max else UNDECIDED


@rule
def taken32_ule(a: Scalar, b: Scalar) -> s32:
    """(u32) a <= (u32) b."""
    one, x, y = one_known32(a, b)
    if one and x.u32max <= y.u32min:
        return 1
    return 0 if one and x.u32min > y.u32max else UNDECIDED


@rule
def taken32_slt(a: Scalar, b: Scalar) -> s32:
    """(s32) a < (s32) b."""
    one, x, y = one_known32(a, b)
    if one and x.s32max < y.s32min:
        return 1
    return 0 if one and x.s32min >= y.s32max else UNDECIDED


@rule
def taken32_sle(a: Scalar, b: Scalar) -> s32:
    """(s32) a <= (s32) b."""
    one, x, y = one_known32(a, b)
    if one and x.s32max <= y.s32min:
        return 1
    return 0 if one and x.s32min > y.s32max else UNDECIDED
