"""Linked registers in Linux 6.18 (6.18.44): differences too, and 32-bit links, by backports."""

from __future__ import annotations

from bpfsmt.bits import S32_MIN, U32_MAX, rule, s32, s64, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import add_core, fits_s32, is_const32, zext32
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.linux.widen import known


@rule
def sync_linked(reg: Scalar, source: Scalar, reg_off: s64, source_off: s64, add32: bool) -> Scalar:
    """As in 6.12, but synced; of a 32-bit link, the low half.

    Then ``source`` is a low half itself, and so are reg and the id's base: no link is made
    otherwise (`links_add32`).
    """
    if reg_off == source_off:
        return source
    moved = add_core(source, known(u64(reg_off - source_off)))
    return zext32(moved) if add32 else sync(moved)


@rule
def links_add(n: Scalar) -> bool:
    """Whether a 64-bit ``dst += n`` keeps dst linked: n is a signed 32-bit number."""
    return is_const(n) and fits_s32(s64(n.var_off.value))


@rule
def links_sub(n: Scalar) -> bool:
    """Whether a 64-bit ``dst -= n`` keeps dst linked: -n is a signed 32-bit number too."""
    return links_add(n) and s64(n.var_off.value) != S32_MIN


@rule
def links_keep(src: Scalar, bits: u64) -> bool:
    """Whether the low ``bits`` in the order that they have keep the link: only if they are all."""
    return bits == 64


@rule
def links_add32(dst: Scalar, n: Scalar) -> bool:
    """Whether ``w_dst += w_n`` keeps dst linked: dst fits 32 bits, so that its base does."""
    return is_const32(n) and dst.umax <= U32_MAX


@rule
def links_sub32(dst: Scalar, n: Scalar) -> bool:
    """Whether ``w_dst -= w_n`` keeps dst linked."""
    return links_add32(dst, n) and s32(n.var_off.value) != S32_MIN
