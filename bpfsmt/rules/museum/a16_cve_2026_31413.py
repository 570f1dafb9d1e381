"""CVE-2026-31413: the second state of a split went on behind the OR that it had to go through."""

from __future__ import annotations

from bpfsmt.bits import rule
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def fork_again() -> bool:
    """Where the half that is 0 goes on: behind the instruction (``maybe_fork_scalars``)."""
    return False


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2026-31413", fork_again),
    number="A16",
    title="one half of a split skips the OR that it was made for",
    cve="CVE-2026-31413",
    fix="c845894ebd6f",
    introduced="bffacdb80b93 (January 2026, also in stable releases)",
    bad="7.0-rc; 6.12, 6.18 and 6.19 with the backport",
    fixed="7.0; stable releases of April 2026",
    kind="split",
    wrong="Before `dst &= K` and `dst |= K`, a dst that is 0 or -1 is followed once as each. The "
    "state with 0 was resumed behind the instruction. For AND that is what 0 & K gives; 0 | K "
    "is K.",
    right="The state with 0 goes through the instruction too.",
    refuted=("forked_or/first, of the whole", "forked_or/first, of the low half",
             "forked_and/first, of the low half"),
    limits="The program shows OR. That AND is wrong as well, where only the low half is 0 or -1, "
    "is not in the fix's words: the prover found it, and the tests have a program for it.",
)  # fmt: skip
