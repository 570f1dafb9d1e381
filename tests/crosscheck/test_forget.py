"""Pruning that forgets: copies make it explicit, and the checks prove or refute them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bpfsmt.crosscheck.finding import Status
from bpfsmt.crosscheck.forget import ALL, VALUE, forgetting, weakened
from bpfsmt.crosscheck.inductive import Inductive
from bpfsmt.domain import Reg, RegType, Slot
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.domain.order import missing
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.scalar import const
from bpfsmt.program import load
from bpfsmt.prover import Solver
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify
from bpfsmt.verifier.linux import verify_linux

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "kernel" / "logs" / "programs"


def walked(file: Path) -> Analysis:
    """All that the Linux walk knew at each visit: what it prunes need not lie inside."""
    (program,) = load(file).programs
    return verify_linux(program, rule_set("linux-6.18"), forgetful=False)


def statuses(analysis: Analysis) -> set[Status]:
    return {f.status for f in Inductive(analysis, Solver()).run()}


@pytest.mark.parametrize("name", ["forgotten_number", "loop_of_two_paths", "stack_of_the_caller"])
def test_what_does_not_matter_is_forgotten_and_all_is_proved(name: str) -> None:
    analysis = walked(PROGRAMS / f"{name}.bpfasm")
    outside = [
        edge for edge in analysis.edges
        if edge.pruned and any(missing(analysis.visits[edge.dst].state, edge.state))
    ]  # fmt: skip
    assert outside
    assert Status.REFUTED in statuses(analysis)
    explicit = forgetting(analysis, Solver())
    assert explicit.copies > 0
    assert len(explicit.visits) == len(analysis.visits) + explicit.copies
    assert statuses(explicit) == {Status.PROVED}


def test_nothing_to_forget() -> None:
    (program,) = load(ROOT / "bench_programs" / "xdp" / "xdp_drop.o").programs
    analysis = verify(program, rule_set("xdp-paper"))
    assert forgetting(analysis, Solver()) is analysis


def test_what_matters_cannot_be_forgotten() -> None:
    """Two paths meet, one without the bound: it is said that the other stands for it."""
    rejected = walked(ROOT / "bench_programs" / "rules" / "pruning_different_states.bpfasm")
    bounded, unbounded = rejected.at(12)
    lie = replace(
        rejected,
        verdict=Verdict(Outcome.ACCEPT),
        visits=rejected.visits[: unbounded.index],
        edges=[
            replace(e, dst=bounded.index, pruned=True) if e.dst == unbounded.index else e
            for e in rejected.edges
            if e.src < unbounded.index
        ],
    )
    explicit = forgetting(lie, Solver())
    assert explicit.copies > 0
    refuted = {
        (f.check, f.pc) for f in Inductive(explicit, Solver()).run() if f.status is Status.REFUTED
    }
    assert ("safety", 13) in refuted


def test_weaker_states() -> None:
    (program,) = load(ROOT / "bench_programs" / "xdp" / "xdp_drop.o").programs
    state = verify(program, rule_set("xdp-paper")).visits[0].state
    state = state.with_reg(3, Reg(RegType.SCALAR_VALUE, const(7)))
    state = state.with_slot(0, 1, Slot("r" * 8, Reg(RegType.SCALAR_VALUE, const(7))))
    weaker = weakened(state, {(0, "R3"): VALUE, (0, "R1"): ALL, (0, "fp-16"): 0xF00F})
    assert weaker.regs[3] == Reg(RegType.SCALAR_VALUE)
    assert weaker.regs[1] == NOT_INIT
    assert weaker.stack[1] == Slot("????mmmm")
