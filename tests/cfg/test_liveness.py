"""Live registers against the definition: some path reads before it writes."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given

from bpfsmt.cfg import build_cfg, cfg_from_text, live_registers, reads, registers, writes
from bpfsmt.program import Program

from .programs import Drawn, Ways, drawn_programs, paths


def wrong_liveness(program: Program, ways: Ways, claimed: Mapping[int, int]) -> list[int]:
    """The pcs whose claimed live registers are not those that the paths from there say."""
    wrong = []
    for pc in ways:
        live = 0
        for path in paths(ways, pc):
            written = 0
            for step in path:
                live |= reads(program[step]) & ~written
                written |= writes(program[step])
        if claimed.get(pc) != live:
            wrong.append(pc)
    return wrong


@given(drawn_programs(14, forward=True))
def test_liveness_by_paths(drawn: Drawn) -> None:
    program = drawn.program
    assert wrong_liveness(program, drawn.ways, live_registers(build_cfg(program))) == []


def test_wrong_liveness_is_noticed() -> None:
    cfg = cfg_from_text("r0 = r1\nr0 += r2\nexit")
    ways = {0: frozenset({1}), 1: frozenset({2}), 2: frozenset[int]()}
    good = live_registers(cfg)
    assert wrong_liveness(cfg.program, ways, good) == []
    assert wrong_liveness(cfg.program, ways, {**good, 1: good[1] | 8}) == [1]
    assert wrong_liveness(cfg.program, ways, {**good, 0: 0}) == [0]


@given(drawn_programs())
def test_liveness_with_loops_is_the_least_solution(drawn: Drawn) -> None:
    """Iterate the equations from nothing, instruction by instruction, until they hold."""
    program, ways = drawn.program, drawn.ways
    live = dict.fromkeys(ways, 0)
    changed = True
    while changed:
        changed = False
        for pc, insn in program.instructions():
            after = 0
            for target in ways[pc]:
                after |= live[target]
            before = after & ~writes(insn) | reads(insn)
            changed |= before != live[pc]
            live[pc] = before
    assert live_registers(build_cfg(program)) == live


def test_a_register_stays_live_around_a_loop() -> None:
    cfg = cfg_from_text("r6 = 3\nr0 = r7\nr6 += -1\nif r6 != 0 goto pc-3\nexit")
    assert registers(live_registers(cfg)[3]) == (0, 6, 7)


def test_callee_saved_registers_live_across_a_local_call() -> None:
    cfg = cfg_from_text("call f\nr0 = r6\nexit\nf:\nexit")
    assert registers(live_registers(cfg)[0]) == (1, 2, 3, 4, 5, 6)
