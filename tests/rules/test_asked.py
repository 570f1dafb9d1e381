"""The rules that are proved are those that run: the verifier asks them, and has none of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bpfsmt
from bpfsmt.rules import rule_set

ROOMS = ("verifier", "kernel", "domain")
FAMILIES = re.compile(r"(alu|taken|refine|emitted)(32|64)_|emitted_|movsx|links_|forked_|retval_")
"""Names that are put together where they are asked."""

LEFT = {
    # Operations on tnums that the kernel has for others than the verifier's arithmetic.
    "tnum_neg", "tnum_union", "tnum_bswap16", "tnum_bswap32", "tnum_bswap64", "tnum_sext",
    "bswap16", "bswap32", "bswap64",
    # Of the paper's rule set, or of an earlier release, where later rules ask others.
    "both_32", "bounds_from_sign", "scalar_intersect", "sext", "forget64", "tnum_mul_part",
}  # fmt: skip


def words() -> set[str]:
    root = Path(bpfsmt.__file__).parent
    files = (f for room in ROOMS for f in (root / room).rglob("*.py"))
    return {w for f in files for w in re.findall(r"\w+", f.read_text())}


@pytest.mark.parametrize("name", ["linux-6.12", "linux-6.18"])
def test_every_rule_is_asked_or_called(name: str) -> None:
    rules, named = rule_set(name).linked.rules, words()
    pending = [n for n in rules if n in named or FAMILIES.match(n)]
    reached = set(pending)
    while pending:
        new = set(rules[pending.pop()].callees) - reached
        reached |= new
        pending += new
    assert rules.keys() - reached <= LEFT
