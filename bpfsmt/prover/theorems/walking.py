"""What the walk rests on: links that it keeps, states that it forks, constants and indices.

And the low half of a sign extension, which no contract can speak of.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import z3

from bpfsmt.bits import Rule, s32, terms
from bpfsmt.prover.compose import SCALAR, contains, parts_of_gamma
from bpfsmt.prover.contract import Meaning
from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.meanings import binary, mov32, sign_extended, zero_extended
from bpfsmt.rules.ruleset import RuleSet
from bpfsmt.semantics import alu

Goals: TypeAlias = Callable[[Args, Any], Mapping[str, Any]]
LOW = 0xFFFF_FFFF
OFFS = ("reg_off", "source_off")
COPY = 0
SIGNED = (1, 2, 4)
"""Bytes that a sign-extending load reads."""
WIDTHS = ((COPY, COPY), (COPY, 64), (64, COPY), (64, 64), (COPY, 32), (32, COPY), (32, 32))
"""What is learnt, by what: plain copies, and links by 64-bit and 32-bit additions."""


def links() -> Iterator[Statement]:
    """A link that is kept says what it said before; what is learnt by one holds."""
    one: dict[str, Any] = {"members": {"r": "x"}, "numbers": ("x",), "synced": True}

    sizes = {"size": (1, 2, 4, 8)}
    for name in ("links_spill", "links_fill"):
        yield Statement(name, Kind.RELATION, _whole(zero_extended), cases=sizes, **one)
    yield Statement(
        "links_fill_sext", Kind.RELATION, _whole(sign_extended),
        lambda a: [z3.Or(*(a["size"] == n for n in SIGNED))],
        follows=lambda of: {"size": SIGNED[of["size"] % len(SIGNED)]}, **one,
    )  # fmt: skip
    for name, ordered in (("links_swap", _swapped), ("links_keep", zero_extended)):
        yield Statement(
            name, Kind.RELATION, _unchanged(ordered), cases={"bits": (16, 32, 64)},
            members={"src": "x"}, numbers=("x",), synced=True,
        )  # fmt: skip
    for name in ("links_add32", "links_sub32"):
        yield Statement(
            name, Kind.RELATION, _added32, members={"dst": "x", "n": "y"}, numbers=("x", "y"),
            synced=True,
        )  # fmt: skip
    for distances, widths in ((True, WIDTHS), (False, WIDTHS[:1])):
        yield Statement(
            "linked", Kind.RELATION, functools.partial(_linked, widths),
            members={"source": "s"}, numbers=("s", "base"), synced=True,
            applies=functools.partial(_links_by_distance, distances),
            follows=functools.partial(_drawn, widths),
        )  # fmt: skip


def _whole(extended: Meaning) -> Goals:
    """The number is what its low ``size`` bytes are extended to."""
    return lambda a, r: {"nothing lost": z3.Implies(r, extended(a["x"], a["size"] << 3) == a["x"])}


def _unchanged(ordered: Meaning) -> Goals:
    """The number is what its low ``bits`` are in that order of bytes."""
    return lambda a, r: {"nothing changed": z3.Implies(r, ordered(a["x"], a["bits"]) == a["x"])}


def _swapped(x: Any, bits: Any) -> Any:
    """The low ``bits``, a known number, with their bytes in reverse order."""
    swap: Rule[..., Any] = getattr(alu, f"swap{bits.as_long()}")
    return swap.terms(x, 0)


def _added32(a: Args, r: Any) -> Mapping[str, Any]:
    """The distance is the one that is noted, and the base fits 32 bits, as `_linked` has it."""
    return {
        "one distance": z3.Implies(r, z3.Extract(31, 0, a["y"]) == a["n"].s32min),
        "base fits 32 bits": z3.Implies(r, z3.ULE(a["x"], LOW)),
    }


def _through(a: Args, which: str, width: int) -> Any:
    """The number behind a link: base + off, or the low half of that; the base for a copy."""
    if width == COPY:
        return a["base"]
    number = a["base"] + a[f"{which}_off"]
    return mov32(number) if width == 32 else number


def _linked(widths: tuple[tuple[int, int], ...], a: Args, r: Any) -> Mapping[str, Any]:
    """One goal for each pair of widths that mix; a 32-bit link is only of a base that fits."""
    goals = {}
    for reg, source in widths:
        given = [a["reg_width"] == reg, a["source_width"] == source]
        given += [a[n] == z3.SignExt(32, z3.Extract(31, 0, a[n])) for n in OFFS]
        given += [a[f"{n}_off"] == 0 for n, w in (("reg", reg), ("source", source)) if w == COPY]
        if 32 in (reg, source):
            given.append(z3.ULE(a["base"], LOW))
        given.append(a["s"] == _through(a, "source", source))
        holds = z3.And(*parts_of_gamma(r, _through(a, "reg", reg)).values())
        goals[f"{_name(reg)} by {_name(source)}"] = z3.Implies(z3.And(*given), holds)
    return goals


def _drawn(widths: tuple[tuple[int, int], ...], of: Mapping[str, int]) -> Mapping[str, int]:
    """Two links on one base that fit the number drawn for the source."""
    reg, source = widths[of["reg_width"] % len(widths)]
    reg_off, source_off = (
        0 if width == COPY else s32(of[off]) for width, off in zip((reg, source), OFFS, strict=True)
    )
    base = of["s"] - source_off
    return {
        "reg_width": reg, "source_width": source, "reg_off": reg_off, "source_off": source_off,
        "base": base & LOW if source == 32 else base,
    }  # fmt: skip


def _name(width: int) -> str:
    return f"{width}-bit" if width else "copy"


def _links_by_distance(wanted: bool, rules: RuleSet) -> bool:
    """Whether any number is ever linked some way off an id's base (since Linux 6.11)."""
    kept = rules.linked.terms["links_add"](terms.fresh(SCALAR, "n"))
    return wanted is not z3.is_false(z3.simplify(kept))


