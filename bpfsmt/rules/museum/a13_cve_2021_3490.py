"""CVE-2021-3490: 32-bit bounds of AND, OR, XOR were left alone where they had to be set."""

from __future__ import annotations

from bpfsmt.bits import replace, rule
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.alu import is_const32
from bpfsmt.rules.linux.alu_6_1 import signed_low, signed_whole
from bpfsmt.rules.linux.sync import from_bits
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.linux.widen import known
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def bitwise_6_1(r: Scalar, a: Scalar, b: Scalar) -> Scalar:
    """r completed in Linux 5.10 (``scalar32_min_max_and`` and so on): a's 32-bit ranges stay."""
    kept = replace(r, u32min=a.u32min, u32max=a.u32max, s32min=a.s32min, s32max=a.s32max)
    part = (
        kept if is_const32(r) and is_const32(b) else signed_low(r, a.s32min >= 0 and b.s32min >= 0)
    )
    if is_const(r) and is_const(b):
        return known(r.var_off.value)
    return from_bits(signed_whole(part, a.smin >= 0 and b.smin >= 0))


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2021-3490", bitwise_6_1),
    number="A13",
    title="bitwise operations on known low halves keep the old 32-bit bounds",
    cve="CVE-2021-3490",
    fix="049c4e13714e",
    introduced="3f50f132d840 (AND, OR, 5.7), 2921c90d4718 (XOR, 5.10)",
    bad="5.7 to 5.12.3",
    fixed="5.13-rc4, 5.12.4, 5.11.21, 5.10.37",
    kind="operator",
    wrong="If both low halves were known, the 32-bit part returned at once: the 64-bit part would "
    "see to the rest. That does so only if both whole registers are known.",
    right="The low half is marked as the known number that it is.",
    refuted=(
        "and_core/u32", "and_core/s32", "or_core/u32", "or_core/s32", "xor_core/u32",
        "xor_core/s32",
    ),
)  # fmt: skip
