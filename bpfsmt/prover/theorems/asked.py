"""What the walk asks of a register besides, or does with it where ways meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import z3

from bpfsmt.prover.compose import contains, well_formed
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.meanings import identity, mov32
from bpfsmt.prover.theorems.memory import exact
from bpfsmt.prover.theorems.walking import WIDTHS
from bpfsmt.rules.access import MAX_VAR_OFF

LOWEST = -(1 << 32)
"""No stack reaches further down, by far."""


def kept() -> Iterator[Contract]:
    """What loses no member: ranges forgotten in dead code, a loop's register forgotten."""
    yield Contract("checked", identity, stage=False)
    yield Contract("widened", lambda old, new: new)


def contradictions() -> Iterator[Statement]:
    """Dead code is dead."""
    yield Statement(
        "contradicts", Kind.PREDICATE, lambda a, r: {"no member": z3.Not(r)},
        members={"r": "x"}, numbers=("x",), synced=True,
    )  # fmt: skip


def unions() -> Iterator[Statement]:
    """Every member of either is in the union."""

    def given(a: Args) -> list[Any]:
        one = z3.Or(contains(a["a"], a["x"]), contains(a["b"], a["x"]))
        return [well_formed(a["a"]), well_formed(a["b"]), one]

    yield Statement(
        "tnum_union", Kind.OPERATOR,
        lambda a, r: {"tnum": contains(r, a["x"]), "form": well_formed(r)}, given, numbers=("x",),
    )  # fmt: skip


def links() -> Iterator[Statement]:
    """What keeps a link, and which links learn from each other."""
    yield Statement(
        "links_mov32", Kind.RELATION,
        lambda a, r: {"nothing lost": z3.Implies(r, mov32(a["x"]) == a["x"])},
        members={"src": "x"}, numbers=("x",), synced=True,
    )  # fmt: skip

    def away(a: Args, r: Any) -> Mapping[str, Any]:
        y: Any = a["y"]
        fits = -y == z3.SignExt(32, z3.Extract(31, 0, -y))
        return {"one distance": z3.Implies(r, y == a["n"].smin), "fits": z3.Implies(r, fits)}

    yield Statement(
        "links_sub", Kind.RELATION, away, members={"n": "y"}, numbers=("y",), synced=True
    )

    def pair_mixes(a: Args, r: Any) -> Mapping[str, Any]:
        # `linked` is proved for these pairs of widths, and for no others.
        pairs = (z3.And(a["reg_width"] == m, a["source_width"] == n) for m, n in WIDTHS)
        return {"a pair that mixes": z3.Implies(r, z3.Or(*pairs))}

    widths = (0, 32, 64)
    yield Statement(
        "links_mix", Kind.RELATION, pair_mixes,
        cases={"reg_width": widths, "source_width": widths},
    )  # fmt: skip


def accesses() -> Iterator[Statement]:
    """An access to the stack that is admitted lies inside; a size is one."""

    def words(a: Args) -> list[Any]:
        fits = a["off"] == z3.SignExt(32, z3.Extract(31, 0, a["off"]))
        return [fits, z3.ULT(a["size"], 1 << 32), a["lowest"] >= LOWEST, a["lowest"] <= 0]

    def inside(a: Args, ok: Any) -> Mapping[str, Any]:
        at = exact(a["off"], signed=True) + exact(a["x"], signed=True)
        return {
            "not below": z3.Implies(ok, at >= exact(a["lowest"], signed=True)),
            "not above": z3.Implies(ok, at + exact(a["size"]) <= 0),
        }

    x: dict[str, Any] = {"numbers": ("x",), "synced": True}
    yield Statement("stack_access_ok", Kind.PREDICATE, inside, words, members={"var": "x"}, **x)
    yield Statement("stack_reach", Kind.RELATION, _reached, _near, members={"var": "x"}, **x)
    yield Statement(
        "size_arg_ok", Kind.PREDICATE,
        lambda a, ok: {
            "not too large": z3.Implies(ok, z3.ULT(a["x"], MAX_VAR_OFF)),
            "not zero": z3.Implies(z3.And(ok, z3.Not(a["zero_ok"])), a["x"] != 0),
        },
        members={"n": "x"}, **x,
    )  # fmt: skip


def _near(a: Args) -> list[Any]:
    fits = a["off"] == z3.SignExt(32, z3.Extract(31, 0, a["off"]))
    return [fits, a["var"].smin > -(1 << 62), a["var"].smax < 1 << 62]


def _reached(a: Args, reach: Any) -> Mapping[str, Any]:
    low, high = reach
    return {"not below": low <= a["off"] + a["x"], "not above": a["off"] + a["x"] <= high}


def choices() -> Iterator[Statement]:
    """Rules whose every answer is sound; what the walk does by it is the claim of another.

    - `links_mov`: the copy has the number of the original whether or not it gets its id.
    - `decides64`, `decides32`: a branch is asked (`taken64_eq` and so on), or both arms go on.
    - `spill_tracked`: a spilled number is kept (`links_spill`, `fill`), or its bytes may be
      anything.
    """
    for name in ("links_mov", "decides64", "decides32", "spill_tracked"):
        yield Statement(name, Kind.PREDICATE, lambda a, r: {"either answer": z3.BoolVal(True)})
