"""CVE-2017-17854: pointers could be moved as far as 64 bits go, and offsets have 32."""

from __future__ import annotations

from bpfsmt.bits import rule, s64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def offset_sane(n: Scalar, off: s64) -> bool:
    """Linux 4.14 had no ``check_reg_sane_offset``: any offset will do."""
    return True


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2017-17854", offset_sane),
    number="P01",
    title="pointer arithmetic has no limits",
    cve="CVE-2017-17854",
    fix="bb7f0f989ca7",
    bad="4.14 to 4.14.8",
    fixed="4.15-rc5, 4.14.9",
    kind="relation",
    wrong="Any number could be added to a pointer. The checks of accesses summed up offsets in 32 "
    "bits, where such sums wrap: what is 2^32 away was taken for the same place.",
    right="Numbers, offsets and results beyond 2^29 are refused, so that no sum wraps.",
    refuted=(
        "offset_sane/lower end in reach",
        *(f"pointer_{op}/{what} in reach" for op in ("add", "sub")
          for what in ("fixed offset", "lower end")),
    ),
    limits="The sums that wrapped are not modelled: accesses are checked in full width here, and "
    "so no program gets through. That Linux 4.14 put a number of more than 32 bits into the "
    "variable part is as it is today.",
)  # fmt: skip
