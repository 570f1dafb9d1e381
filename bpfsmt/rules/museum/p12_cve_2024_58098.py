"""CVE-2024-58098: packet pointers outlived a global function that changes the packet."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/cve-2024-58098", "after_functions"),
    number="P12",
    title="packet pointers are kept over a global function",
    cve="CVE-2024-58098",
    fix="51081a3f25c7",
    introduced="51c39bb1d5d1 (5.6)",
    bad="5.6 to 6.12",
    fixed="6.13; 6.12.y, 6.6.y",
    kind=PROGRAM,
    wrong="A call of a global function is not followed: it is verified by itself. That it, or "
    "what it calls, may cut the packet was not asked, and the caller kept its packet pointers "
    "with all that was known of them.",
    right="It is found out before the walk which functions change the packet; after a call of "
    "one of them packet pointers are mere numbers.",
    caught=("inductive", "run"),
    limits="Where a function is verified apart the global check has no formula.",
)
