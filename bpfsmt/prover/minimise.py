"""A counterexample that a person can read: ranges that say nothing, small numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import z3

from bpfsmt.prover.mentions import variables

PATIENCE = 2.0
"""Seconds for one counterexample."""

_WIDEST: dict[str, Callable[[int], int]] = {
    "umin": lambda n: 0, "umax": lambda n: (1 << n) - 1,
    "smin": lambda n: 1 << (n - 1), "smax": lambda n: (1 << (n - 1)) - 1,
}  # fmt: skip


def smallest(formula: Any, model: Any) -> Any:
    """Another model of the formula, simpler as far as some seconds allow.

    Greedy: each variable in turn gets its simplest value that leaves the others a way.
    """
    solver = z3.SolverFor("QF_BV")
    solver.set("timeout", 300)
    solver.add(formula)
    end = time.process_time() + PATIENCE
    found = sorted(variables(formula).values(), key=_order)
    for v in (v for v in found if z3.is_bv(v)):
        for wish in _wishes(v):
            if time.process_time() > end:
                return model
            solver.push()
            solver.add(wish)
            if solver.check() == z3.sat:
                model = solver.model()
                break
            solver.pop()
    return model


def _field(v: Any) -> str:
    return str(v.decl().name()).rsplit(".", 1)[-1].replace("32", "")


def _order(v: Any) -> tuple[bool, bool, str]:
    name = str(v.decl().name())
    return _field(v) not in _WIDEST, name.endswith("mask"), name


def _wishes(v: Any) -> Iterator[Any]:
    if _field(v) in _WIDEST:
        yield v == _WIDEST[_field(v)](v.size())
        return
    for bits in (0, 1, 2, 4, 8, 16, 32):
        if bits < v.size():
            yield z3.ULT(v, 1 << bits)
