"""Signed 32-bit division in the interpreter, wrong for the least number (up to Linux 7.0-rc)."""

from __future__ import annotations

from bpfsmt.bits import div_trunc, rule, s32, s64, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.linux.alu import is_const32
from bpfsmt.rules.linux.emitted import GOES_ON, Emitted
from bpfsmt.rules.linux.v6_18 import RULES as LINUX
from bpfsmt.rules.linux.widen import known
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def magnitude32(x: s32) -> u64:
    """``AX = abs(x)``: of the least number abs gives that number, which is sign-extended."""
    return u64(s64(-x)) if x < 0 else u64(s64(x))


@rule
def emitted_sdiv32(dst: u64, src: u64) -> Emitted:
    """Signed division of magnitudes, as ``___bpf_prog_run`` did it."""
    if u32(src) == 0:
        return Emitted(0, src, GOES_ON)
    if u32(src) + 1 == 0:
        return Emitted(u64(-u32(dst)), src, GOES_ON)
    q = magnitude32(s32(dst)) // u64(u32(magnitude32(s32(src))))
    same = (s32(dst) < 0) == (s32(src) < 0)
    return Emitted(u64(u32(q)) if same else u64(u32(-q)), src, GOES_ON)


@rule
def alu32_sdiv(a: Scalar, b: Scalar) -> Scalar:
    """(s32) a s/ (s32) b of known numbers; Linux 7.0 tracks quotients by known divisors."""
    if not is_const32(a) or not is_const32(b):
        return UNKNOWN
    x = s32(a.var_off.value)
    y = s32(b.var_off.value)
    return known(u64(u32(div_trunc(x, y)))) if y != 0 else known(0)


TRACKED = LINUX.derive("linux-6.18 with known quotients", alu32_sdiv)

EXHIBIT = Exhibit(
    TRACKED.derive("museum/a25-sdiv32-magnitude", emitted_sdiv32),
    number="A25",
    title="the interpreter divides the least 32-bit number as a 64-bit one",
    cve="CVE-2026-31525",
    fix="c77b30bd1dcb",
    introduced="ec0e2da95f72 (6.6)",
    bad="6.6 to 7.0-rc",
    fixed="7.0",
    kind="rewrite",
    wrong="The interpreter divides magnitudes. abs() of INT_MIN is INT_MIN, and assigned to 64 "
    "bits it is 0xffffffff80000000: INT_MIN / 2 came out as 0x40000000, where the verifier has "
    "-0x40000000.",
    right="The magnitude is computed as an unsigned 32-bit number.",
    refuted=("emitted_sdiv32/result",),
    limits="Only the interpreter had it, not what is compiled. Remainders had it too. That the "
    "verifier knows quotients came with 7.0; here it knows those of known numbers. The text is "
    "after the fix's description.",
)
