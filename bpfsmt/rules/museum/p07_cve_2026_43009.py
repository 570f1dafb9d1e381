"""CVE-2026-43009: an atomic operation that fetches was taken for a store."""

from __future__ import annotations

from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit

EXHIBIT = Exhibit(
    LINUX.neglect("museum/cve-2026-43009", "fetches"),
    number="P07",
    title="an atomic fetch is not taken for a load",
    cve="CVE-2026-43009",
    fix="179ee84a8911",
    introduced="5ca419f2864a (5.12)",
    bad="5.12 to 7.0-rc, 6.18.44",
    fixed="7.0; stable releases",
    kind=PROGRAM,
    wrong="Looking back for what a number was computed from, an atomic operation was taken for a "
    "store. What it had fetched was looked for in the old number of the same register, and the "
    "memory that it came from was taken not to matter.",
    right="An operation that fetches is a load: what matters is the memory.",
    caught=("inductive", "global", "safety", "run"),
)
