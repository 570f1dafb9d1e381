"""Parts of operations, each by itself, where a rule set has them and no operation calls them.

Elsewhere they are read, with what calls them, in the proofs about that.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import z3

from bpfsmt.prover.compose import contains, parts_of_gamma, well_formed
from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.meanings import binary, zero_extended
from bpfsmt.rules.ruleset import RuleSet


def uncalled(name: str, rules: RuleSet) -> bool:
    """Whether no rule of the set calls it."""
    return not any(name in r.callees for r in rules.linked.rules.values())


def low(x: Any) -> Any:
    """The low half."""
    return z3.Extract(31, 0, x)


def parts() -> Iterator[Statement]:
    """What each part loses no member of."""

    def known(a: Args) -> list[Any]:
        return [well_formed(a["b"]), a["b"].var_off.mask == 0, a["x"] != a["b"].var_off.value]

    def known_low(a: Args) -> list[Any]:
        b = a["b"].var_off
        return [well_formed(a["b"]), low(b.mask) == 0, low(a["x"]) != low(b.value)]

    def bounded(a: Args) -> list[Any]:
        x = a["x"] if a["lo"].size() == 64 else low(a["x"])
        mask = a["r"].var_off.mask if a["lo"].size() == 64 else low(a["r"].var_off.mask)
        inside = z3.And(z3.ULE(a["lo"], x), z3.ULE(x, a["hi"]))
        return [z3.If(a["exact"], mask == 0, inside)]

    def scalar(a: Args, r: Any) -> Any:
        return parts_of_gamma(r, a["x"])

    def added(a: Args, r: Any) -> Any:
        """Bit 0 of x takes y, of which that of the known 1 is counted elsewhere."""
        known_one = z3.Extract(0, 0, a["a"].value) == 1
        taken = z3.If(z3.Extract(0, 0, a["x"]) == 1, a["y"], z3.BitVecVal(0, 64))
        value = z3.If(known_one, a["y"] - a["b"].value, taken)
        return {"tnum": contains(r, value), "form": well_formed(r)}

    def means(number: Any) -> Any:
        """A tnum of what the number is made into."""
        return lambda a, r: {"tnum": contains(r, number(a)), "form": well_formed(r)}

    shifted = means(lambda a: binary("arsh32")(a["x"], a["n"]))
    cut = means(lambda a: zero_extended(a["x"], a["size"] << 3))
    joined = means(lambda a: z3.Concat(z3.Extract(63, 32, a["x"]), a["low"]))

    x: dict[str, Any] = {"members": {"a": "x"}, "numbers": ("x",)}
    sizes: dict[str, Any] = {**x, "cases": {"size": (1, 2, 4, 8)}}
    r: dict[str, Any] = {"members": {"r": "x"}, "numbers": ("x",)}
    ab: dict[str, Any] = {"members": {"a": "x", "b": "y"}, "numbers": ("x", "y")}
    for name, kind, goals, given, about in (
        ("without", Kind.OPERATOR, scalar, known, x),
        ("without32", Kind.OPERATOR, scalar, known_low, x),
        ("bitwise_low", Kind.OPERATOR, scalar, bounded, r),
        ("bitwise_whole", Kind.OPERATOR, scalar, bounded, r),
        ("tnum_mul_part", Kind.OPERATOR, added, None, ab),
        ("tnum_arshift32", Kind.OPERATOR, shifted, lambda a: [z3.ULT(a["n"], 32)], x),
        ("tnum_cast", Kind.OPERATOR, cut, None, sizes),
        ("tnum_const_subreg", Kind.OPERATOR, joined, None, x),
    ):
        applies = functools.partial(uncalled, name)
        if given is not None:
            about = {**about, "given": given}
        yield Statement(name, kind, goals, applies=applies, **about)
