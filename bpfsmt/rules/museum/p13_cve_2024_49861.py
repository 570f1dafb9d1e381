"""CVE-2024-49861: helpers that filled in words of a map of constants."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/cve-2024-49861", "written_words"),
    number="P13",
    title="a helper may fill in a word of a map of constants",
    cve="CVE-2024-49861",
    fix="32556ce93bc4",
    introduced="57c3bb725a3d (5.2)",
    bad="5.2 to 6.11",
    fixed="6.12; stable releases",
    kind=PROGRAM,
    wrong="Arguments that are the address of an int or a long, as that of bpf_check_mtu, were "
    "not taken to be written. They could lie in a map that is read-only and frozen, from which "
    "loads are known numbers.",
    right="Such arguments are written, and must lie where that is allowed.",
    caught=("safety", "run"),
    limits="In the machine a map of constants is read-only for helpers too, and the run ends "
    "there; in Linux the helper wrote, and loads behind it were believed to be what they had been.",
)
