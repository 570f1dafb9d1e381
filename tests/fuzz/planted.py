"""A rule file with one wrong rule: the sum of two tnums forgets the carries."""

from bpfsmt.bits import rule
from bpfsmt.domain import Tnum
from bpfsmt.rules import rule_set


@rule
def tnum_add(a: Tnum, b: Tnum) -> Tnum:
    """Sum, as if no carry ever left an unknown bit."""
    unknown = a.mask | b.mask
    return Tnum((a.value + b.value) & ~unknown, unknown)


RULES = rule_set("linux-6.12").derive("planted", tnum_add)
