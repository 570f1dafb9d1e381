"""Malformed control flow: every kind, the slot it names, and the variant that goes on."""

from __future__ import annotations

import pickle

import pytest

from bpfsmt.cfg import build_cfg, cfg_from_text, to_dot, to_svg, unreachable
from bpfsmt.errors import CfgError, UnsupportedError
from bpfsmt.isa import Instruction
from bpfsmt.program import Program, ProgramType

MOVE, EXIT = Instruction(0xB7), Instruction(0x95)
WIDE = Instruction(0x18)


def program(*slots: Instruction | None, functions: dict[int, str] | None = None) -> Program:
    return Program("bad", ProgramType.XDP, slots, functions=functions or {0: "main"})


def jump(offset: int) -> Instruction:
    return Instruction(0x05, offset=offset)


def branch(offset: int) -> Instruction:
    return Instruction(0x15, offset=offset)


def call(imm: int) -> Instruction:
    return Instruction(0x85, src=1, imm=imm)


BAD = [
    ("empty", 0, "empty", program()),
    ("no start", 0, "empty", program(None, EXIT)),
    ("forward out", 1, "out-of-range", program(MOVE, jump(1), EXIT)),
    ("backward out", 1, "out-of-range", program(MOVE, branch(-3), EXIT)),
    ("far jump out", 0, "out-of-range", program(Instruction(0x06, imm=70000), EXIT)),
    ("into the middle", 0, "into-ld-imm64", program(jump(1), WIDE, None, EXIT)),
    ("across functions", 1, "out-of-function", program(call(1), jump(1), MOVE, EXIT)),
    ("off the end", 0, "falls-off", program(MOVE)),
    ("branch off the end", 1, "falls-off", program(MOVE, branch(-2))),
    ("empty branch off the end", 0, "falls-off", program(branch(0))),
    ("call off the end", 0, "falls-off", program(Instruction(0x85, imm=5))),
    ("half a wide load", 0, "falls-off", program(WIDE)),
    ("into the callee", 1, "falls-off", program(call(1), MOVE, EXIT)),
    ("call out", 0, "out-of-range", program(call(5), EXIT)),
    ("call into the middle", 0, "into-ld-imm64", program(call(2), EXIT, WIDE, None, EXIT)),
    ("callback out", 0, "out-of-range", program(Instruction(0x18, src=4, imm=-9), None, EXIT)),
    ("function out", 9, "bad-function", program(EXIT, functions={0: "main", 9: "nine"})),
]


@pytest.mark.parametrize(("pc", "kind", "bad"), [row[1:] for row in BAD], ids=[r[0] for r in BAD])
def test_malformed(pc: int, kind: str, bad: Program) -> None:
    with pytest.raises(CfgError) as caught:
        build_cfg(bad)
    assert caught.value.pc == pc
    assert str(pc) in str(caught.value)
    assert "\n" not in str(caught.value)

    cfg = build_cfg(bad, strict=False)
    assert (cfg.problems[0].pc, cfg.problems[0].kind) == (pc, kind)
    assert str(caught.value) == cfg.problems[0].message
    assert set(cfg.block_starts) == {pc for pc, _ in bad.instructions()}
    unreachable(cfg), to_svg(cfg), to_dot(cfg)  # questions about it still have answers


def test_all_problems_are_listed_by_slot_and_the_good_edges_stay() -> None:
    cfg = build_cfg(program(branch(9), branch(-7), branch(1), EXIT, MOVE), strict=False)
    assert [(p.pc, p.kind) for p in cfg.problems] == [
        (0, "out-of-range"),
        (1, "out-of-range"),
        (4, "falls-off"),
    ]
    edges = [(0, 1, "not-taken"), (1, 2, "not-taken"), (2, 3, "not-taken"), (2, 4, "taken")]
    assert sorted(cfg.graph.edges(data="kind")) == edges


def test_unknown_jump_is_no_verdict() -> None:
    with pytest.raises(UnsupportedError, match=r"^at 1: unknown jump opcode 0xf5$"):
        build_cfg(program(MOVE, Instruction(0xF5), EXIT), strict=False)


def test_loops_and_dead_code_are_well_formed() -> None:
    assert not cfg_from_text("goto pc-1\nexit").problems


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(CfgError("bad at 7", 7)))
    assert (str(error), error.pc) == ("bad at 7", 7)


def test_no_instruction_at() -> None:
    cfg = build_cfg(program(WIDE, None, EXIT))
    for pc in (1, 3, -1):
        with pytest.raises(IndexError, match=f"no instruction starts at {pc}"):
            cfg.successors_of(pc)
