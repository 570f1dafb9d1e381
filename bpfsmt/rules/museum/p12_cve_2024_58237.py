"""CVE-2024-58237: packet pointers outlived a function that had made a tail call."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/cve-2024-58237", "after_tail_calls"),
    number="P12",
    title="packet pointers are kept over a function that makes a tail call",
    cve="CVE-2024-58237",
    fix="1a4607ffba35",
    introduced="51c39bb1d5d1 (5.6)",
    bad="5.10 to 6.12",
    fixed="6.13; 6.12.y, 6.6.y",
    kind=PROGRAM,
    wrong="If a function makes a tail call, another program runs in its place and comes back to "
    "the function's caller. That it may have changed the packet was not known: packet pointers "
    "were kept.",
    right="A tail call ends packet pointers, in all frames.",
    caught=("dead-arm", "global", "safety", "run"),
    limits="That the tail call comes back behind the function, with any number, Linux 6.12 does "
    "not know with the fix either: see p12-tail-call-returns.",
)
