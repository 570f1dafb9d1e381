"""Numbers that decide nothing do not keep states apart; those that do, do."""

from __future__ import annotations

import pytest

from bpfsmt.crosscheck.inductive import Inductive
from bpfsmt.isa import Class, Instruction
from bpfsmt.prover import Solver
from bpfsmt.verifier.linux import precision

from .common import accepted, rejected

TWO_WAYS = """
call bpf_get_prandom_u32
r6 = {taken}
if r0 == 0 goto other
r6 = 1
other:
{use}
r0 = 0
exit
"""
UNUSED = TWO_WAYS.format(taken=2, use="r7 = r6")
INDEX = """
r1 = 0
*(u32 *)(r10 - 4) = r1
r1 = r10
r1 += -4
r6 *= -8
r1 += r6
r1 = *(u8 *)(r1 + 0)
"""
USED = TWO_WAYS.format(taken=2, use=INDEX)
TOO_FAR = TWO_WAYS.format(taken=70, use=INDEX)
FREQUENT = 8


def test_a_number_that_does_not_matter_is_not_compared() -> None:
    analysis = accepted(UNUSED, flags=FREQUENT)
    assert any(edge.pruned for edge in analysis.edges)


def test_a_number_that_matters_is_compared() -> None:
    analysis = accepted(USED, flags=FREQUENT)
    assert not any(edge.pruned and edge.pc == 4 for edge in analysis.edges)


def test_the_second_way_is_walked_with_its_own_number() -> None:
    rejected(TOO_FAR, "stack", flags=FREQUENT)


def test_claims_that_forget_are_inductive() -> None:
    for text in (UNUSED, USED):
        analysis = accepted(text, flags=FREQUENT)
        findings = list(Inductive(analysis, Solver(10)).run())
        assert {f.status.value for f in findings} == {"proved"}, findings


def test_precision_that_is_not_tracked_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a planted bug, nothing that was computed matters: a wrong state is pruned."""
    monkeypatch.setattr(precision, "_origin", _forgets_sources)
    monkeypatch.setattr(precision, "_concerned", lambda insn: (1 << 10) - 1)
    analysis = accepted(TOO_FAR, flags=FREQUENT)
    findings = list(Inductive(analysis, Solver(10)).run())
    assert any(f.status.value == "refuted" for f in findings)


def _forgets_sources(insn: Instruction) -> tuple[int, int] | None:
    return (0, 0) if insn.cls in (Class.ALU, Class.ALU64) else None


def test_linked_numbers_matter_together() -> None:
    text = """
    call bpf_get_prandom_u32
    r6 = r0
    if r6 > 3 goto out
    r1 = 0
    *(u32 *)(r10 - 8) = r1
    *(u32 *)(r10 - 4) = r1
    r1 = r10
    r1 += -8
    r1 += r0
    r1 = *(u8 *)(r1 + 0)
    out:
    r0 = 0
    exit
    """
    accepted(text)
