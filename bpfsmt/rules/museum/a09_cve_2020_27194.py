"""CVE-2020-27194: a 32-bit OR took its bounds from the 64-bit ones."""

from __future__ import annotations

from bpfsmt.bits import S32_MAX, S32_MIN, replace, rule, s32, u32
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import is_const32
from bpfsmt.rules.linux.alu_6_1 import signed_whole
from bpfsmt.rules.linux.sync import from_bits
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.linux.widen import known
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.tnum import tnum_or, tnum_umax


@rule
def or_low(r: Scalar, a: Scalar, b: Scalar) -> Scalar:
    """r with the low half's ranges of a | b in Linux 5.7 (``scalar32_min_max_or``)."""
    x = u32(r.var_off.value)
    if is_const32(r) and is_const32(b):
        return replace(r, u32min=x, u32max=x, s32min=s32(x), s32max=s32(x))
    low = replace(r, u32min=max(a.u32min, u32(b.umin)), u32max=u32(tnum_umax(r.var_off)))
    if a.s32min < 0 or s32(b.smin) < 0:
        return replace(low, s32min=S32_MIN, s32max=S32_MAX)
    return replace(low, s32min=s32(a.umin), s32max=s32(a.umax))


@rule
def or_core(a: Scalar, b: Scalar) -> Scalar:
    """a | b in Linux 5.7."""
    t = tnum_or(a.var_off, b.var_off)
    r = replace(UNKNOWN, var_off=t, umin=max(a.umin, b.umin), umax=tnum_umax(t))
    if is_const(r) and is_const(b):
        return known(t.value)
    return from_bits(signed_whole(or_low(r, a, b), a.smin >= 0 and b.smin >= 0))


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2020-27194", or_core),
    number="A09",
    title="a 32-bit OR is bounded by the low halves of 64-bit bounds",
    cve="CVE-2020-27194",
    fix="5b9fbeb75b6a",
    introduced="3f50f132d840 (5.7)",
    bad="5.7 to 5.8",
    fixed="5.9",
    kind="operator",
    wrong="The 32-bit part of OR read smin and umin of the source, cut to 32 bits, and took the "
    "destination's umin and umax, cut as well, for s32min and s32max. From 1 to 0x600000001 "
    "that leaves just 1.",
    right="It reads the 32-bit fields, and s32 is taken from the new u32.",
    refuted=("or_core/u32", "or_core/s32"),
)
