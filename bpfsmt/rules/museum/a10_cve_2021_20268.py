"""CVE-2021-20268: overflow of a 64-bit difference was tested on low halves."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, s64
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def sub_overflows(a: s64, b: s64) -> bool:
    """a - b does not fit, as Linux 5.7 asked it (``signed_sub_overflows(s32 a, s32 b)``)."""
    x = s32(a)
    y = s32(b)
    difference = x - y
    return (difference > x) if y >= 0 else (difference < x)


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2021-20268", sub_overflows),
    number="A10",
    title="overflow of a 64-bit difference is tested on the low halves",
    cve="CVE-2021-20268",
    fix="bc895e8b2a64",
    introduced="3f50f132d840 (5.7)",
    bad="5.7 to 5.10.9",
    fixed="5.11, 5.10.10",
    kind="operator",
    wrong="When the test got a twin for 32 bits, the parameters of the two were mixed up: that of "
    "64-bit differences took s32. A lower bound near S64_MIN wraps unnoticed, and the range turns "
    "inside out.",
    right="The test of 64-bit differences takes 64-bit numbers.",
    refuted=("sub_core/s64", "sub_overflows/exact"),
)
