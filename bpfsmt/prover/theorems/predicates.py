"""What the yes-and-no rules mean: decided branches, constants, inclusion, overlap, overflow."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import z3

from bpfsmt.prover.compose import contains, parts_of_gamma, well_formed
from bpfsmt.prover.facts import FACTS, Fact
from bpfsmt.prover.obligation import Kind
from bpfsmt.prover.statement import Args, Statement
from bpfsmt.prover.theorems.meanings import CONDITIONS, condition
from bpfsmt.rules.ruleset import RuleSet

PREDICATE = Kind.PREDICATE
X: dict[str, Any] = {"members": {"a": "x"}, "numbers": ("x",)}
XY: dict[str, Any] = {"members": {"a": "x", "b": "y"}, "numbers": ("x", "y")}


def low(x: Any) -> Any:
    """The low half."""
    return z3.Extract(31, 0, x)


def one_of_three(taken: Any) -> Any:
    """Taken, not taken, or undecided: callers know no other answer."""
    return z3.Or(taken == 1, taken == 0, taken == -1)


def branches() -> Iterator[Statement]:
    """Taken means that every pair of values takes it, not taken that none does."""

    def goals(name: str, bits: int) -> Any:
        holds = condition(name, bits)

        def of(args: Args, taken: Any) -> Mapping[str, Any]:
            always = holds(args["x"], args["y"])
            return {
                "taken": z3.Implies(taken == 1, always),
                "not taken": z3.Implies(taken == 0, z3.Not(always)),
                "one of three": one_of_three(taken),
            }

        return of

    for bits in (64, 32):
        for name in CONDITIONS:
            yield Statement(f"taken{bits}_{name}", PREDICATE, goals(name, bits), synced=True, **XY)


def constants() -> Iterator[Statement]:
    """A known number is the only member; a contradiction has none."""
    yield Statement(
        "is_const", PREDICATE,
        lambda a, r: {"one member": z3.Implies(r, a["r"].var_off.value == a["x"])},
        members={"r": "x"}, numbers=("x",),
    )  # fmt: skip
    yield Statement(
        "is_const32", PREDICATE,
        lambda a, r: {"one member": z3.Implies(r, low(a["r"].var_off.value) == low(a["x"]))},
        members={"r": "x"}, numbers=("x",),
    )  # fmt: skip
    yield Statement(
        "scalar_empty", PREDICATE, lambda a, r: {"no member": z3.Not(r)},
        members={"r": "x"}, numbers=("x",),
    )  # fmt: skip
    yield Statement(
        "both_32", PREDICATE,
        lambda a, r: {"fit": z3.Implies(r, z3.Extract(63, 32, a["x"] | a["y"]) == 0)}, **XY,
    )  # fmt: skip
    yield Statement(
        "bits_meet", PREDICATE,
        lambda a, r: {
            "taken": z3.Implies(r == 1, a["x"] & a["y"] != 0),
            "not taken": z3.Implies(r == 0, a["x"] & a["y"] == 0),
            "one of three": one_of_three(r),
        }, **XY,
    )  # fmt: skip
    yield Statement(
        "apart32", PREDICATE,
        lambda a, r: {"differ": z3.Implies(r, low(a["x"]) != low(a["y"]))}, **XY,
    )  # fmt: skip


def tnums() -> Iterator[Statement]:
    """What is said of tnums is exact: true where the rule says yes, and nowhere else."""

    def overlap(a: Args, r: Any) -> Mapping[str, Any]:
        both = a["a"].value | a["b"].value
        common = z3.And(contains(a["a"], both), contains(a["b"], both))
        shared = z3.And(contains(a["a"], a["x"]), contains(a["b"], a["x"]))
        return {"no: nothing shared": z3.Implies(shared, r), "yes: shared": z3.Implies(r, common)}

    def forms(a: Args) -> list[Any]:
        return [well_formed(a["a"]), well_formed(a["b"])]

    def inside(a: Args, r: Any) -> Mapping[str, Any]:
        small, big = a["b"], a["a"]
        ends = z3.And(contains(big, small.value), contains(big, small.value | small.mask))
        return {
            "yes: inside": z3.Implies(z3.And(r, contains(small, a["x"])), contains(big, a["x"])),
            "no: not inside": z3.Or(r, z3.Not(ends)),
        }

    yield Statement("tnum_overlap", PREDICATE, overlap, forms, numbers=("x",))
    yield Statement("tnum_in", Kind.SUBSUMPTION, inside, forms, numbers=("x",))
    for end, order in (
        ("umax", lambda x, r: z3.ULE(x, r)),
        ("smin", lambda x, r: r <= x),
        ("smax", lambda x, r: x <= r),
    ):
        yield Statement(
            f"tnum_{end}", PREDICATE,
            functools.partial(_end, order), **X,
        )  # fmt: skip
    power = lambda a: [a["size"] != 0, a["size"] & (a["size"] - 1) == 0]  # noqa: E731
    yield Statement(
        "tnum_is_aligned", PREDICATE,
        lambda a, r: {"multiple": z3.Implies(r, a["x"] & (a["size"] - 1) == 0)}, power, **X,
    )  # fmt: skip


def _end(order: Any, a: Args, r: Any) -> Mapping[str, Any]:
    return {"bound": order(a["x"], r), "attained": contains(a["a"], r)}


def told() -> Iterator[Statement]:
    """What proofs about their callers know of rules that return words."""
    for f in FACTS.values():

        def goals(a: Args, r: Any, f: Fact = f) -> Mapping[str, Any]:
            return {"as told": f.holds(a, r)}

        numbers = tuple(f.members.values())
        yield Statement(
            f.rule, PREDICATE, goals, members=f.members, numbers=numbers, synced=f.synced
        )


def overflow() -> Iterator[Statement]:
    """The overflow tests are exact."""
    for name, wide in (
        ("add_overflows", lambda a, b: z3.SignExt(1, a) + z3.SignExt(1, b)),
        ("sub_overflows", lambda a, b: z3.SignExt(1, a) - z3.SignExt(1, b)),
    ):

        def exact(a: Args, r: Any, wide: Any = wide) -> Mapping[str, Any]:
            true = wide(a["a"], a["b"])
            return {"exact": r == (true != z3.SignExt(1, z3.Extract(63, 0, true)))}

        yield Statement(name, PREDICATE, exact)
    yield Statement(
        "fits_s32", PREDICATE, lambda a, r: {"exact": r == (a["x"] == z3.SignExt(32, low(a["x"])))}
    )


def subsumption() -> Iterator[Statement]:
    """The old state's claims hold of whatever the new state's claims hold of."""

    def ranges(a: Args, r: Any) -> Mapping[str, Any]:
        parts = parts_of_gamma(a["old"], a["x"])
        return {p: z3.Implies(r, parts[p]) for p in ("u64", "s64", "u32", "s32")}

    def whole(a: Args, r: Any) -> Mapping[str, Any]:
        return {p: g for p, g in ranges(a, r).items() if p.endswith("64")}

    new: dict[str, Any] = {"members": {"new": "x"}, "numbers": ("x",)}
    yield Statement("range_within", Kind.SUBSUMPTION, ranges, applies=_tracks_subregisters, **new)
    # A rule set without subregister ranges has nothing to say of them.
    yield Statement(
        "range_within", Kind.SUBSUMPTION, whole,
        applies=lambda rules: not _tracks_subregisters(rules), **new,
    )  # fmt: skip

    def scalar(a: Args, r: Any) -> Mapping[str, Any]:
        parts = parts_of_gamma(a["old"], a["x"])
        return {p: z3.Implies(r, goal) for p, goal in parts.items() if p != "form"}

    form = lambda a: [well_formed(a["old"])]  # noqa: E731
    yield Statement("scalar_subsumes", Kind.SUBSUMPTION, scalar, form, **new)

    def pointer(a: Args, r: Any) -> Mapping[str, Any]:
        # One address, base + new_off + x, seen from the old fixed offset.
        rest = a["x"] + a["new_off"] - a["old_off"]
        parts = parts_of_gamma(a["old"], rest)
        return {p: z3.Implies(r, goal) for p, goal in parts.items() if p != "form"}

    def packet(a: Args, r: Any) -> Mapping[str, Any]:
        """A range of n ≥ 0: n bytes from the variable part on are there; else `_claimed`."""
        follows = z3.Implies(
            z3.And(r, _claimed(a["new_range"], a["room"])), _claimed(a["old_range"], a["room"])
        )
        return {**pointer(a, r), "range": follows}

    marks = lambda a: [  # noqa: E731
        well_formed(a["old"]),
        a["old_range"] >= -2,
        a["new_range"] >= -2,
    ]
    yield Statement(
        "packet_subsumes", Kind.SUBSUMPTION, packet, marks,
        members={"new": "x"}, numbers=("x", "room"), synced=True,
    )  # fmt: skip
    for name in ("pointer_subsumes", "pointer_equal"):
        yield Statement(name, Kind.SUBSUMPTION, pointer, form, synced=True, **new)


def _claimed(range_: Any, room: Any) -> Any:
    """What a packet pointer's range says, with ``room`` bytes from there to the end.

    -1 is a pointer at or beyond the end, -2 one beyond it.
    """
    return z3.And(
        z3.Implies(range_ >= 0, range_ <= room),
        z3.Implies(range_ == -1, room <= 0),
        z3.Implies(range_ == -2, room < 0),
    )


def _tracks_subregisters(rules: RuleSet) -> bool:
    return "bounds32_from_tnum" in rules.linked.rules
