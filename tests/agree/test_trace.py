"""A log's steps are those of the kernel's walk, and every printed state is with its step."""

import re

import pytest

from bpfsmt.agree.trace import read_trace

from .common import NAMES, RELEASES, log_of, program

EVERY = [(name, version) for name in NAMES for version in RELEASES]


@pytest.mark.parametrize(("name", "version"), EVERY)
def test_every_instruction_of_the_log_is_a_step(name: str, version: str) -> None:
    trace = read_trace(program(name), log_of(name, version).splitlines())
    walked = re.findall(r"^(\d+): \([0-9a-f]{2}\)", log_of(name, version), re.MULTILINE)
    assert [step.pc for path in trace.paths for step in path.steps] == [int(pc) for pc in walked]
    assert not trace.unread


@pytest.mark.parametrize(("name", "version"), EVERY)
def test_no_printed_state_is_lost(name: str, version: str) -> None:
    """Counted by their lines; what a function leaves behind is of no step."""
    trace = read_trace(program(name), log_of(name, version).splitlines())
    lines = log_of(name, version).splitlines()
    texts = sum(
        1
        for before, line in zip(["", *lines], lines, strict=False)
        if re.match(r"\d+: (\(.*; (frame\d|R\d|fp)|frame\d|R\d)|from .* R\d| (frame\d|R\d)", line)
        and before != "returning from callee:"
    )
    kept = sum(len(s.before) + len(s.after) for path in trace.paths for s in path.steps)
    # Where a function returns, its caller's state is printed under two headings.
    twice = sum(1 for line in lines if line.startswith("to caller at"))
    assert texts - twice == kept
    assert kept > 5


@pytest.mark.parametrize("version", RELEASES)
def test_paths_end_where_the_kernel_goes_back(version: str) -> None:
    trace = read_trace(program("accept"), log_of("accept", version).splitlines())
    assert [(path.src, path.dst) for path in trace.paths] == [(-1, 0), (11, 13), (5, 17)]
    first, safe, last = trace.paths
    assert not safe.steps
    assert [step.pc for step in last.steps] == [17]
    assert [step.then for step in first.steps] == [step.pc for step in first.steps[1:]] + [-1]


def test_a_path_goes_on_to_where_an_earlier_state_stands_for_it() -> None:
    trace = read_trace(program("loop"), log_of("loop", "6.18").splitlines())
    assert trace.paths[-1].steps[-1].then == 5


def test_a_state_that_cannot_be_read_is_told() -> None:
    log = "0: R1=ctx() R10=fp0\n0: (b7) r0 = 0                 ; R0=0 what is this\n1: (95) exit\n"
    trace = read_trace(program("reject"), ["0: nonsense R1=3", *log.splitlines()])
    assert trace.length == 2


def test_an_operand_that_is_split_is_one_visit() -> None:
    """``from 1 to 1`` at an instruction that computes: it is walked once more."""
    log = [
        "0: R1=ctx() R10=fp0",
        "0: (bf) r2 = r6 ; R2=scalar()",
        "3: (07) r4 += 4 ; R4=1",
        "8: (95) exit",
        "from 3 to 3: R1=ctx() R4=0 R10=fp0",
        "3: (07) r4 += 4 ; R4=0",
        "8: (95) exit",
    ]
    trace = read_trace(program("reject"), log)
    assert [[step.pc for step in path.steps] for path in trace.paths] == [[0, 3, 8], [8]]
    assert trace.paths[1].src == 3


def test_a_path_begins_after_a_function_that_returns_to_what_is_known() -> None:
    """``safe`` ends the path: the next ``from`` is of another one."""
    log = [
        "0: R1=ctx() R10=fp0",
        "0: (15) if r0 == 0x0 goto pc+0 ; R0=1",
        "1: (85) call pc+1",
        "caller:",
        " R10=fp0",
        "callee:",
        " frame1: R10=fp0",
        "3: frame1: R10=fp0",
        "3: (95) exit",
        "returning from callee:",
        " frame1: R0=1 R10=fp0",
        "to caller at 2:",
        " R0=1 R10=fp0",
        "",
        "from 3 to 2: safe",
        "",
        "from 0 to 1: R0=0 R10=fp0",
        "1: (95) exit",
    ]
    trace = read_trace(program("reject"), log)
    assert [(p.src, [step.pc for step in p.steps]) for p in trace.paths] == [
        (-1, [0, 1, 3]),
        (0, [1]),
    ]
    assert trace.paths[0].steps[-1].then == 2
