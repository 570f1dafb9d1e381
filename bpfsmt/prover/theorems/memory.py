"""Pointers: where arithmetic leads, what an admitted access touches, what a compare proves."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import z3

from bpfsmt.prover.compose import parts_of_gamma
from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.predicates import one_of_three
from bpfsmt.rules.access import MAX_PACKET_OFF, MAX_VAR_OFF

X: dict[str, Any] = {"members": {"var": "x"}, "numbers": ("x",)}


def exact(term: Any, *, signed: bool = False) -> Any:
    """A word as a number wide enough that nothing below can wrap."""
    return z3.SignExt(8, term) if signed else z3.ZeroExt(8, term)


def accesses() -> Iterator[Statement]:
    """An access that is admitted lies inside, whatever the variable part is."""

    def region(a: Args, ok: Any) -> Mapping[str, Any]:
        at = exact(a["off"], signed=True) + exact(a["x"], signed=True)
        return {
            "not before": z3.Implies(ok, at >= 0),
            "not beyond": z3.Implies(ok, at + exact(a["size"]) <= exact(a["limit"])),
        }

    def words(a: Args) -> list[Any]:
        # off is an s32 field of the register and sizes are u32; a limit is a region's size.
        fits = a["off"] == z3.SignExt(32, z3.Extract(31, 0, a["off"]))
        small = 1 << 32
        return [fits, z3.ULT(a["size"], small), z3.ULT(a["limit"], small)]

    yield Statement("region_access_ok", Kind.PREDICATE, region, words, synced=True, **X)

    def packet(a: Args, ok: Any) -> Mapping[str, Any]:
        end = exact(a["off"]) + exact(a["size"])
        return {
            "forward": z3.Implies(ok, z3.And(a["x"] >= 0, a["off"] >= 0)),
            "in the range": z3.Implies(ok, end <= exact(a["checked"])),
        }

    yield Statement("packet_access_ok", Kind.PREDICATE, packet, synced=True, **X)
    yield Statement(
        "access_aligned", Kind.PREDICATE,
        lambda a, ok: {"multiple": z3.Implies(ok, (a["off"] + a["x"]) & (a["size"] - 1) == 0)},
        cases={"size": (1, 2, 4, 8)}, **X,
    )  # fmt: skip


def packet_ranges() -> Iterator[Statement]:
    """After ``start + x + off + room <= end``, so many bytes after start + x are there."""

    def given(a: Args) -> list[Any]:
        start, end = a["start"], a["end"]
        compared = start + a["x"] + a["off"] + a["room"]
        return [
            z3.ULE(start, end), z3.ULE(end - start, MAX_PACKET_OFF), z3.ULT(start, 1 << 63),
            z3.ULE(compared, end),
        ]  # fmt: skip

    def near_end(n: Mapping[str, int]) -> Mapping[str, int]:
        start = n["start"] >> 1
        return {"start": start, "end": start + n["x"] + n["off"] + n["room"] + (n["end"] & 3)}

    def goals(a: Args, claimed: Any) -> Mapping[str, Any]:
        inside = exact(a["start"]) + exact(a["x"]) + exact(claimed) <= exact(a["end"])
        return {
            "in the packet": z3.Or(claimed == 0, inside),
            "no more than fits": z3.ULE(claimed, MAX_PACKET_OFF + 1),
        }

    yield Statement(
        "packet_range", Kind.RELATION, goals, given,
        members={"var": "x"}, numbers=("x", "start", "end"), cases={"room": (0, 1)},
        follows=near_end, synced=True,
    )  # fmt: skip
    # A range of -1 says ptr >= end, -2 ptr > end.
    for name, holds in (
        ("le", lambda a: a["ptr"] <= a["end"]),
        ("lt", lambda a: a["ptr"] < a["end"]),
    ):
        yield Statement(
            f"taken_pkt_{name}", Kind.PREDICATE,
            functools.partial(_decided, holds),
            lambda a: [
                z3.Implies(a["range_"] == -1, a["ptr"] >= a["end"]),
                z3.Implies(a["range_"] == -2, a["ptr"] > a["end"]),
                a["range_"] >= -2,
            ],
            numbers=("ptr", "end"),
        )  # fmt: skip
    yield Statement(
        "packet_end_range", Kind.RELATION,
        lambda a, r: {"says so": z3.And(
            z3.Implies(r == -1, a["ptr"] >= a["end"]), z3.Implies(r == -2, a["ptr"] > a["end"]),
            r < 0, r >= -2,
        )},
        lambda a: [z3.If(a["beyond"], a["ptr"] > a["end"], a["ptr"] >= a["end"])],
        numbers=("ptr", "end"),
    )  # fmt: skip


def _decided(holds: Any, a: Args, r: Any) -> Mapping[str, Any]:
    return {
        "taken": z3.Implies(r == 1, holds(a)),
        "not taken": z3.Implies(r == 0, z3.Not(holds(a))),
        "one of three": one_of_three(r),
    }


def arithmetic() -> Iterator[Statement]:
    """Pointer plus or minus a number: the parts add up, and stay within what is followed."""
    for name, sign in (("pointer_add", 1), ("pointer_sub", -1)):

        def goals(a: Args, moved: Any, sign: int = sign) -> Mapping[str, Any]:
            moved_to = a["x"] + (a["y"] if sign > 0 else -a["y"])
            kept = z3.And(moved.ok, moved.same)
            changed = z3.And(moved.ok, z3.Not(moved.same))
            before, after = parts_of_gamma(moved.var, a["x"]), parts_of_gamma(moved.var, moved_to)
            address = moved_to + a["off"]
            sane = z3.And(moved.off > -MAX_VAR_OFF, moved.off < MAX_VAR_OFF)
            return {
                **{f"{p} as before": z3.Implies(kept, g) for p, g in before.items()},
                **{p: z3.Implies(changed, g) for p, g in after.items()},
                "number in the fixed offset": z3.Implies(kept, a["x"] + moved.off == address),
                "number in the variable part": z3.Implies(changed, moved.off == a["off"]),
                "fixed offset in reach": z3.Implies(moved.ok, sane),
                "lower end in reach": z3.Implies(changed, moved_to >= -MAX_VAR_OFF),
            }

        yield Statement(
            name, Kind.RELATION, goals, members={"var": "x", "n": "y"}, numbers=("x", "y"),
            synced=True,
        )  # fmt: skip
    yield Statement(
        "offset_sane", Kind.PREDICATE,
        lambda a, ok: {"lower end in reach": z3.Implies(ok, a["x"] >= -MAX_VAR_OFF)},
        members={"n": "x"}, numbers=("x",),
    )  # fmt: skip
    yield Statement(
        "offset_tainted", Kind.PREDICATE, lambda a, r: {"dead code": z3.Not(r)},
        members={"n": "x"}, numbers=("x",), synced=True,
    )  # fmt: skip
    # Once the null check fails, base + n is taken for 0: of base 0, n has to be.
    yield Statement(
        "nullable_moves", Kind.RELATION,
        lambda a, ok: {"NULL stays 0": z3.Implies(ok, a["x"] == 0)},
        members={"n": "x"}, numbers=("x",),
    )  # fmt: skip
    # A packet pointer moved back by n >= 0 is no nearer to the end than its range says.
    yield Statement(
        "range_kept", Kind.RELATION, lambda a, ok: {"back": z3.Implies(ok, a["x"] >= 0)},
        members={"n": "x"}, numbers=("x",),
    )  # fmt: skip
