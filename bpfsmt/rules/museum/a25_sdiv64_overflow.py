"""A signed division whose quotient does not fit, which traps (Linux 6.6 to 6.11)."""

from __future__ import annotations

from bpfsmt.bits import S64_MIN, div_trunc, rule, s64, u64
from bpfsmt.rules.linux.emitted import GOES_ON, TRAPS, Emitted
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def emitted_sdiv64(dst: u64, src: u64) -> Emitted:
    """Only a divisor of 0 is caught; the processor traps at S64_MIN / -1."""
    if src == 0:
        return Emitted(0, src, GOES_ON)
    if s64(dst) == S64_MIN and s64(src) == -1:
        return Emitted(dst, src, TRAPS)
    return Emitted(u64(div_trunc(s64(dst), s64(src))), src, GOES_ON)


EXHIBIT = Exhibit(
    LINUX.derive("museum/a25-sdiv64-overflow", emitted_sdiv64),
    number="A25",
    title="the least number divided by -1 traps",
    fix="7dd34d7b7dcf",
    introduced="ec0e2da95f72 (6.6)",
    bad="6.6 to 6.11",
    fixed="6.12",
    kind="rewrite",
    wrong="A JIT for x86 emits idiv, which traps if the quotient does not fit. A divisor of 0 was "
    "caught; S64_MIN / -1 was not, and the kernel crashed.",
    right="A divisor of -1 is caught too, and the number negated.",
    refuted=("emitted_sdiv64/goes on",),
    limits="32-bit divisions and remainders had it too.",
)
