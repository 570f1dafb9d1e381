"""CVE-2017-17856: pointers saved on the stack where it is not aligned."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/cve-2017-17856", "aligned_stack"),
    number="P01",
    title="the stack may be accessed unaligned",
    cve="CVE-2017-17856",
    fix="a5ec6ae161d7",
    introduced="f1174f77b50c (4.14)",
    bad="4.14 to 4.14.8",
    fixed="4.15-rc5, 4.14.9",
    kind=PROGRAM,
    wrong="Alignment was asked of an access only where the machine needs it. The verifier knows "
    "the stack in slots of 8 bytes: a pointer saved at fp-12 was noted in the slot of fp-16, "
    "which has only half of it.",
    right="Accesses to the stack are always aligned.",
    caught=("inductive", "global", "safety", "run"),
)
