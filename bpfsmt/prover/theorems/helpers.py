"""What helpers return, and what loads give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import z3

from bpfsmt.prover.contract import Contract
from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.meanings import identity, sign_extended, zero_extended

S32_MAX = (1 << 31) - 1


def returns() -> Iterator[Contract]:
    """R0 of a helper that keeps to its contract."""
    yield Contract(
        "retval_length",
        lambda x, longest: x,
        when=lambda x, longest: z3.And(x >= -4095, x <= longest, longest >= 0, longest <= S32_MAX),
    )
    yield Contract(
        "retval_cpu",
        lambda x, cpus: x,
        when=lambda x, cpus: z3.And(
            z3.ULT(x, z3.ZeroExt(32, cpus)), cpus != 0, z3.ULE(cpus, S32_MAX)
        ),
    )
    yield Contract(
        "retval_range",
        lambda x, lo, hi: x,
        when=lambda x, lo, hi: z3.And(z3.SignExt(32, lo) <= x, x <= z3.SignExt(32, hi)),
    )


def predicates() -> Iterator[Statement]:
    """Whether a returned number is in range."""

    def goals(a: Args, r: Any) -> Any:
        x, lo, hi = a["x"], a["lo"], a["hi"]
        low: Any = z3.Extract(31, 0, x)
        whole = z3.And(z3.SignExt(32, lo) <= x, x <= z3.SignExt(32, hi))
        narrow = z3.And(lo <= low, low <= hi)
        return {"in range": z3.Implies(r, z3.If(a["narrow"], narrow, whole))}

    yield Statement(
        "retval_within", Kind.PREDICATE, goals, members={"r": "x"}, numbers=("x",)
    )  # fmt: skip


def loads() -> Iterator[Contract]:
    """Loads of a spilled number, and of memory of which nothing is known."""
    all_sizes = {"size": (1, 2, 4, 8)}
    narrow = {"size": (1, 2, 4)}
    yield Contract("fill", lambda x, n: zero_extended(x, n * 8), cases=all_sizes, synced=True)
    yield Contract("fill_sext", lambda x, n: sign_extended(x, n * 8), cases=narrow, synced=True)
    yield Contract("load", lambda n, z: zero_extended(z, n * 8), cases=all_sizes, free=True)
    yield Contract("load_sext", lambda n, z: sign_extended(z, n * 8), cases=narrow, free=True)
    yield Contract("store_imm", lambda imm: z3.SignExt(32, imm))
    yield Contract("known", identity, settles=True)
    yield Contract("forget32", identity, stage=False)
    yield Contract("forget64", identity, stage=False)
