"""Which linked numbers a compare tells something: as the running kernel has it, and as we do."""

from __future__ import annotations

import pytest

from bpfsmt.agree import compare
from bpfsmt.agree.choice import rules_for
from bpfsmt.domain import Reg, State
from bpfsmt.kernel import oracle
from bpfsmt.kernel.log import parse_log
from bpfsmt.program import Program, load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from ..common import needs_bpf

START = "r6 = *(u32 *)(r1 + 16)\nr7 = r6\nr8 = r6\n*(u64 *)(r10 - 8) = r6\n"
LAST = "r0 = r7\nr0 += r8\nr1 = *(u64 *)(r10 - 8)\nr0 += r1\nr0 = 2\nexit\n"

END = f"if r6 > 50 goto end\n{LAST}end:\n{LAST}"

FOUR = load_asm(f"{START}if r6 > 100 goto next\nnext:\n{END}", "four")
"""Four numbers are linked: a compare of one with a constant tells all."""

TWICE = load_asm(f"{START}if r6 > r7 goto next\nnext:\n{END}", "twice")
"""A compare of two of the four counts each twice: eight are more than are kept."""

DEAD = load_asm(f"{START}if r6 > 50 goto end\nr8 = 0\n{LAST}end:\nr8 = 0\n{LAST}", "dead")
"""R8 is not read again after the compare."""

ITSELF = load_asm(f"{START}if r6 s>= r6 goto next\nnext:\n{END}", "itself")
"""A number is compared with itself; in the arm that is never taken both bounds move."""


@needs_bpf
@pytest.mark.parametrize("program", [FOUR, TWICE, DEAD, ITSELF], ids=lambda program: program.name)
def test_as_the_kernel_has_it(program: Program) -> None:
    kernel = oracle("kernel")
    result = kernel.load(program)
    log = parse_log(program, result.log)
    assert (log.unread, log.surprises) == ([], []), "what the log leaves out is as it prints later"
    assert result.stats is not None
    assert log.kept == result.stats.total_states
    rules = rule_set(rules_for(kernel.release))
    found = compare(verify(program, rules, forgetful=False), result)
    assert found.states is not None
    assert found.states.told == []


def last_states(program: Program, rules: str) -> list[State]:
    """The states at the end of the program."""
    analysis = verify(program, rule_set(rules), forgetful=False)
    return [v.state for v in analysis.visits if program[v.pc].opcode == 0x95]


def bounds(reg: Reg | None) -> tuple[int, int]:
    assert reg is not None
    return reg.scalar.umin, reg.scalar.umax


@pytest.mark.parametrize("rules", ["linux-6.12", "linux-6.18"])
def test_more_than_six_lose_their_link(rules: str) -> None:
    told = {bounds(state.regs[8]) for state in last_states(FOUR, rules)}
    assert (0, 0xFFFFFFFF) not in told
    for state in last_states(TWICE, rules):
        assert bounds(state.regs[7]) != (0, 0xFFFFFFFF)
        assert bounds(state.regs[8]) == (0, 0xFFFFFFFF)
        assert bounds(state.frames[0].stack[0].spill) == (0, 0xFFFFFFFF)


@pytest.mark.parametrize(("rules", "told"), [("linux-6.12", True), ("linux-6.18", False)])
def test_a_late_kernel_tells_only_what_is_read_later(rules: str, told: bool) -> None:
    analysis = verify(DEAD, rule_set(rules), forgetful=False)
    behind = {bounds(v.state.regs[8]) for v in analysis.visits if v.pc in (5, 12)}
    assert (behind != {(0, 0xFFFFFFFF)}) is told


@pytest.mark.parametrize("rules", ["linux-6.12", "linux-6.18"])
def test_a_compare_with_itself(rules: str) -> None:
    analysis = verify(ITSELF, rule_set(rules), forgetful=False)
    never, taken = (v.state.regs[6] for v in analysis.visits if v.pc == 5)
    assert bounds(never) == (1, 0xFFFFFFFE)
    assert bounds(taken) == (0, 0xFFFFFFFF)
