"""The code that stands for a division (kernel 6.12 ``do_misc_fixups``).

A divider traps at 0, and a signed one where the quotient does not fit, so the verifier
puts compares around the bare instruction.  A program was verified as it was written; these
rules are what runs in its place, step by step, on numbers.
"""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.bits import div_trunc, record, rem_trunc, rule, s32, s64, u32, u64


@record
class Emitted(NamedTuple):
    """Both registers behind the code; ``then`` says whether execution comes there."""

    dst: u64
    src: u64
    then: u32


GOES_ON, LEAVES, TRAPS = 0, 1, 2
"""Behind the code; out of the function, which returns 0; into a trap of the processor."""


@rule
def emitted_div64(dst: u64, src: u64) -> Emitted:
    """``if r_src != 0 goto divide; w_dst ^= w_dst; goto on; divide: r_dst /= r_src``."""
    return Emitted(dst // src if src != 0 else u64(0), src, GOES_ON)


@rule
def emitted_div32(dst: u64, src: u64) -> Emitted:
    """The same of low halves, with ``if w_src != 0``."""
    return Emitted(u64(u32(dst) // u32(src)) if u32(src) != 0 else u64(0), src, GOES_ON)


@rule
def emitted_mod64(dst: u64, src: u64) -> Emitted:
    """``if r_src == 0 goto on; r_dst %= r_src``."""
    return Emitted(dst % src if src != 0 else dst, src, GOES_ON)


@rule
def emitted_mod32(dst: u64, src: u64) -> Emitted:
    """``if w_src == 0 goto zero; w_dst %= w_src; goto on; zero: w_dst = w_dst``."""
    return Emitted(u64(u32(dst) % u32(src) if u32(src) != 0 else u32(dst)), src, GOES_ON)


@rule
def emitted_sdiv64(dst: u64, src: u64) -> Emitted:
    """Before the division, src is tried for 0 (result 0) and for -1 (result -dst)."""
    if src == 0:
        return Emitted(0, src, GOES_ON)
    if src + 1 == 0:
        return Emitted(-dst, src, GOES_ON)
    return Emitted(u64(div_trunc(s64(dst), s64(src))), src, GOES_ON)


@rule
def emitted_sdiv32(dst: u64, src: u64) -> Emitted:
    """The same of low halves."""
    if u32(src) == 0:
        return Emitted(0, src, GOES_ON)
    if u32(src) + 1 == 0:
        return Emitted(u64(-u32(dst)), src, GOES_ON)
    return Emitted(u64(u32(div_trunc(s32(dst), s32(src)))), src, GOES_ON)


@rule
def emitted_smod64(dst: u64, src: u64) -> Emitted:
    """Before the division, src is tried for 0 (dst stays) and for -1 (result 0)."""
    if src == 0:
        return Emitted(dst, src, GOES_ON)
    if src + 1 == 0:
        return Emitted(0, src, GOES_ON)
    return Emitted(u64(rem_trunc(s64(dst), s64(src))), src, GOES_ON)


@rule
def emitted_smod32(dst: u64, src: u64) -> Emitted:
    """The same of low halves."""
    if u32(src) == 0:
        return Emitted(u64(u32(dst)), src, GOES_ON)
    if u32(src) + 1 == 0:
        return Emitted(0, src, GOES_ON)
    return Emitted(u64(u32(rem_trunc(s32(dst), s32(src)))), src, GOES_ON)
