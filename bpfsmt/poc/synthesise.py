"""Looking for a program that shows a wrong rule: shapes by the solver, proof by running it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import z3

from bpfsmt.poc.belief import question
from bpfsmt.poc.found import Poc
from bpfsmt.poc.operations import Operation, operations
from bpfsmt.poc.shapes import SHAPES, Builder, Move, Numbers
from bpfsmt.prover.compose import contains
from bpfsmt.rules.ruleset import RuleSet

Choice = tuple[tuple[Move, ...], tuple[Move, ...]]

PATIENCE = 2000
"""Milliseconds of the solver for one choice of shapes."""


def synthesise(
    rules: RuleSet, rule: str, *, seconds: float = 30.0, longest: int = 10
) -> Poc | None:
    """A program of at most ``longest`` instructions that shows a fault of ``rule``, or None.

    None says only that nothing was found in that time.
    """
    start = time.perf_counter()
    choices = sorted(itertools.product(SHAPES, SHAPES), key=lambda pair: sum(map(len, pair)))
    found = operations(rules, rule)
    for synced in (False, True):
        builder = Builder(rules, synced)
        ints = Numbers(rules)
        for operation, (left, right) in _in_order(found, choices):
            if time.perf_counter() - start > (seconds if synced else seconds / 2):
                break
            if len(left) + len(right) + 1 > longest or (operation.unary and right):
                continue
            candidate = _solve(builder, ints, operation, left, right)
            poc = _shown(rules, operation, candidate) if candidate else None
            if poc is not None:
                return replace(poc, seconds=round(time.perf_counter() - start, 2))
    return None


def _in_order(found: Sequence[Operation], choices: Sequence[Choice]) -> Iterator[Any]:
    """Short shapes first; among them by turns the nearest operation, and the simplest shapes.

    A rule may be part of many operations and show in few of them, or in one of them only after
    some steps.
    """
    for few, many in ((0, 2), (3, 4), (5, 99)):
        some = [c for c in choices if few <= sum(map(len, c)) <= many]
        nearest = itertools.product(range(len(found)), range(len(some)))
        simplest = ((i, j) for j in range(len(some)) for i in range(len(found)))
        # Both are all pairs, so they end together.
        turns = itertools.chain.from_iterable(zip(nearest, simplest, strict=True))
        yield from ((found[i], some[j]) for i, j in dict.fromkeys(turns))


@dataclass(frozen=True)
class _Candidate:
    lines: tuple[str, ...]
    numbers: tuple[int, int]


def _solve(
    b: Builder,
    ints: Numbers,
    operation: Operation,
    left: tuple[Move, ...],
    right: tuple[Move, ...],
) -> _Candidate | None:
    """Constants and numbers with which the operation's result misses the number."""
    (a, a_steps), (c, c_steps) = b.shaped("x", left), b.shaped("y", right)
    solver = z3.SolverFor("QF_BV")
    solver.add(*a.given, *c.given, contains(a.known, a.number), contains(c.known, c.number))
    solver.add(operation.wrong(b, a, c))
    steps = (*a_steps, *c_steps)
    model = _smallest(solver, [s.constant for s in steps])
    if model is None:
        return None
    x, y, *ks = (
        model.eval(t, model_completion=True).as_long()
        for t in (z3.BitVec("x", 64), z3.BitVec("y", 64), *(s.constant for s in steps))
    )
    first = ints.follow(x, left, ks[: len(left)])
    second = ints.follow(y, right, ks[len(left) :])
    asked = question(operation, operation.outcome(ints, first, second))
    if asked is None:
        return None
    texts = [(s.text, "6") for s in a_steps] + [(s.text, "7") for s in c_steps]
    lines = [_line(t, reg, k) for (t, reg), k in zip(texts, ks, strict=True)]
    return _Candidate((*lines, *asked), (x, y))


def _smallest(solver: Any, constants: Sequence[Any]) -> Any:
    """A model, with constants and numbers as small as one of a few bounds allows; or None."""
    solver.set("timeout", PATIENCE)
    if solver.check() != z3.sat:
        return None
    model = solver.model()
    for bound in (1 << 32, 1 << 8):
        solver.add(*(z3.And(k < bound, k > -bound) for k in constants))
        solver.add(*(z3.ULT(z3.BitVec(n, 64), bound) for n in "xy"))
        if solver.check() != z3.sat:
            break
        model = solver.model()
    return model


def _line(text: str, reg: str, k: int) -> str:
    value = k - (1 << 64) if k >> 63 else k
    return text.replace("REG", reg).replace("K", str(value))


def _shown(rules: RuleSet, operation: Operation, candidate: _Candidate) -> Poc | None:
    # Verifier and machine are imported for a candidate, so that proofs do not wait for them.
    from bpfsmt.poc.shown import shown

    return shown(rules, operation.rule, candidate.lines, candidate.numbers)
