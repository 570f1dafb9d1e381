"""A division by 0 that left the function (Linux up to 4.15)."""

from __future__ import annotations

from bpfsmt.bits import rule, u32, u64
from bpfsmt.rules.linux.emitted import GOES_ON, LEAVES, Emitted
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def emitted_div64(dst: u64, src: u64) -> Emitted:
    """``if r_src == 0 return 0; r_dst /= r_src``, in the interpreter and in every JIT."""
    return Emitted(dst // src, src, GOES_ON) if src != 0 else Emitted(0, src, LEAVES)


@rule
def emitted_div32(dst: u64, src: u64) -> Emitted:
    """The same of low halves."""
    if u32(src) == 0:
        return Emitted(0, src, LEAVES)
    return Emitted(u64(u32(dst) // u32(src)), src, GOES_ON)


EXHIBIT = Exhibit(
    LINUX.derive("museum/a24-division-leaves", emitted_div64, emitted_div32),
    number="A24",
    title="a division by 0 returns from the function",
    fix="f6b1b3bf0d5f",
    bad="up to 4.15",
    fixed="4.16",
    kind="rewrite",
    wrong="A division by 0 ended the program with 0. Since a function of its own may do that too "
    "(4.16), its caller gets a 0 that the verifier never saw it return.",
    right="A division by 0 gives 0, and the program goes on.",
    refuted=("emitted_div64/goes on", "emitted_div32/goes on"),
    limits="Remainders did the same; divisions are shown.",
)
