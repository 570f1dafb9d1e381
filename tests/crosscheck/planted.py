"""Unsound rules, planted one at a time: every check must find each of them."""

from __future__ import annotations

from bpfsmt.bits import S64_MAX, S64_MIN, replace, rule, s64, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.rules.bounds import sync
from bpfsmt.rules.tnum import tnum_rshift, tnum_zext32


@rule
def tnum_add(a: Tnum, b: Tnum) -> Tnum:
    """Forgets that an unknown bit may carry."""
    unknown = a.mask | b.mask
    return Tnum((a.value + b.value) & ~unknown, unknown)


@rule
def refine64_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a < b taken for a < b - 1: off by one."""
    below = b.umax - 2 if b.umax > 1 else b.umax
    return sync(replace(a, umax=min(a.umax, below))), b


@rule
def zext32(r: Scalar) -> Scalar:
    """Keeps the 64-bit range of what was truncated (CVE-2017-16996's mistake)."""
    low = tnum_zext32(r.var_off)
    return sync(replace(UNKNOWN, var_off=low, umin=max(r.umin, low.value), umax=r.umax))


@rule
def alu64_rsh(a: Scalar, b: Scalar) -> Scalar:
    """Keeps the old signed maximum (CVE-2017-17853's mistake)."""
    if b.umax > 63:
        return UNKNOWN
    return replace(
        UNKNOWN,
        var_off=tnum_rshift(a.var_off, b.umin),
        smin=S64_MIN if a.smin >= 0 else 0,
        smax=a.smax if a.smin < 0 else S64_MAX,
    )


@rule
def bounds_from_sign(r: Scalar) -> Scalar:
    """Takes the signed minimum for an unsigned one whatever its sign."""
    return replace(r, umin=max(r.umin, u64(r.smin)), smin=max(r.smin, s64(r.umin)))


PLANTED: list[RuleSet] = [
    rule_set("xdp-paper").derive(f"planted-{r.name}", r)
    for r in (tnum_add, refine64_ult, zext32, alu64_rsh, bounds_from_sign)
]
