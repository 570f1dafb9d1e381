"""CVE-2017-17854: pointers could be moved as far as 64 bits go, and offsets have 32."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, s64, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import is_const
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def offset_sane(n: Scalar, off: s64) -> bool:
    """Linux 4.14 had no ``check_reg_sane_offset``: any offset will do."""
    return True


@rule
def stack_access_ok(var: Scalar, off: s64, size: u64, lowest: s64) -> bool:
    """An offset that is known, summed up in 32 bits."""
    at = s64(s32(var.smin + off))
    return is_const(var) and lowest <= at < 0 and at + s64(size) <= 0


@rule
def stack_reach(var: Scalar, off: s64) -> tuple[s64, s64]:
    """The sum in 32 bits."""
    return s64(s32(var.smin + off)), s64(s32(var.smax + off))


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2017-17854", offset_sane, stack_access_ok, stack_reach),
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
        "offset_sane/lower end in reach", "stack_access_ok/not below", "stack_access_ok/not above",
        "stack_reach/not below", "stack_reach/not above",
        *(f"pointer_{op}/{what} in reach" for op in ("add", "sub")
          for what in ("fixed offset", "lower end")),
    ),
    limits="Of the sums that wrapped only those on the stack are modelled; other accesses are "
    "checked in full width. That Linux 4.14 put a number of more than 32 bits into the variable "
    "part is as it is today.",
)  # fmt: skip
