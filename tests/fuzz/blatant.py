"""A rule file with two wrong rules that hardly any program misses."""

from bpfsmt.bits import replace, rule
from bpfsmt.domain import UNKNOWN, Scalar, Tnum
from bpfsmt.rules import rule_set


@rule
def alu64_and(a: Scalar, b: Scalar) -> Scalar:
    """A bit is open only if it is so in both."""
    x, y = a.var_off, b.var_off
    return replace(UNKNOWN, var_off=Tnum(x.value & y.value, x.mask & y.mask))


@rule
def alu64_or(a: Scalar, b: Scalar) -> Scalar:
    """The same mistake."""
    x, y = a.var_off, b.var_off
    open_ = x.mask & y.mask
    return replace(UNKNOWN, var_off=Tnum((x.value | y.value) & ~open_, open_))


RULES = rule_set("linux-6.12").derive("blatant", alu64_and, alu64_or)
