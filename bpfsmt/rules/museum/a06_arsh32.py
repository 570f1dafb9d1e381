"""32-bit arithmetic shifts right that never saw the sign bit (Linux 4.18 to 5.4)."""

from __future__ import annotations

from bpfsmt.bits import U32_MAX, rule
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.alu64 import alu64_arsh
from bpfsmt.rules.bounds import from_umax, zext32
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.paper import RULES as PAPER


@rule
def alu32_arsh(a: Scalar, b: Scalar) -> Scalar:
    """(u32) ((s32) a s>> b) as in Linux 4.18 (``adjust_scalar_min_max_vals``)."""
    count = zext32(b)
    if count.umax > 31:
        return from_umax(U32_MAX)
    return zext32(alu64_arsh(zext32(a), count))


EXHIBIT = Exhibit(
    PAPER.derive("museum/a06-arsh32", alu32_arsh),
    number="A06",
    title="32-bit arithmetic shift right loses the sign",
    fix="0af2ffc93a4b",
    introduced="9cbe1f5a32dc (4.18)",
    bad="4.18 to 5.4",
    fixed="5.5-rc7",
    kind="operator",
    wrong="The operand was zero-extended and shifted in 64 bits, where its bit 31 is no sign: "
    "zeros came in from above, where the machine copies the sign.",
    right="The low half is shifted as a signed 32-bit number.",
    refuted=("alu32_arsh/tnum", "alu32_arsh/u64", "alu32_arsh/s64"),
)
