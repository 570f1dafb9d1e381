"""CVE-2017-17857: memory for a helper on the stack, at an offset of which bits are unknown."""

from __future__ import annotations

from bpfsmt.bits import rule, s64, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import PROGRAM, Exhibit


@rule
def stack_access_ok(var: Scalar, off: s64, size: u64, lowest: s64) -> bool:
    """The known bits of the offset lie inside: the error for unknown ones was not returned."""
    at = s64(var.var_off.value) + off
    return lowest <= at < 0 and at + s64(size) <= 0


@rule
def stack_reach(var: Scalar, off: s64) -> tuple[s64, s64]:
    """Where the known bits lead to."""
    at = s64(var.var_off.value) + off
    return at, at


EXHIBIT = Exhibit(
    LINUX.derive("museum/cve-2017-17857", stack_access_ok, stack_reach),
    number="P01",
    title="memory on the stack begins where nobody knows",
    cve="CVE-2017-17857",
    fix="ea25f914dc16",
    introduced="f1174f77b50c (4.14)",
    bad="4.14 to 4.14.8",
    fixed="4.15-rc5, 4.14.9",
    kind=PROGRAM,
    wrong="check_stack_boundary wrote that the offset is not known to the log, and then went on "
    "with its known bits: there was no return. A helper could write over pointers that were "
    "saved.",
    right="It is an error. (Since 4.20 the whole range of the offset has to be inside.)",
    refuted=(
        "stack_access_ok/not below", "stack_access_ok/not above",
        "stack_reach/not below", "stack_reach/not above",
    ),
    caught=("inductive", "global", "safety", "run"),
    limits="Here loads and stores at unknown offsets are admitted like this, too; Linux 4.14 "
    "refused them.",
)  # fmt: skip
