"""Loops of which a path came back before it was known what matters in them (6.7 to 6.16)."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_18 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/p11-rounds-told", "rounds_told"),
    number="P11",
    title="a path that came back into a loop is not told what came to matter there",
    fix="c9e31900b54c",
    introduced="2a0992829ea3 (6.7)",
    bad="6.7 to 6.16, and 6.12.117",
    fixed="6.17",
    kind=PROGRAM,
    wrong="A path ended in a state of the same loop from which others were still walked. What "
    "they found to matter was noted in that state, and nobody told the states in which the "
    "path had been. Once nothing was walked from the loop's entry any more, these stood for "
    "others that differed in just that.",
    right="Paths that came back are kept for each region of the program whose instructions reach "
    "each other. When it is left, they are told what matters, until nothing new is found.",
    caught=("dead-arm", "run"),
    limits="In loops by may_goto here (6.9); iterators are not modelled. The global check has no "
    "formula for loops.",
)