def forks() -> Iterator[Statement]:
    """Each half of a split holds, behind the instruction, what that makes of its numbers."""
    for op in ("and", "or"):
        meaning = binary(f"{op}64")

        def halves(a: Args, r: Any, meaning: Any = meaning) -> Mapping[str, Any]:
            first = contains(r[0], meaning(a["x"], a["k"]))
            second = contains(r[1], meaning(a["y"], a["k"]))
            zero = a["zeros"].var_off.value | a["zeros"].var_off.mask
            return {
                "first, of the whole": z3.Implies(zero == 0, first),
                "first, of the low half": z3.Implies(z3.Extract(31, 0, zero) == 0, first),
                "second": second,
            }

        yield Statement(
            f"forked_{op}", Kind.SPLIT, halves, members={"zeros": "x", "ones": "y"},
            numbers=("x", "y"), synced=True,
        )  # fmt: skip


def arms() -> Iterator[Statement]:
    """A constant is what it was, whatever the other arm made of it (which may be dead code)."""
    yield Statement(
        "other_arm", Kind.OPERATOR, lambda a, r: parts_of_gamma(r, a["x"]),
        members={"k": "x"}, numbers=("x",),
    )  # fmt: skip


def indices() -> Iterator[Statement]:
    """An index that is said to be in range is."""
    yield Statement(
        "index_known", Kind.PREDICATE,
        lambda a, r: {"in range": z3.Implies(r, z3.ULT(a["x"], z3.ZeroExt(32, a["entries"])))},
        members={"index": "x"}, numbers=("x",),
    )  # fmt: skip


def low_halves() -> Iterator[Statement]:
    """A 32-bit sign extension before its upper half is cleared: only the low half counts."""

    def low(a: Args, r: Any) -> Mapping[str, Any]:
        x = sign_extended(a["x"], z3.ZeroExt(32, a["bits"]))
        parts = parts_of_gamma(r, x)
        differ: Any = (x ^ r.var_off.value) & ~r.var_off.mask
        return {
            "tnum": z3.Extract(31, 0, differ) == 0,
            "u32": parts["u32"],
            "s32": parts["s32"],
            "form": parts["form"],
        }

    yield Statement(
        "sext_low", Kind.OPERATOR, low, cases={"bits": (8, 16)}, members={"r": "x"},
        numbers=("x",), synced=True,
    )  # fmt: skip
