"""CVE-2022-23222: a pointer that may be NULL was moved, and then compared with NULL."""

from __future__ import annotations

from bpfsmt.bits import rule
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def nullable_moves(n: Scalar) -> bool:
    """Linux 5.15 forgot some types in its list (``adjust_ptr_min_max_vals``)."""
    return True


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2022-23222", nullable_moves),
    number="P02",
    title="arithmetic on a pointer that may be NULL",
    cve="CVE-2022-23222",
    fix="c25b2ae13603",
    bad="5.8 to 5.16",
    fixed="5.17",
    kind="relation",
    wrong="The types that may be NULL were listed one by one where arithmetic refuses them, and "
    "new ones were forgotten. Of r1 = r0 + 1, once r0 is known to be NULL, the verifier says "
    "that r1 is 0 too: they have one id. It is 1.",
    right="That a pointer may be NULL is a flag of its type, and arithmetic looks at the flag.",
    refuted=("nullable_moves/NULL stays 0",),
    limits="Here all types that may be NULL can be moved; in Linux, some.",
)
