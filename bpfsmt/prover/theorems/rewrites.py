"""Code that the verifier puts in a program's place does what the program says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import z3

from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.meanings import binary

MINUS_ONE = (1 << 64) - 1
DIVISIONS = tuple(f"{op}{bits}" for op in ("div", "mod", "sdiv", "smod") for bits in (64, 32))


def divisions() -> Iterator[Statement]:
    """The code for a division gives the RFC's result, changes nothing else, and is left behind."""
    for name in DIVISIONS:
        meaning = binary(name)

        def same(a: Args, r: Any, meaning: Any = meaning) -> Mapping[str, Any]:
            by_zero, by_minus_one = a["src"] == 0, a["src"] == -1
            others = z3.And(z3.Not(by_zero), z3.Not(by_minus_one))
            return {
                "result by 0": z3.Implies(by_zero, r.dst == meaning(a["dst"], 0)),
                "result by -1": z3.Implies(by_minus_one, r.dst == meaning(a["dst"], MINUS_ONE)),
                "result": z3.Implies(others, r.dst == meaning(a["dst"], a["src"])),
                "src kept": r.src == a["src"],
                "goes on": r.goes_on,
            }

        yield Statement(f"emitted_{name}", Kind.REWRITE, same)
