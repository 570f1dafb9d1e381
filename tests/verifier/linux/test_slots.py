"""Stack slots that nothing reads any more do not keep states apart; those that are read, do."""

from __future__ import annotations

import pytest

from bpfsmt.crosscheck.inductive import Inductive
from bpfsmt.domain.analysis import Analysis
from bpfsmt.program import load_asm
from bpfsmt.prover import Solver
from bpfsmt.verifier.linux import env
from bpfsmt.verifier.linux.flow import Flow
from bpfsmt.verifier.linux.liveness import live_before, ways_on
from bpfsmt.verifier.linux.slots import slot_effects

from ..common import MAPS
from .common import LATER, LINUX, accepted, rejected

FREQUENT = 8
TWO_WAYS = """
call bpf_get_prandom_u32
r7 = r0
call bpf_get_prandom_u32
if r0 == 0 goto other
r1 = 0
*(u32 *)(r10 - 4) = r1
goto join
other:
*(u32 *)(r10 - 4) = r7
join:
{use}
r0 = 0
exit
"""
UNREAD = TWO_WAYS.format(use="r2 = 7")
READ = TWO_WAYS.format(use="r2 = *(u32 *)(r10 - 4)\nr3 = r10\nif r2 == 0 goto out\nr3 = 0\nout:")
WRONG = READ.replace("r3 = 0", "r3 = *(u8 *)(r3 + 0)")
ALL = (1 << 64) - 1


def statuses(analysis: Analysis) -> set[str]:
    return {finding.status.value for finding in Inductive(analysis, Solver(10)).run()}


def test_a_slot_that_is_not_read_is_not_compared() -> None:
    analysis = accepted(UNREAD, flags=FREQUENT)
    assert any(edge.pruned for edge in analysis.edges)
    assert statuses(analysis) == {"proved"}


def test_a_slot_that_is_read_is_compared() -> None:
    analysis = accepted(READ, flags=FREQUENT)
    assert not any(edge.pruned and edge.pc == 8 for edge in analysis.edges)
    assert statuses(analysis) == {"proved"}
    rejected(WRONG, "stack", flags=FREQUENT)


def test_a_read_that_is_overlooked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "slot_effects", lambda program, *_: [(0, 0)] * len(program.slots))
    for rules in (LINUX, LATER):
        assert "refuted" in statuses(accepted(WRONG, flags=FREQUENT, rules=rules))


def live(text: str) -> list[int]:
    """The live slots before each instruction."""
    program = load_asm(MAPS + text, "x")
    ways = ways_on(program)
    return live_before(slot_effects(program, Flow(program).starts, ways), ways)


def test_a_slot_is_live_from_its_store_to_its_load() -> None:
    found = live("r1 = 1\n*(u64 *)(r10 - 16) = r1\nr1 = 2\nr0 = *(u16 *)(r10 - 12)\nexit")
    assert found[:5] == [0, 0, 0b10, 0b10, 0]


def test_a_store_of_a_part_leaves_the_rest_alive() -> None:
    found = live("*(u32 *)(r10 - 8) = 1\nr0 = *(u64 *)(r10 - 8)\nexit")
    assert found[:3] == [1, 1, 0]


def test_a_key_is_read_and_no_more() -> None:
    found = live("r2 = r10\nr2 += -16\nr1 = map[counts]\ncall bpf_map_lookup_elem\nr0 = 0\nexit")
    assert found[0] == found[4] == 0b10
    assert found[5] == 0


def test_a_pointer_that_moves_by_a_number_may_be_anywhere() -> None:
    found = live("r2 = r10\nr1 = *(u32 *)(r1 + 12)\nr2 += r1\nr0 = *(u8 *)(r2 - 1)\nexit")
    assert found[0] == ALL


def test_a_pointer_that_was_spilled_may_come_back() -> None:
    text = "r2 = r10\n*(u64 *)(r10 - 8) = r2\nr3 = *(u64 *)(r10 - 8)\nr0 = *(u8 *)(r3 - 9)\nexit"
    assert live(text)[2] == ALL


def test_a_callee_may_read_what_it_is_given() -> None:
    found = live("r1 = r10\ncall f\nr0 = 0\nexit\nf:\nr0 = *(u8 *)(r1 - 1)\nexit")
    assert found[1] == ALL
    assert found[2] == found[4] == 0
