"""A rule that says less: of each bit of an AND that is known 0 in one operand only."""

from bpfsmt.bits import rule
from bpfsmt.domain import Tnum
from bpfsmt.rules import rule_set


@rule
def tnum_and(a: Tnum, b: Tnum) -> Tnum:
    """AND, as if it took two zeros to make one."""
    ones = a.value & b.value
    return Tnum(ones, (a.mask | b.mask) & ~ones)


RULES = rule_set("linux-6.12").derive("loose-and", tnum_and)
