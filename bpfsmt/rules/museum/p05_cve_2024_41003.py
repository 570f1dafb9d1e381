"""CVE-2024-41003: both arms of a compare shared the register that stood for its constant."""

from __future__ import annotations

from bpfsmt.bits import rule, s32, u32
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.branch64 import UNDECIDED
from bpfsmt.rules.linux.alu import is_const32
from bpfsmt.rules.linux.taken import apart32
from bpfsmt.rules.linux.v6_12 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def taken32_eq(a: Scalar, b: Scalar) -> s32:
    """(u32) a == (u32) b in Linux 6.9: bits that differ do not decide it yet."""
    if is_const32(a) and is_const32(b):
        return 1 if u32(a.var_off.value) == u32(b.var_off.value) else 0
    return 0 if apart32(a, b) else UNDECIDED


@rule
def other_arm(k: Scalar, used: Scalar) -> Scalar:
    """The constant of a compare in Linux 6.9: what the first arm left of it."""
    return used


BEFORE = LINUX.derive("linux-6.12 without tnum_overlap", taken32_eq)

EXHIBIT = Exhibit(
    BEFORE.derive("museum/cve-2024-41003", other_arm),
    number="P05",
    title="one arm of a compare changes the constant of the other",
    cve="CVE-2024-41003",
    fix="92424801261d",
    bad="6.8 to 6.9",
    fixed="6.10",
    kind="operator",
    wrong="A compare with a constant puts it in a register that does not exist, env->fake_reg, and "
    "the rules refine both operands. Where the arm that falls through is dead, the constant "
    "came out of it as another number, and the other arm was refined with that.",
    right="The constant is copied first, one copy for each arm.",
    refuted=tuple(f"other_arm/{part}" for part in ("tnum", "u64", "s64", "u32", "s32", "form")),
)
