"""The running kernel's own log about every program of the corpus, and about generated ones."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings

from bpfsmt.domain.analysis import Outcome
from bpfsmt.generate import programs
from bpfsmt.kernel import Oracle, oracle
from bpfsmt.kernel.log import ParsedLog, parse_log
from bpfsmt.program import Program, load

from ..common import needs_bpf
from .common import BENCH

pytestmark = needs_bpf

FILES = sorted([*BENCH.glob("*/*.o"), *BENCH.glob("*/*.bpfasm")])


@cache
def kernel() -> Oracle:
    return oracle("kernel")


def read(program: Program) -> ParsedLog:
    """What is in the kernel's log, all of it, and the kernel's answer."""
    said = kernel().load(program)
    log = parse_log(program, said.log)
    assert log.unread == []
    assert log.surprises == []
    assert log.analysis.verdict.accepted == said.accepted
    assert said.stats is not None
    assert log.kept == said.stats.total_states
    return log


@pytest.mark.parametrize("part", range(4))
def test_corpus(part: int) -> None:
    for file in FILES[part::4]:
        for program in load(file).programs:
            verdict = read(program).analysis.verdict
            assert verdict.outcome in (Outcome.ACCEPT, Outcome.REJECT)
            assert verdict.kind != "other"


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_generated(program: Program) -> None:
    read(program)
