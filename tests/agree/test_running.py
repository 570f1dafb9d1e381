"""Tests that expect a value: what is run, and what is said to be not modelled."""

from __future__ import annotations

import pytest

from bpfsmt.agree.selftests import Ran, Scored, Selftest, run_test
from bpfsmt.agree.selftests.expect import Expected
from bpfsmt.kernel import available
from bpfsmt.kernel.oracle import LoadResult, RunInput, RunResult, oracle
from bpfsmt.program import Program, load_asm

LONG = """
    .type socket_filter
    r0 = 0
next:
    may_goto out
    goto next
out:
    exit
"""
"""More instructions than the reference is given."""

MAP_ITSELF = """
    .type socket_filter
    .map m type=array key=4 value=8 entries=1
    r1 = map[m]
    r1 = *(u64 *)(r1 + 0)
    r0 = 1
    exit
"""


class Kernel:
    """A kernel that returns one number, whatever it runs."""

    name = "kernel"
    release = "6.18.44"

    def __init__(self, value: int) -> None:
        self.value = value

    def load(self, program: Program, *, flags: int = 0, max_log: int = 0) -> LoadResult:
        raise AssertionError("nothing is loaded")

    def run(self, program: Program, inputs: list[RunInput]) -> list[RunResult]:
        return [RunResult(retval=self.value)]


def ran(text: str, value: int = 0) -> Ran:
    return run_test(load_asm(text, "test"), 0, Kernel(value))  # type: ignore[arg-type]


def test_loops_by_may_goto_end() -> None:
    assert ran(LONG) == Ran(0, 0, 0)


def test_another_value_is_not_equal() -> None:
    assert counts(ran(LONG, value=1)) == (0, 1)
    assert counts(ran(LONG)) == (1, 1)


def test_what_is_not_modelled_is_named_and_never_equal() -> None:
    found = ran(MAP_ITSELF)
    assert found == Ran(0, 0, None, (), "the kernel's own structure of a map")
    assert counts(found) == (0, 1)
    (group,) = scored(found).not_modelled()
    assert group.cause == "not modelled: the kernel's own structure of a map"
    assert group.names == ("verifier_x:test",)


def test_a_loop_without_end_is_not_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpfsmt.agree.selftests.running._TRIES", (("interpret", 1000),))
    found = ran(LONG)
    assert (found.ours, found.not_modelled) == (None, "no end after 1000 instructions")


def test_a_fault_is_a_problem_of_its_own() -> None:
    found = ran("r1 = 0\nr0 = *(u64 *)(r1 + 0)\nexit")
    assert (found.ours, found.not_modelled) == (None, "")
    assert found.problems[0].startswith("on our machine: pc 1: read of 8 bytes")


@pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")
def test_the_running_kernel_ends_the_loop_too() -> None:
    kernel = oracle("kernel")
    assert run_test(load_asm(LONG, "test"), 0, kernel) == Ran(0, 0, 0)
    map_itself = run_test(load_asm(MAP_ITSELF, "test"), 1, kernel)
    assert (map_itself.kernel, map_itself.ours) == (1, None)


def scored(found: Ran) -> Scored:
    test = Selftest("verifier_x", "test", "socket", Expected())
    return Scored([test], [], ran={0: found})


def counts(found: Ran) -> tuple[int, int]:
    return scored(found).same_retvals()
