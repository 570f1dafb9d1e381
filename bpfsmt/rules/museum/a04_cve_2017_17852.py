"""CVE-2017-17852: 32-bit arithmetic truncated its operands, but not its result."""

from __future__ import annotations

from bpfsmt.bits import rule
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.alu64 import alu64_add, alu64_lsh
from bpfsmt.rules.bounds import zext32
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.paper import RULES as PAPER


@rule
def alu32_add(a: Scalar, b: Scalar) -> Scalar:
    """32-bit add in Linux 4.14 (``adjust_scalar_min_max_vals``): may reach 2**33."""
    return alu64_add(zext32(a), zext32(b))


@rule
def alu32_lsh(a: Scalar, b: Scalar) -> Scalar:
    """32-bit shift left in Linux 4.14: counts up to 63."""
    return alu64_lsh(zext32(a), zext32(b))


EXHIBIT = Exhibit(
    PAPER.derive("museum/cve-2017-17852", alu32_add, alu32_lsh),
    number="A04",
    title="the result of 32-bit arithmetic is not truncated",
    cve="CVE-2017-17852",
    fix="468f6eafa6c4",
    bad="4.14 to 4.14.8",
    fixed="4.15-rc5, 4.14.9",
    kind="operator",
    wrong="A 32-bit operation was the 64-bit one on truncated operands. The machine truncates the "
    "result as well. Counts of shifts were allowed up to 63.",
    right="The result is truncated to 32 bits too, and a count above 31 leaves nothing known.",
    refuted=(
        "alu32_add/tnum", "alu32_add/u64", "alu32_add/s64",
        "alu32_lsh/tnum", "alu32_lsh/u64", "alu32_lsh/s64",
    ),
    limits="Every 32-bit operation had it; add and shift left are shown.",
)  # fmt: skip
