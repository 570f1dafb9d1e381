"""What another program gives, believed to be what the function would have given (up to 6.18)."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_18 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/p12-tail-call-returns", "tail_calls_return"),
    number="P12",
    title="a tail call in a function is believed to fail",
    fix="e3245f899043",
    introduced="e411901c0b77 (5.10)",
    bad="5.10 to 6.18, Debian's 6.12.117",
    fixed="6.19; 6.18.44",
    kind=PROGRAM,
    wrong="If a function makes a tail call, another program runs in its place and comes back to "
    "the function's caller with a number of its own. The walk only went on behind the tail call, "
    "where it had failed: what the function returns there was all that it might return.",
    right="A tail call in a function is a branch: one way goes on behind it, with packet pointers "
    "as they were, the other returns to the caller, with any number and without them.",
    caught=("dead-arm", "global", "safety", "run"),
)
