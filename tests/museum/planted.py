"""An exhibit whose rule is right after all: nothing must be refuted of it."""

from bpfsmt.bits import rule
from bpfsmt.domain import Tnum
from bpfsmt.rules import rule_set
from bpfsmt.rules.museum import Exhibit


@rule
def tnum_and(a: Tnum, b: Tnum) -> Tnum:
    """a & b, in other words than those of the rule set."""
    ones = a.value & b.value
    return Tnum(ones, (a.value | a.mask) & (b.value | b.mask) & ~ones)


EXHIBIT = Exhibit(
    rule_set("xdp-paper").derive("museum/planted", tnum_and),
    number="X",
    title="a rule that is right",
    fix="none",
    bad="none",
    fixed="all",
    kind="operator",
    wrong="Nothing.",
    right="The same.",
    refuted=("tnum_and/tnum",),
)
