"""CVE-2026-43070: a byte swap kept the link with the number that was swapped."""

from __future__ import annotations

from bpfsmt.bits import rule, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.v6_18 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def links_swap(src: Scalar, bits: u64) -> bool:
    """Whether a byte swap keeps the link: it forgot to end it (``scalar_byte_swap``)."""
    return True


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2026-43070", links_swap),
    number="A19",
    title="a byte swap keeps the link to what was swapped",
    cve="CVE-2026-43070",
    fix="Reset register ID for BPF_END value tracking",
    bad="6.18.17 to 6.18.20, 6.19.7 to 6.19.10, 7.0-rc",
    fixed="6.18.21, 6.19.11, 7.0",
    kind="relation",
    wrong="Since byte swaps compute known bits, dst kept its id: after `r1 = r0; r0 = bswap64 r0` "
    "the two still counted as equal, and a compare of one narrowed the other.",
    right="A byte swap ends the link.",
    refuted=("links_swap(16)/nothing changed", "links_swap(32)/nothing changed",
             "links_swap(64)/nothing changed"),
)  # fmt: skip
