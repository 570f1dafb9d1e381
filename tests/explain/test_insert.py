"""Putting instructions in between changes nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bpfsmt.explain.insert import FAR, Added, insert
from bpfsmt.isa.instruction import Instruction
from bpfsmt.program import load, load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from .common import RULES

NOTHING = Instruction(0x05)  # goto +0
EXIT = Instruction(0x95)
SHAPE = ("bad-jump", "falls-off", "unreachable", "program-length")


@pytest.mark.parametrize("path", sorted(RULES.glob("*.bpfasm")), ids=lambda p: p.stem)
def test_jumps_that_do_nothing_change_no_verdict(path: Path) -> None:
    """Before every instruction, and an exit behind every function that something jumps to."""
    rules = rule_set("linux-6.12")
    (program,) = load(path).programs
    before = verify(program, rules).verdict
    if before.kind in SHAPE:
        pytest.skip("its jumps lead nowhere")
    changed = insert(program, [Added(pc, NOTHING) for pc, _ in program.instructions()])
    assert changed is not None
    after = verify(changed.program, rules).verdict
    assert (after.outcome, after.kind, after.reg) == (before.outcome, before.kind, before.reg)
    if before.pc >= 0:
        assert after.pc == changed.moved[before.pc]


def test_what_is_behind_a_function_belongs_to_it() -> None:
    program = load_asm("r1 = 1\ncall f\nexit\nf:\nr0 = r1\nexit", "p")
    jump = Added(0, Instruction(0x15, dst=1), target=3, to_tail=True)
    tail = [Added(3, Instruction(0xB7), tail=True), Added(3, EXIT, tail=True)]
    changed = insert(program, [jump, *tail])
    assert changed is not None
    assert changed.program.functions == {0: "main", 6: "f"}
    assert changed.program[0].offset == 3  # to the added r0 = 0
    assert changed.program[2].imm == 3  # the call still goes to f
    assert changed.added == (0, 4, 5)


def test_a_jump_too_far_is_no_program() -> None:
    long = load_asm("if r1 > 2 goto out\n" + "r0 = 1\n" * (FAR - 1) + "out:\nexit", "p")
    assert insert(long, []) is not None
    assert insert(long, [Added(1, NOTHING)]) is None


def test_a_jump_backwards_is_mended() -> None:
    loop = load_asm("r1 = 3\nback:\nr1 += -1\nif r1 != 0 goto back\nr0 = 0\nexit", "p")
    changed = insert(loop, [Added(1, NOTHING), Added(2, NOTHING)])
    assert changed is not None
    assert changed.program[4] == replace(loop[2], offset=-4)
