"""Compares: a decided branch is decided rightly, and refined operands lose no member."""

from __future__ import annotations

import pytest
import z3

from bpfsmt.bits import Rule
from bpfsmt.prover.obligation import Obligation
from bpfsmt.semantics import alu

from .prove import X, Y, assert_proved, binary, members, two_scalars

CONDITIONS: dict[str, tuple[Rule[..., bool], Rule[..., bool]]] = {
    "eq": (alu.jeq64, alu.jeq32),
    "ne": (alu.jne64, alu.jne32),
    "ult": (alu.jlt64, alu.jlt32),
    "ule": (alu.jle64, alu.jle32),
    "slt": (alu.jslt64, alu.jslt32),
    "sle": (alu.jsle64, alu.jsle32),
    "set": (alu.jset64, alu.jset32),
}
TAKEN = [c for c in CONDITIONS if c != "ne"]


def condition(name: str, bits: int) -> z3.BoolRef:
    """The concrete condition of x and y."""
    if name == "nset":
        return z3.Not(condition("set", bits))
    return binary(CONDITIONS[name][bits == 32])(X, Y)


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("name", TAKEN)
def test_taken(name: str, bits: int) -> None:
    c, a, b = two_scalars()
    taken = c.run(f"taken{bits}_{name}", a, b)
    holds = condition(name, bits)
    given = tuple(c.given)
    assert_proved(
        Obligation("always", (*given, taken == 1), holds),
        Obligation("never", (*given, taken == 0), z3.Not(holds)),
        Obligation("one of three", (), z3.Or(taken == 1, taken == 0, taken == -1)),
    )


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("name", [*CONDITIONS, "nset"])
def test_refine(name: str, bits: int) -> None:
    c, a, b = two_scalars()
    c.skip("sync")
    left, right = c.run(f"refine{bits}_{name}", a, b)
    given = [*c.given, condition(name, bits)]
    assert_proved(*members("left", given, left, X), *members("right", given, right, Y))


def test_both_32() -> None:
    c, a, b = two_scalars()
    given = (*c.given, c.run("both_32", a, b))
    upper = z3.Extract(63, 32, X | Y)
    assert_proved(Obligation("both_32", given, upper == 0))


def test_without_and_bits() -> None:
    """The helpers of !=, & and its negation, by themselves."""
    c, a, b = two_scalars()
    c.skip("sync")
    bits = z3.BitVec("bits", 64)
    given = list(c.given)
    assert_proved(
        *members("without", [*given, X != Y], c.run("without", a, b), X),
        *members("with_bits", [*given, X & bits != 0], c.run("with_bits", a, bits), X),
        *members("without_bits", [*given, X & bits == 0], c.run("without_bits", a, bits), X),
    )
