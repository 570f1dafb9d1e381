"""CVE-2018-18445: a 32-bit shift right was computed on all 64 bits, then truncated."""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, rule
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.alu64 import alu64_rsh
from bpfsmt.rules.bounds import from_umax, zext32
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.paper import RULES as PAPER


@rule
def alu32_rsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) (a >> b) as in Linux 4.18 (``adjust_scalar_min_max_vals``)."""
    if b.umax > 31:
        return from_umax(U32_MAX)
    return zext32(alu64_rsh(a, b))


EXHIBIT = Exhibit(
    PAPER.derive("museum/cve-2018-18445", alu32_rsh),
    number="A05",
    title="32-bit shift right brings down the upper half",
    cve="CVE-2018-18445",
    fix="b799207e1e18",
    introduced="468f6eafa6c4, the fix of CVE-2017-17852 (4.15, 4.14.9)",
    bad="4.15 to 4.18, 4.14 from 4.14.9",
    fixed="4.19-rc7",
    kind="operator",
    wrong="Results were truncated now, and operands no longer. For a sum that comes to the same, "
    "but a shift right moves bits of the upper half into the lower one.",
    right="Before a 32-bit shift right its operands are truncated too.",
    refuted=("alu32_rsh/tnum", "alu32_rsh/u64", "alu32_rsh/s64"),
)
