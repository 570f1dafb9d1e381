"""Loops whose states were compared before it was known what matters (6.4 to 6.6)."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/p11-exact-rounds", "exact_rounds"),
    number="P11",
    title="a round of a loop ends before it is known what matters in it",
    fix="2793a8b015f7",
    introduced="06accc8779c1 (6.4)",
    bad="6.4 to 6.6",
    fixed="6.7",
    kind=PROGRAM,
    wrong="In loops by an iterator a path could end in a state of an earlier round, of which it "
    "was not known yet what matters: the rest of that round waited to be walked. What did matter "
    "then was never looked at for the later round.",
    right="Inside a loop states are compared in everything, and numbers that have not mattered "
    "are widened, so that the walk ends.",
    caught=("safety", "run"),
    limits="In loops by may_goto here, which Linux has since 6.9 and which have the same rules; "
    "iterators are not modelled. The global check has no formula for loops.",
)
