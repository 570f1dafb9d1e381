"""Code that the verifier puts in a program's place does what the program says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import z3

from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.meanings import binary
from bpfsmt.rules.linux.emitted import GOES_ON

MINUS_ONE = (1 << 64) - 1


def divisions() -> Iterator[Statement]:
    """The code for a division gives the RFC's result, changes nothing else, and goes on."""
    for op, bits in itertools.product(("div", "mod", "sdiv", "smod"), (64, 32)):
        name = f"{op}{bits}"
        meaning = binary(name)

        def same(a: Args, r: Any, meaning: Any = meaning, bits: int = bits) -> Mapping[str, Any]:
            dst, src = a["dst"], a["src"]
            low: Any = z3.Extract(bits - 1, 0, src)
            # A 64-bit division by a constant is one that a solver can do.
            zero, minus_one = (0, MINUS_ONE) if bits == 64 else (src, src)
            others = z3.And(low != 0, low != -1)
            return {
                "result by 0": z3.Implies(low == 0, r.dst == meaning(dst, zero)),
                "result by -1": z3.Implies(low == -1, r.dst == meaning(dst, minus_one)),
                "result": z3.Implies(others, r.dst == meaning(dst, src)),
                "src kept": r.src == src,
                "goes on": r.then == GOES_ON,
            }

        yield Statement(f"emitted_{name}", Kind.REWRITE, same)
