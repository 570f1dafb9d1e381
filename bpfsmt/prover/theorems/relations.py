"""More than one register: links by id, splits into several states, ids of two states."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.domain.reg import ADD_CONST, ADD_CONST32
from bpfsmt.prover.compose import SCALAR, contains, parts_of_gamma
from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.meanings import mov32, sign_extended, zero_extended
from bpfsmt.rules.ruleset import RuleSet


def links() -> Iterator[Statement]:
    """With b the base of an id: source is b + source_off, and reg b + reg_off."""

    def words(a: Args) -> list[Any]:
        fits = [a[n] == z3.SignExt(32, z3.Extract(31, 0, a[n])) for n in ("reg_off", "source_off")]
        # Of a 32-bit link, both registers are low halves.
        source = a["base"] + a["source_off"]
        return [*fits, a["s"] == z3.If(a["add32"], mov32(source), source)]

    def goals(a: Args, r: Any) -> Mapping[str, Any]:
        value = a["base"] + a["reg_off"]
        low = parts_of_gamma(r, mov32(value))
        return {p: z3.If(a["add32"], low[p], g) for p, g in parts_of_gamma(r, value).items()}

    def same(a: Args) -> list[Any]:
        return [*words(a), a["reg_off"] == a["source_off"], z3.Not(a["add32"])]

    for given, distances in ((words, True), (same, False)):
        yield Statement(
            "sync_linked", Kind.RELATION, goals, given,
            members={"source": "s"}, numbers=("s", "base"), synced=True,
            applies=functools.partial(_has_distances, distances),
        )  # fmt: skip

    def kept(meaning: Any) -> Any:
        return lambda a, r: {"nothing lost": z3.Implies(r, meaning(a["x"], a["bits"]) == a["x"])}

    widths = {"bits": (8, 16, 32)}
    yield Statement(
        "fits_bits", Kind.RELATION, kept(zero_extended), cases=widths,
        members={"r": "x"}, numbers=("x",), synced=True,
    )  # fmt: skip
    yield Statement(
        "links_movsx", Kind.RELATION, kept(sign_extended), cases=widths,
        members={"src": "x"}, numbers=("x",), synced=True,
    )  # fmt: skip

    def added(a: Args, r: Any) -> Mapping[str, Any]:
        off = z3.SignExt(32, z3.Extract(31, 0, a["n"].var_off.value))
        return {"one distance": z3.Implies(r, a["x"] == off)}

    yield Statement(
        "links_add", Kind.RELATION, added, members={"n": "x"}, numbers=("x",)
    )  # fmt: skip


def _has_distances(wanted: bool, rules: RuleSet) -> bool:
    """Whether the rule set ever links a register some way off an id's base."""
    adds = rules.linked.rules.get("links_add")
    never = adds is None or z3.is_false(
        z3.simplify(rules.linked.terms["links_add"](terms.fresh(SCALAR, "n")))
    )
    return wanted is not never


def splits() -> Iterator[Statement]:
    """Every number of the register is in one of the two halves."""

    def goals(a: Args, r: Any) -> Mapping[str, Any]:
        split, first, second = r
        x = a["x"]
        covered = z3.Or(contains(first, x), contains(second, x))
        # Hints for the solver: how a fork is told, and where its halves differ.
        whole = z3.And(a["dst"].smin == -1, a["dst"].smax == 0)
        half = z3.And(z3.Not(whole), a["dst"].s32min == -1, a["dst"].s32max == 0)
        zero = z3.Extract(31, 0, x) == 0
        told = (whole, half, z3.Not(z3.Or(whole, half)))
        cases = [z3.And(t, z) for t in told for z in (zero, z3.Not(zero))]
        return {
            "cover": z3.And(*(z3.Implies(case, covered) for case in cases)),
            "no split, nothing lost": z3.Or(split, contains(second, x)),
        }

    yield Statement(
        "fork_scalars", Kind.SPLIT, goals, members={"dst": "x"}, numbers=("x",), synced=True
    )


def _names(a: Args, names: Any) -> Mapping[str, Any]:
    own, base = names
    flags = ADD_CONST | ADD_CONST32
    return {
        "what it is linked to": base == a["id_"] & ~z3.BitVecVal(flags, 32),
        "its link": own == a["id_"],
    }


def ids() -> Iterator[Statement]:
    """Ids of two states: what the old ids say of the values follows from the new ones."""

    def link(a: Args, r: Any) -> Mapping[str, Any]:
        # The new register is base + new_off if it is linked by distance, else base.
        x = a["base"] + z3.If(a["new_added"], a["new_off"], z3.BitVecVal(0, 64))
        old = a["base"] + z3.If(a["old_added"], a["old_off"], z3.BitVecVal(0, 64))
        return {"same base, same number": z3.Implies(z3.And(r, a["old_id"] != 0), x == old)}

    yield Statement("link_subsumes", Kind.SUBSUMPTION, link, numbers=("base",))

    def pairs(a: Args, r: Any) -> Mapping[str, Any]:
        new_says = z3.Implies(a["new_a"] == a["new_b"], a["x"] == a["y"])
        old_says = z3.Implies(a["old_a"] == a["old_b"], a["x"] == a["y"])
        return {"old follows": z3.Implies(z3.And(r, new_says), old_says)}

    yield Statement("id_pairs_agree", Kind.SUBSUMPTION, pairs, numbers=("x", "y"))
    yield Statement("link_names", Kind.SUBSUMPTION, _names)
    yield Statement(
        "id_pair_ok", Kind.SUBSUMPTION,
        lambda a, r: {"an old id has a new one": z3.Implies(r, (a["old"] != 0) == (a["new"] != 0))},
    )  # fmt: skip
