"""A rule file with two wrong rules that hardly any program misses."""

from bpfsmt.bits import rule
from bpfsmt.domain import Tnum
from bpfsmt.rules import rule_set


@rule
def tnum_and(a: Tnum, b: Tnum) -> Tnum:
    """A bit is open only if it is so in both."""
    return Tnum(a.value & b.value, a.mask & b.mask)


@rule
def tnum_or(a: Tnum, b: Tnum) -> Tnum:
    """The same mistake."""
    open_ = a.mask & b.mask
    return Tnum((a.value | b.value) & ~open_, open_)


RULES = rule_set("linux-6.12").derive("blatant", tnum_and, tnum_or)
