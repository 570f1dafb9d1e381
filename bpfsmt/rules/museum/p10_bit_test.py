"""Registers that were held to be dead since a branch on bits was no jump (6.15)."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_18 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/p10-bit-test", "bit_tests"),
    number="P10",
    title="a branch on bits is not known to jump, and what is read there is dead",
    fix="3157f7e29996",
    introduced="14c8552db644 (6.15)",
    bad="6.15",
    fixed="6.16; 6.15 stable",
    kind=PROGRAM,
    wrong="Which registers are read later is found out before the walk since 6.15, from where "
    "each instruction leads. The list of instructions that jump had no BPF_JSET. A register that "
    "was only read where it jumps to was forgotten in explored states.",
    right="BPF_JSET is in the list.",
    caught=("inductive", "global", "safety", "run"),
)
