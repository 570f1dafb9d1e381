"""Looking for a program that shows a wrong rule: by drawing, by the solver; proof by a run."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import z3

from bpfsmt.poc.attempt import Attempt, Candidate
from bpfsmt.poc.drawn import drawn
from bpfsmt.poc.found import Poc
from bpfsmt.poc.operations import Operation, operations
from bpfsmt.poc.shapes import SHAPES, Builder, Numbers
from bpfsmt.prover.compose import contains
from bpfsmt.rules.ruleset import RuleSet

DRAWING = 3.0
"""Seconds for which numbers are drawn, before the solver is asked."""

PATIENCE = 2000
"""Milliseconds of the solver for one attempt."""


def synthesise(
    rules: RuleSet, rule: str, *, seconds: float = 30.0, longest: int = 10
) -> Poc | None:
    """A program of at most ``longest`` instructions that shows a fault of ``rule``, or None.

    None says only that nothing was found in that time.
    """
    start = time.perf_counter()
    ints = Numbers(rules)
    attempts = [
        a
        for a in _in_order(operations(rules, rule))
        if a.length <= longest and not (a.operation.unary and a.right)
    ]
    ways = (
        (drawn(ints, attempts, rule), min(DRAWING, seconds / 4)),
        (_solved(rules, False, ints, attempts), seconds / 2),
        (_solved(rules, True, ints, attempts), seconds),
    )
    for candidates, limit in ways:
        for candidate in candidates:
            poc = _shown(rules, candidate) if candidate else None
            spent = time.perf_counter() - start
            if poc is not None:
                return replace(poc, seconds=round(spent, 2))
            if spent > limit:
                break
    return None


def _in_order(found: Sequence[Operation]) -> Iterator[Attempt]:
    """Short shapes first; among them by turns the nearest operation, and the simplest shapes.

    A rule may be part of many operations and show in few of them, or in one of them only after
    some steps.
    """
    choices = sorted(itertools.product(SHAPES, SHAPES), key=lambda pair: sum(map(len, pair)))
    for few, many in ((0, 2), (3, 4), (5, 99)):
        some = [c for c in choices if few <= sum(map(len, c)) <= many]
        nearest = itertools.product(range(len(found)), range(len(some)))
        simplest = ((i, j) for j in range(len(some)) for i in range(len(found)))
        # Both are all pairs, so they end together.
        turns = itertools.chain.from_iterable(zip(nearest, simplest, strict=True))
        yield from (Attempt(found[i], *some[j]) for i, j in dict.fromkeys(turns))


def _solved(
    rules: RuleSet, synced: bool, ints: Numbers, attempts: Sequence[Attempt]
) -> Iterator[Candidate | None]:
    """What the solver finds of each attempt, with `sync` or without."""
    b = Builder(rules, synced)
    yield from (_solve(b, ints, attempt) for attempt in attempts)


def _solve(b: Builder, ints: Numbers, attempt: Attempt) -> Candidate | None:
    """Constants and numbers with which the operation's result misses the number."""
    (a, of_a), (c, of_c) = b.shaped("x", attempt.left), b.shaped("y", attempt.right)
    solver = z3.SolverFor("QF_BV")
    solver.add(*a.given, *c.given, contains(a.known, a.number), contains(c.known, c.number))
    solver.add(attempt.operation.wrong(b, a, c))
    constants = [*of_a, *of_c]
    model = _smallest(solver, constants)
    if model is None:
        return None
    x, y, *ks = (
        model.eval(t, model_completion=True).as_long()
        for t in (z3.BitVec("x", 64), z3.BitVec("y", 64), *constants)
    )
    return attempt.candidate(ints, (x, y), ks)


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


def _shown(rules: RuleSet, candidate: Candidate) -> Poc | None:
    # Verifier and machine are imported for a candidate, so that proofs do not wait for them.
    from bpfsmt.poc.shown import shown

    return shown(rules, candidate)
