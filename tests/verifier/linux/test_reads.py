"""Linux 6.12 forgets of an explored state what the walk from it did not read."""

from __future__ import annotations

import pytest

from bpfsmt.crosscheck.inductive import Inductive
from bpfsmt.domain.analysis import Analysis
from bpfsmt.prover import Solver
from bpfsmt.verifier.linux import reads

from .common import LATER, LINUX, accepted, rejected

FREQUENT = 8
TWO_WAYS = """
r6 = r1
r8 = 5
r9 = *(u32 *)(r1 + 16)
{one}
if r9 == 3 goto other
goto joined
other:
{two}
joined:
r9 = 0
{use}
"""
# Only an arm that is never taken reads R7.
NEVER_READ = TWO_WAYS.format(one="r7 = r1", two="r7 = 2", use="""
if r8 == 5 goto end
r0 = *(u32 *)(r7 + 16)
exit
end:
r0 = 0
exit
""")  # fmt: skip
# The callee reads its argument, which both ways have written before they meet.
ARGUMENT = TWO_WAYS.format(one="", two="r1 = 2", use="""
call f
r0 = 0
exit
f:
{inside}
exit
""")  # fmt: skip
READS = ARGUMENT.format(inside="r0 = 1\nr2 = r1")
SECOND = READS.replace("r0 = 0\n", "r1 = 1\ncall f\nr0 = 0\n")
WRITES = ARGUMENT.format(inside="r1 = 1\nr0 = r1")
# The caller's R6 and a slot of its frame are read when the callee has returned.
AFTER = TWO_WAYS.format(one="*(u64 *)(r10 - 8) = r1", two="*(u64 *)(r10 - 8) = 7\nr6 = 7", use="""
call f
r1 = *(u64 *)(r10 - 8)
r2 = r6
r0 = 0
exit
f:
goto +0
r0 = 0
exit
""")  # fmt: skip


def ended(analysis: Analysis, at: int) -> bool:
    """Whether a path ends at that instruction."""
    return any(edge.pruned and edge.pc == at for edge in analysis.edges)


def joined(text: str) -> int:
    """Where the two ways meet."""
    before = text[: text.index("joined:")]
    return sum(1 for line in before.splitlines() if line and not line.endswith(":"))


def statuses(analysis: Analysis) -> set[str]:
    return {finding.status.value for finding in Inductive(analysis, Solver(10)).run()}


def test_what_only_a_dead_arm_reads_is_forgotten_by_6_12_alone() -> None:
    old, new = (accepted(NEVER_READ, flags=FREQUENT, rules=rules) for rules in (LINUX, LATER))
    assert ended(old, joined(NEVER_READ))
    assert not ended(new, joined(NEVER_READ))
    assert old.walked < new.walked
    assert statuses(old) == statuses(new) == {"proved"}


def test_a_callee_reads_what_it_is_given() -> None:
    for text in (READS, SECOND):
        analysis = accepted(text, flags=FREQUENT)
        assert not ended(analysis, joined(text))
        assert statuses(analysis) == {"proved"}
    writes = accepted(WRITES, flags=FREQUENT)
    assert ended(writes, joined(WRITES))
    assert statuses(writes) == {"proved"}


def test_the_caller_reads_behind_the_call() -> None:
    analysis = accepted(AFTER, flags=FREQUENT)
    assert not ended(analysis, joined(AFTER))
    assert statuses(analysis) == {"proved"}


def test_a_read_that_is_overlooked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = READS.replace("r2 = r1", "r0 = *(u32 *)(r1 + 16)")
    rejected(text, "R1 invalid mem access", flags=FREQUENT)
    monkeypatch.setattr(reads, "_folded", lambda read, frames: read & (1 << 80 * frames) - 1)
    assert "refuted" in statuses(accepted(text, flags=FREQUENT))
