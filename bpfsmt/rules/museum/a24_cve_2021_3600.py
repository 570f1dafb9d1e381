"""CVE-2021-3600: the code for a 32-bit division cut off the divisor's register."""

from __future__ import annotations

from bpfsmt.bits import rule, u32, u64
from bpfsmt.rules.linux.emitted import GOES_ON, Emitted
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def emitted_div32(dst: u64, src: u64) -> Emitted:
    """``w_src = w_src; if r_src != 0 goto divide; ...`` (kernel 5.10 ``fixup_bpf_calls``)."""
    by = u64(u32(src))
    return Emitted(u64(u32(dst) // u32(by)) if by != 0 else u64(0), by, GOES_ON)


@rule
def emitted_mod32(dst: u64, src: u64) -> Emitted:
    """``w_src = w_src; if r_src == 0 goto on; w_dst %= w_src``; the result is as it should be."""
    by = u64(u32(src))
    return Emitted(u64(u32(dst) % u32(by) if by != 0 else u32(dst)), by, GOES_ON)


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2021-3600", emitted_div32, emitted_mod32),
    number="A24",
    title="the code for a 32-bit division changes the divisor's register",
    cve="CVE-2021-3600",
    fix="e88b2c6e5a4d",
    introduced="68fda450a7df (4.15)",
    bad="4.15 to 5.10",
    fixed="5.11",
    kind="rewrite",
    wrong="To test a 32-bit divisor for 0, the code that was put around the division cut the "
    "register to 32 bits first. The verifier had not seen that code: to it the register stays.",
    right="The divisor is tested by a 32-bit jump.",
    refuted=("emitted_div32/src kept", "emitted_mod32/src kept"),
    limits="The remainder by 0 was wrong as well (CVE-2021-3444); here it is right.",
)
