"""Verification is fast, its memory flat, and no more is walked than in the kernel."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bpfsmt.bench.synthetic import counting, rounds
from bpfsmt.bench.verified import peak
from bpfsmt.domain.analysis import Outcome
from bpfsmt.kernel import available, load_program
from bpfsmt.program import load
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

RULES = rule_set("linux-6.18")
PROGRAMS = Path(__file__).parents[2] / "bench_programs"
needs_kernel = pytest.mark.skipif(available() is not None, reason=str(available()))


FEW, MANY = 100, 400
"""Rounds of a loop of eight instructions; each rule remembers the answers of so many."""


def growth(*, record: bool) -> float:
    """Bytes of memory for each instruction that is walked more."""
    verify(counting(MANY), RULES, record=False)  # now the rules remember all answers
    few, many = (peak(counting(count), RULES, record=record) for count in (FEW, MANY))
    return (many - few) / (8 * (MANY - FEW))


def test_memory_does_not_grow_with_the_walk() -> None:
    """What explored states take is less than 100 bytes; a walk that is recorded takes more."""
    assert growth(record=False) < 100
    assert growth(record=True) > 200


def test_nothing_is_recorded_unless_asked() -> None:
    analysis = verify(counting(100), RULES, record=False)
    assert analysis.walked == 804
    assert not analysis.visits
    assert not analysis.edges


def test_thousands_of_instructions_in_seconds() -> None:
    program = rounds(150, 1)
    begin = time.thread_time()
    analysis = verify(program, RULES, record=False)
    seconds = time.thread_time() - begin
    assert len(program) == 3012
    assert analysis.verdict.outcome is Outcome.ACCEPT
    assert analysis.walked > 3000
    assert analysis.walked / seconds > 3000  # measured: 80,000 on an idle machine


@needs_kernel
@pytest.mark.parametrize("file", ["xdp_vlan", "xdp_icmp_echo", "xdp_port_filter"])
def test_as_many_are_walked_as_in_the_kernel(file: str) -> None:
    """These have stack slots that must be forgotten once nothing reads them."""
    (program,) = load(PROGRAMS / "xdp" / f"{file}.o").programs
    with load_program(program) as loaded:
        processed = loaded.result.insns_processed
    assert processed is not None
    assert verify(program, RULES, record=False).walked <= processed
