"""CVE-2021-3444: the code for a 32-bit remainder by 0 did not zero the upper half."""

from __future__ import annotations

from bpfsmt.bits import rule, u32, u64
from bpfsmt.rules.linux.emitted import GOES_ON, Emitted
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def emitted_mod32(dst: u64, src: u64) -> Emitted:
    """``if w_src == 0 goto on; w_dst %= w_src`` (kernel 5.11 ``fixup_bpf_calls``)."""
    return Emitted(u64(u32(dst) % u32(src)) if u32(src) != 0 else dst, src, GOES_ON)


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2021-3444", emitted_mod32),
    number="A24",
    title="a 32-bit remainder by 0 keeps the upper half",
    cve="CVE-2021-3444",
    fix="9b00f1b78809",
    bad="4.15 to 5.11",
    fixed="5.12",
    kind="rewrite",
    wrong="x % 0 is x, and so the code that was put around the instruction jumped over it. But a "
    "32-bit operation zeroes the upper half of its result, as the verifier knows.",
    right="For a divisor of 0 the code does `w_dst = w_dst`.",
    refuted=("emitted_mod32/result by 0",),
)
