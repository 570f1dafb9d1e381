"""Byte order: bytes exchanged or kept, in numbers, in tnums, in registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import z3

from bpfsmt.bits import Rule
from bpfsmt.prover.compose import parts_of_gamma
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.meanings import zero_extended
from bpfsmt.semantics import alu

BITS = (16, 32, 64)
WIDTHS = {"bits": BITS}


def swapped(x: Any, bits: Any) -> Any:
    """The low ``bits`` (16, 32, else 64) of x with their bytes in reverse order, zero-extended."""
    results = []
    for n in BITS:
        swap: Rule[..., Any] = getattr(alu, f"swap{n}")
        results.append(swap.terms(x, 0))
    return z3.If(bits == 16, results[0], z3.If(bits == 32, results[1], results[2]))


def registers() -> Iterator[Contract]:
    """BPF_END of a register, and of its bits."""
    for n in BITS:
        yield Contract(f"tnum_bswap{n}", lambda x, n=n: swapped(x, z3.BitVecVal(n, 64)))
    yield Contract("tnum_swapped", swapped, cases=WIDTHS)
    yield Contract("swap_bytes", swapped, cases=WIDTHS, synced=True)
    yield Contract("keep_bytes", zero_extended, cases=WIDTHS, synced=True)


def numbers() -> Iterator[Statement]:
    """The exchange as the rules write it; and a register of which only the width is looked at."""
    for n in BITS:

        def same(a: Args, r: Any, n: int = n) -> Mapping[str, Any]:
            return {"as BPF_END does": r == swapped(a["x"], z3.BitVecVal(n, 64))}

        yield Statement(f"bswap{n}", Kind.PREDICATE, same)

    def either(a: Args, r: Any) -> Mapping[str, Any]:
        ways = {"swapped": swapped, "kept": zero_extended}
        return {
            f"{way}/{part}": goal
            for way, meaning in ways.items()
            for part, goal in parts_of_gamma(r, meaning(a["x"], a["bits"])).items()
        }

    yield Statement(
        "byte_swap", Kind.OPERATOR, either, cases=WIDTHS, members={"r": "x"}, numbers=("x",),
        synced=True,
    )  # fmt: skip
