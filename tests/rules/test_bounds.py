"""The stages that make ranges and tnum learn from each other keep every member."""

from __future__ import annotations

import pytest
import z3

from bpfsmt.prover.compose import Composition, contains
from bpfsmt.prover.obligation import Obligation
from bpfsmt.semantics import alu

from .prove import PAPER, X, assert_proved, members, two_scalars, unary

STAGES = ("bounds_from_tnum", "bounds_from_sign", "tnum_from_bounds")


@pytest.mark.parametrize("stage", STAGES)
def test_stage_keeps_members(stage: str) -> None:
    c, a, _ = two_scalars()
    assert_proved(*members(stage, c.given, c.run(stage, a), X))


def test_sync_keeps_members() -> None:
    """Nothing but sound stages, one after the other."""
    c, a, _ = two_scalars()
    for stage in STAGES:
        c.contract(stage, lambda x: x)
    assert_proved(*members("sync", c.given, c.run("sync", a), X))


def test_stage_never_widens() -> None:
    """What a stage returns is inside what it was given (of which it keeps every member)."""
    for stage in STAGES:
        c, a, _ = two_scalars()
        r = c.run(stage, a)
        assert_proved(
            *(
                Obligation(f"{stage} {end}", tuple(c.given), goal)
                for end, goal in {
                    "umin": z3.UGE(r.umin, a.umin),
                    "umax": z3.ULE(r.umax, a.umax),
                    "smin": r.smin >= a.smin,
                    "smax": r.smax <= a.smax,
                    "tnum": r.var_off.mask & ~a.var_off.mask == 0,
                }.items()
            )
        )


def test_zext32() -> None:
    c, a, _ = two_scalars()
    c.skip("sync")
    assert_proved(*members("zext32", c.given, c.run("zext32", a), unary(alu.mov32, "src")(X)))


def test_from_tnum_umax_srange() -> None:
    top, lo, hi = z3.BitVecs("top lo hi", 64)
    c, a, _ = two_scalars()
    c.skip("sync")
    assert_proved(
        *members("from_tnum", c.given, c.run("from_tnum", a.var_off), X),
        *members("from_umax", [z3.ULE(X, top)], c.run("from_umax", top), X),
        *members("from_srange", [lo <= X, hi >= X], c.run("from_srange", lo, hi), X),
    )


def test_is_const_has_one_member() -> None:
    c, a, _ = two_scalars()
    given = (*c.given, c.run("is_const", a))
    assert_proved(Obligation("is_const", given, a.var_off.value == X))


def test_scalar_empty_has_no_member() -> None:
    c, a, _ = two_scalars()
    assert_proved(Obligation("scalar_empty", tuple(c.given), z3.Not(c.run("scalar_empty", a))))


def test_range_within_and_tnum_in_are_inclusion() -> None:
    """With the 32-bit ranges at their widest, as this rule set leaves them: γ(new) ⊆ γ(old)."""
    c, old, new = two_scalars()
    member_of_new = z3.BitVec("z", 64)
    wide = Composition(PAPER).run("from_tnum", old.var_off)
    old = old._replace(
        u32min=wide.u32min, u32max=wide.u32max, s32min=wide.s32min, s32max=wide.s32max
    )
    given = (
        contains(new, member_of_new),
        c.run("range_within", old, new),
        c.run("tnum_in", old.var_off, new.var_off),
    )
    assert_proved(*members("inclusion", [*c.given, *given], old, member_of_new))


def test_scalar_intersect() -> None:
    c, a, b = two_scalars()
    c.skip("sync")
    given = [*c.given, contains(b, X)]
    assert_proved(*members("intersect", given, c.run("scalar_intersect", a, b), X))
