"""CVE-2023-2163: of two registers compared, one was forgotten when the other mattered."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/cve-2023-2163", "both_compared"),
    number="P06",
    title="of two numbers compared only one is taken to matter",
    cve="CVE-2023-2163",
    fix="71b547f56124",
    introduced="b5dc0163d8fd (5.3)",
    bad="5.3 to 6.3-rc",
    fixed="6.3; stable releases back to 5.4",
    kind=PROGRAM,
    wrong="Looking back for what a number was computed from, a compare with another register was "
    "passed over: that r6 is at most r7 says something of r6 only as long as r7 is what it was. A "
    "path with another r7 ended where the first had gone on.",
    right="If one of two compared registers matters, both do.",
    caught=("inductive", "global", "safety", "run"),
)
