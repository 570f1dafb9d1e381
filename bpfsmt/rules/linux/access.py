"""Whether an access through a pointer is in bounds, in Linux 6.12."""

from __future__ import annotations

from bpfsmt.bits import S64_MIN, rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.rules.access import MAX_VAR_OFF
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import fits_s32


@rule
def within(off: s64, size: u64, limit: u64) -> bool:
    """Bytes off to off + size lie in 0..limit (kernel ``__check_mem_access``)."""
    low = s64(s32(off))
    return low >= 0 and u64(low) + size <= limit


@rule
def region_access_ok(var: Scalar, off: s64, size: u64, limit: u64) -> bool:
    """Bytes ``off + x`` to ``off + x + size`` lie in 0..limit for every x in ``var``.

    Kernel ``check_mem_region_access``: the lower end read signed, the upper one unsigned.
    off is a signed 32-bit number, size and limit are below 2**32.
    """
    low = var.smin + off
    if var.smin < 0 and (var.smin == S64_MIN or not fits_s32(low) or low < 0):
        return False
    if not within(low, size, limit) or var.umax >= MAX_VAR_OFF:
        return False
    return within(s64(var.umax) + off, size, limit)


@rule
def stack_access_ok(var: Scalar, off: s64, size: u64, lowest: s64) -> bool:
    """Bytes ``off + x`` to ``off + x + size`` lie in lowest..0 for every x in ``var``.

    Kernel ``check_stack_access_within_bounds``.  lowest is -512, or for a read by a program
    that may not read what it never wrote, minus the bytes of stack in use.
    """
    if is_const(var):
        at = s64(var.var_off.value) + off
        return lowest <= at < 0 and at + s64(size) <= 0
    if var.smax >= MAX_VAR_OFF or var.smin <= -MAX_VAR_OFF:
        return False
    return lowest <= var.smin + off < 0 and var.smax + off + s64(size) <= 0


@rule
def stack_reach(var: Scalar, off: s64) -> tuple[s64, s64]:
    """The lowest and the highest place where an access to the stack may begin, once admitted."""
    return var.smin + off, var.smax + off


@rule
def index_known(index: Tnum, entries: u32) -> bool:
    """index is one number below ``entries``.

    A tail call then jumps there at once (``record_func_key``), and a lookup in an array
    cannot fail (Linux 6.14).
    """
    return index.mask == 0 and index.value < u64(entries)


@rule
def size_arg_ok(n: Scalar, zero_ok: bool) -> bool:
    """n may be the size of memory passed to a helper (``check_mem_size_reg``).

    If so, n.umax bytes must be accessible.
    """
    return n.smin >= 0 and (zero_ok or n.umin != 0) and n.umax < MAX_VAR_OFF
