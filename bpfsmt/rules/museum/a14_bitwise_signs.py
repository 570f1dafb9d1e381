"""Signed bounds of AND, OR, XOR that hold only of synced operands (Linux 4.14 to 6.9)."""

from __future__ import annotations

from bpfsmt.rules.linux import alu_6_1
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit

CORES = ("and_core", "or_core", "xor_core")

EXHIBIT = Exhibit(
    LINUX.derive("museum/a14-bitwise-signs", alu_6_1.and_core, alu_6_1.or_core, alu_6_1.xor_core),
    number="A14",
    title="signed bounds of bitwise operations that lean on synced operands",
    fix="1f586614f3ff",
    bad="4.14 to 6.9",
    fixed="6.10",
    kind="operator",
    wrong="If neither operand was negative, the unsigned bounds of the result became the signed "
    "ones. umax may be above S64_MAX if an operand's umax was, although its smin says that it is "
    "not negative: operands never went to this rule like that, but nothing in it says so.",
    right="The unsigned bounds become the signed ones if the two, read signed, are in order.",
    unsynced=tuple(f"{core}/s64" for core in CORES),
    limits="No program shows it: operands are synced wherever the rule is asked. Found by the "
    "proofs of Agni (SAS 2024).",
)
