"""The backward slice, and what is remembered along the way."""

from __future__ import annotations

from bpfsmt.domain import RegType
from bpfsmt.explain import explain
from bpfsmt.explain.trail import remembered, way_to
from bpfsmt.program import load_asm
from bpfsmt.verifier import verify

from .common import PAPER, explained, program

SPILLED = """
.map m type=hash key=4 value=8 entries=4
    r6 = *(u32 *)(r1 + 16)
    r7 = *(u32 *)(r1 + 12)
    r6 &= 15
    *(u64 *)(r10 - 16) = r6
    *(u64 *)(r10 - 24) = r7
    *(u32 *)(r10 - 4) = 0
    r1 = map[m]
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r8 = *(u64 *)(r10 - 16)
    r0 += r8
    r3 = *(u8 *)(r0 + 0)
out:
    r0 = 2
    exit
"""

CALLED = """
    r2 = *(u32 *)(r1 + 0)
    r3 = 5
    r1 = r2
    call f
    r0 = 2
    exit
f:
    r4 = r1
    r0 = *(u8 *)(r4 + 0)
    exit
"""


def pcs(text: str) -> list[int]:
    one = explain(load_asm(text, "p"), PAPER, seconds=5)
    assert not one.analysis.verdict.accepted
    return [m.pc for m in one.slice.steps]


def test_through_a_spill_and_not_through_what_is_beside_it() -> None:
    assert pcs(SPILLED) == [0, 2, 3, 10, 11, 12, 13]


def test_through_a_call_of_a_local_function() -> None:
    assert pcs(CALLED) == [0, 2, 6]


def test_a_compare_of_a_copy_belongs_to_a_packet_pointer() -> None:
    assert [m.pc for m in explained("packet_bounds_off_by_one").slice.steps] == [1, 5]


def test_what_the_walk_forgot_is_remembered() -> None:
    one = program("packet_bounds_off_by_one")
    analysis = verify(one, PAPER)
    last = analysis.visits[-1]
    state = remembered(one, way_to(analysis, last), last)
    assert last.state.regs[3].type is RegType.NOT_INIT
    assert state.regs[3].type is RegType.PTR_TO_PACKET_END


def test_what_a_call_destroys_is_not_remembered() -> None:
    one = program("call_clobbers_r1_r5")
    analysis = verify(one, PAPER)
    last = analysis.visits[-1]
    assert remembered(one, way_to(analysis, last), last).regs[1].type is RegType.NOT_INIT
