"""32-bit sign extension that forgot the bits (Linux 6.6 to 6.9)."""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, replace, rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.extend import sext_word32
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.tnum import tnum_const


@rule
def sext_low(r: Scalar, bits: u32) -> Scalar:
    """Sign extension to 32 bits in Linux 6.6 (``coerce_subreg_to_size_sx``): old var_off."""
    if is_const(r):
        x = sext_word32(s32(r.var_off.value), bits)
        exact = replace(r, var_off=tnum_const(u64(s64(x))), u32min=u32(x), u32max=u32(x))
        return replace(exact, s32min=x, s32max=x)
    a = sext_word32(r.s32min, bits)
    b = sext_word32(r.s32max, bits)
    lo = min(a, b)
    hi = max(a, b)
    if u32(r.s32max) >> bits == u32(r.s32min) >> bits and (a >= 0) == (b >= 0):
        return replace(r, u32min=u32(lo), u32max=u32(hi), s32min=lo, s32max=hi)
    top = (s32(1) << (bits - 1)) - 1
    return replace(r, u32min=0, u32max=U32_MAX, s32min=-1 - top, s32max=top)


EXHIBIT = Exhibit(
    LINUX.derive("museum/a15-movsx32", sext_low),
    number="A15",
    title="32-bit sign extension leaves the bits as they were",
    fix="380d5f89a481 and 44b7f7151dfc",
    introduced="8100928c8814 (6.6)",
    bad="6.6 to 6.9",
    fixed="6.10",
    kind="operator",
    wrong="New bounds were set, and var_off was forgotten: it still said that the bits above the "
    "byte are zero, although copies of its sign are there now.",
    right="var_off is rebuilt from the new bounds, or is unknown.",
    refuted=("sext_low(8)/tnum", "sext_low(16)/tnum"),
)
