"""Linked registers of Linux 6.12: what is learnt of one holds of all with its id.

A register's *link* is its id and, once a constant was added to it, its distance from the
id's base (``BPF_ADD_CONST``, ``bpf_reg_state.off``).
"""

from __future__ import annotations

from bpfsmt.bits import S32_MAX, bit_length, rule, s64, u32, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import add_core, zext32
from bpfsmt.rules.linux.widen import known


@rule
def sync_linked(reg: Scalar, source: Scalar, reg_off: s64, source_off: s64, add32: bool) -> Scalar:
    """What ``reg`` is, given what was learnt of ``source`` (kernel ``sync_linked_regs``).

    With b the id's base, source is b + source_off and reg is b + reg_off; or, if ``add32``,
    each is the low half of that (a 32-bit link, after 6.12).  Offsets are signed 32-bit
    numbers.  What was known of reg before is dropped, and the result not synced.
    """
    moved = source if reg_off == source_off else add_core(source, known(u64(reg_off - source_off)))
    return zext32(moved) if add32 else moved


@rule
def links_narrow(reg_width: u32, source_width: u32) -> bool:
    """Whether what is learnt is of the low half only: one of the links is of 32 bits."""
    return reg_width == 32 or source_width == 32


@rule
def linked(
    reg: Scalar, source: Scalar, reg_off: s64, source_off: s64, reg_width: u32, source_width: u32
) -> Scalar:
    """`sync_linked` for two links of the widths that `links_mix` speaks of."""
    return sync_linked(reg, source, reg_off, source_off, links_narrow(reg_width, source_width))


@rule
def fits_bits(r: Scalar, bits: u64) -> bool:
    """r is below 2**bits: its low ``bits`` are the whole number (``get_reg_width``)."""
    return bit_length(r.umax) <= bits


@rule
def links_mov(src: Scalar) -> bool:
    """Whether ``dst = src`` gives both one id (``assign_scalar_id_before_mov``)."""
    return not is_const(src)


@rule
def links_mov32(src: Scalar) -> bool:
    """Whether ``w_dst = w_src`` keeps the link: the upper half is zero anyway."""
    return fits_bits(src, 32)


@rule
def links_spill(r: Scalar, size: u64) -> bool:
    """Whether a spill of the low ``size`` bytes keeps the link."""
    return fits_bits(r, size << 3)


@rule
def links_fill(r: Scalar, size: u64) -> bool:
    """Whether a fill of ``size`` bytes of the spilled r keeps the link."""
    return fits_bits(r, size << 3)


@rule
def links_fill_sext(r: Scalar, size: u64) -> bool:
    """Whether a sign-extending fill of ``size`` bytes of the spilled r keeps the link.

    Decided as for one that extends with zeros (``check_stack_read_fixed_off``): unsound.
    """
    return links_fill(r, size)


@rule
def links_movsx(src: Scalar, bits: u64) -> bool:
    """Whether sign-extending the low ``bits`` changes nothing, so that the link is kept."""
    return src.umax < u64(1) << (bits - 1)


@rule
def links_add(n: Scalar) -> bool:
    """Whether a 64-bit ``dst += n`` keeps dst linked, n away (``adjust_reg_min_max_vals``).

    Only the first such addition does.
    """
    return is_const(n) and n.var_off.value <= u64(S32_MAX)


@rule
def links_sub(n: Scalar) -> bool:
    """Whether a 64-bit ``dst -= n`` keeps dst linked, -n away."""
    return False


@rule
def links_add32(dst: Scalar, n: Scalar) -> bool:
    """Whether ``w_dst += w_n`` keeps dst linked, by a 32-bit link, n away."""
    return False


@rule
def links_sub32(dst: Scalar, n: Scalar) -> bool:
    """Whether ``w_dst -= w_n`` keeps dst linked, by a 32-bit link, -n away."""
    return False


@rule
def links_swap(src: Scalar, bits: u64) -> bool:
    """Whether the low ``bits`` with their bytes exchanged keep the link."""
    return False


@rule
def links_keep(src: Scalar, bits: u64) -> bool:
    """Whether the low ``bits`` in the order that they have keep the link."""
    return False


@rule
def links_mix(reg_width: u32, source_width: u32) -> bool:
    """Whether what is learnt of one link says anything of the other.

    A width is that of the addition, 32 or 64; 0 for a plain copy.
    """
    return reg_width == source_width or reg_width == 0 or source_width == 0
