"""CVE-2017-17853: a logical shift right kept the signed upper bound."""

from __future__ import annotations

from bpfsmt.bits import S64_MAX, S64_MIN, replace, rule, s64, u64
from bpfsmt.domain.scalar import TNUM_UNKNOWN, UNKNOWN, Scalar
from bpfsmt.rules.bounds import is_const, sync
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.paper import RULES as PAPER
from bpfsmt.rules.tnum import tnum_rshift


@rule
def rsh_s64(a: Scalar, b: Scalar) -> tuple[s64, s64]:
    """smin and smax of a >> b as Linux 4.14 had them: smax stays what it was."""
    if a.smin >= 0:
        return s64(u64(a.smin) >> b.umax), a.smax
    return (0, a.smax) if b.umin > 0 else (S64_MIN, S64_MAX)


@rule
def alu64_rsh(a: Scalar, b: Scalar) -> Scalar:
    """a >> b (kernel 4.14 ``adjust_scalar_min_max_vals``)."""
    if b.umax > 63:
        return UNKNOWN
    smin, smax = rsh_s64(a, b)
    bits = tnum_rshift(a.var_off if is_const(b) else TNUM_UNKNOWN, b.umin)
    shifted = replace(UNKNOWN, var_off=bits, umin=a.umin >> b.umax, umax=a.umax >> b.umin)
    return sync(replace(shifted, smin=smin, smax=smax))


EXHIBIT = Exhibit(
    PAPER.derive("museum/cve-2017-17853", alu64_rsh),
    number="A03",
    title="logical shift right keeps the signed upper bound",
    cve="CVE-2017-17853",
    fix="4374f256ce81",
    introduced="b03c9f9fdc37 (4.14)",
    bad="4.14 to 4.14.8",
    fixed="4.15-rc5, 4.14.9",
    kind="operator",
    wrong="Of a number that may be negative, the shift clears the sign bit: smin became 0, but "
    "smax stayed, -1 say, or 254. A negative number becomes a huge positive one.",
    right="The signed bounds are forgotten and rebuilt from the unsigned ones and the bits.",
    refuted=("alu64_rsh/tnum", "alu64_rsh/u64", "alu64_rsh/s64"),
)
