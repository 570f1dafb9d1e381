"""Functions that are verified apart, and what is not modelled: logs written by hand.

In the words of Linux 6.12: the corpus has no global functions, a loader without BTF makes none.
"""

from __future__ import annotations

import pytest

from bpfsmt.crosscheck.run import check_log
from bpfsmt.domain import RegType
from bpfsmt.domain.analysis import Outcome
from bpfsmt.kernel.log import parse_log
from bpfsmt.program import load_asm

PROGRAM = load_asm("r6 = 1\ncall f\nr0 = 2\nexit\nf:\nr0 = 7\nexit", "calls")

MAIN = """\
0: R1=ctx() R10=fp0
0: (b7) r6 = 1                        ; R6_w=1
1: (85) call pc+2
Func#1 ('f') is global and assumed valid.
2: R0_w=scalar()
2: (b7) r0 = 2                        ; R0_w=2
3: (95) exit
"""
APART = """\
Validating f() func#1...
4: R1=ctx() R10=fp0
4: (b7) r0 = 7                        ; R0_w=7
5: (95) exit
Func#1 ('f') is safe for any args that match its prototype
"""
HEAD = "func#0 @0\nfunc#1 @4\n"
TAIL = (
    "processed 6 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 "
    "mark_read 0\n"
)


def test_a_global_function_is_verified_apart() -> None:
    log = parse_log(PROGRAM, HEAD + MAIN + APART + TAIL)
    assert (log.unread, log.surprises) == ([], [])
    analysis = log.analysis
    assert [visit.pc for visit in analysis.visits] == [0, 1, 2, 3, 4, 5]
    assert [(e.src, e.dst, e.kind) for e in analysis.edges] == [
        (0, 1, "next"), (1, 2, "over"), (2, 3, "next"), (4, 5, "next"),
    ]  # fmt: skip
    assert analysis.visits[2].state.regs[6].type is RegType.SCALAR_VALUE
    assert analysis.visits[4].state.regs[6].type is RegType.NOT_INIT


def test_a_global_function_gives_any_number() -> None:
    report = check_log(PROGRAM, HEAD + MAIN + APART + TAIL, precision_seconds=0)
    assert report.exit_code == 0
    lie = MAIN.replace("2: R0_w=scalar()", "2: R0_w=7")
    assert lie != MAIN
    refuted = check_log(PROGRAM, HEAD + lie + APART + TAIL, precision_seconds=0).refuted
    assert [(f.check, f.pc, f.claim) for f in refuted] == [("inductive", 2, "R0=7")]


def test_functions_before_the_program() -> None:
    """Linux 6.1 begins with them: then visit 0 is not the program's start."""
    verdict = parse_log(PROGRAM, HEAD + APART + MAIN + TAIL).analysis.verdict
    assert verdict.outcome is Outcome.UNSUPPORTED
    assert "global functions" in verdict.reason


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("2: frame1: R0=scalar() R10=fp0 cb", "callbacks"),
        ("from 1 to 2 (speculative execution): R0=1 R10=fp0", "speculative paths"),
        ("2: R0_w=scalar() fp-8=dddddddd", "dynptrs, iterators or flags on the stack"),
        ("2: R0_w=rcu_ptr_task_struct(off=8,imm=0)", "registers of type rcu_ptr_task_struct"),
    ],
)
def test_not_modelled(line: str, what: str) -> None:
    start = MAIN.partition("Func#1")[0]
    if "frame1" not in line:
        start = start.replace("1: (85) call pc+2\n", "")
        line = line.replace("2:", "1:", 1) if line.startswith("2:") else line
    analysis = parse_log(PROGRAM, HEAD + start + line + "\n" + TAIL).analysis
    assert analysis.verdict.outcome is Outcome.UNSUPPORTED
    assert what in analysis.verdict.reason
