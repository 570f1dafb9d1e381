"""What is known of returned numbers (kernel 6.12 ``do_refine_retval_range`` and others)."""

from __future__ import annotations

from bpfsmt.bits import replace, rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.sync import meet_s32, meet_s64, sync

MAX_ERRNO = 4095
"""Negative returns down to -4095 are error numbers (kernel MAX_ERRNO)."""


@rule
def retval_length(r: Scalar, longest: s64) -> Scalar:
    """R0 of a helper that returns how much it wrote, at most ``longest``, or an error.

    ``bpf_get_stack``, ``bpf_get_task_stack``, ``bpf_probe_read_*_str``; r is what is known
    of R0 anyway, ``longest`` the greatest size that the size argument may have.
    """
    wide = replace(r, smin=-MAX_ERRNO, smax=longest)
    return sync(replace(wide, s32min=-MAX_ERRNO, s32max=s32(longest)))


@rule
def retval_cpu(r: Scalar, cpus: u32) -> Scalar:
    """R0 of ``bpf_get_smp_processor_id`` on a machine of ``cpus`` (at least 1) processors."""
    last = cpus - 1
    whole = replace(r, umin=0, umax=u64(last), smin=0, smax=s64(last))
    return sync(replace(whole, u32min=0, u32max=last, s32min=0, s32max=s32(last)))


@rule
def retval_range(r: Scalar, lo: s32, hi: s32) -> Scalar:
    """r, which is known to be in lo..hi too (``__mark_reg_s32_range``)."""
    return sync(meet_s64(meet_s32(r, lo, hi), s64(lo), s64(hi)))


@rule
def retval_within(r: Scalar, lo: s32, hi: s32, narrow: bool) -> bool:
    """All of r, or of its low half if ``narrow``, is in lo..hi (``retval_range_within``)."""
    if narrow:
        return lo <= r.s32min and r.s32max <= hi
    return s64(lo) <= r.smin and r.smax <= s64(hi)
