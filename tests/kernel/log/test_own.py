"""What our own verifier logs is read back to the very states that it explored."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from bpfsmt.domain import Reg, RegType, Slot
from bpfsmt.domain.analysis import Analysis
from bpfsmt.domain.scalar import const
from bpfsmt.domain.state import EMPTY_SLOT
from bpfsmt.generate import programs
from bpfsmt.kernel.log import parse_log
from bpfsmt.program import Program
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from .common import NAMES, program

RULES = rule_set("xdp-paper")


def shown(reg: Reg) -> Reg:
    """A register as far as the log can tell: of a constant only the number is printed."""
    if not reg.is_const:
        return reg
    if reg.type is RegType.SCALAR_VALUE:
        reg = reg._replace(id=0, off=0)
    return reg._replace(scalar=const(reg.const_value))


def shown_slot(slot: Slot) -> Slot:
    return slot if slot.spill is None else slot._replace(spill=shown(slot.spill))


def same(program: Program) -> None:
    walked = verify(program, RULES, log=True)
    log = parse_log(program, "\n".join(walked.log))
    read = log.analysis
    assert log.unread == []
    assert (read.verdict.outcome, read.verdict.pc) == (walked.verdict.outcome, walked.verdict.pc)
    assert read.verdict.kind == walked.verdict.kind
    assert [v.pc for v in read.visits] == [v.pc for v in walked.visits]
    for mine, theirs in zip(walked.visits, read.visits, strict=True):
        for a, b in zip(mine.state.frames, theirs.state.frames, strict=True):
            assert [shown(r) for r in a.regs] == [shown(r) for r in b.regs], mine
            for n in a.stack.keys() | b.stack.keys():
                slots = (shown_slot(f.stack.get(n, EMPTY_SLOT)) for f in (a, b))
                assert len(set(slots)) == 1, (mine, n)
    assert ways(read) == ways(walked)


def ways(analysis: Analysis) -> tuple[set[object], set[object]]:
    edges: set[object] = {(e.src, e.pc, e.kind, e.pruned) for e in analysis.edges}
    return edges, {(d.src, d.pc, d.kind) for d in analysis.dead}


OTHER_FRAMES = "stack_of_the_caller"
"""A store into another frame is not printed, and is carried along as Linux makes it."""

CORPUS = [n for n in NAMES if n != OTHER_FRAMES] + ["xdp_port_filter", "xdp_vlan", "xdp_lb4"]


@pytest.mark.parametrize("name", CORPUS)
def test_corpus(name: str) -> None:
    same(program(name))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_generated(program: Program) -> None:
    same(program)
