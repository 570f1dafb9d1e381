"""The proofs can fail: planted errors are refuted, and the counterexample is real.

Each case overrides one rule of the set by an unsound one.  The solver's model is replayed
on ints: the operands hold their numbers, and the rule's own result does not hold what the
operation makes of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import z3

from bpfsmt.bits import U32_MAX, U64_MAX, Rule, replace, rule, s64, u64
from bpfsmt.domain.gamma import scalar_contains, tnum_contains
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.prover.compose import SCALAR, TNUM, Composition
from bpfsmt.rules import RuleSet
from bpfsmt.rules.alu64 import sub_overflows
from bpfsmt.rules.bounds import is_const, sync
from bpfsmt.rules.tnum import tnum_lshift, tnum_mul_part, tnum_rshift, tnum_sub, tnum_zext32
from bpfsmt.semantics import alu

from .prove import PAPER, X, Y, members, refutation

U64 = dict(alu.add64.params)["dst"]


def carries_forgotten() -> Rule[..., Any]:
    @rule
    def tnum_add(a: Tnum, b: Tnum) -> Tnum:
        unknown = a.mask | b.mask
        return Tnum((a.value + b.value) & ~unknown, unknown)

    return tnum_add


def uncertainty_of_known_ones_forgotten() -> Rule[..., Any]:
    @rule
    def tnum_and(a: Tnum, b: Tnum) -> Tnum:
        return Tnum(a.value & b.value, a.mask & b.mask)

    return tnum_and


def bounds_swapped() -> Rule[..., Any]:
    @rule
    def alu64_sub(a: Scalar, b: Scalar) -> Scalar:
        wide = sub_overflows(a.smin, b.smin) or sub_overflows(a.smax, b.smax)
        wrap = a.umin < b.umax
        return sync(
            replace(
                UNKNOWN,
                var_off=tnum_sub(a.var_off, b.var_off),
                smin=s64(1 << 63) if wide else a.smin - b.smin,
                smax=s64((1 << 63) - 1) if wide else a.smax - b.smax,
                umin=0 if wrap else a.umin - b.umax,
                umax=U64_MAX if wrap else a.umax - b.umin,
            )
        )

    return alu64_sub


def shifted_sign_kept() -> Rule[..., Any]:
    @rule
    def alu64_rsh(a: Scalar, b: Scalar) -> Scalar:
        if not is_const(b) or b.umax > 63:
            return UNKNOWN
        count = b.var_off.value
        return sync(replace(a, var_off=tnum_rshift(a.var_off, count), umin=0, umax=U64_MAX))

    return alu64_rsh


def const_count_read_from_the_range() -> Rule[..., Any]:
    @rule
    def alu64_lsh(a: Scalar, b: Scalar) -> Scalar:
        if not is_const(b) or b.umax > 63:
            return UNKNOWN
        return sync(replace(UNKNOWN, var_off=tnum_lshift(a.var_off, b.umin)))

    return alu64_lsh


def upper_halves_not_compared() -> Rule[..., Any]:
    @rule
    def zext32(r: Scalar) -> Scalar:
        lo, hi = r.umin & U32_MAX, r.umax & U32_MAX
        bounds = replace(UNKNOWN, umin=lo, umax=hi, smin=s64(lo), smax=s64(hi))
        return sync(replace(bounds, var_off=tnum_zext32(r.var_off)))

    return zext32


def off_by_one() -> Rule[..., Any]:
    @rule
    def refine64_ult(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
        left = replace(a, umax=min(a.umax, b.umax - 2))
        return sync(left), b

    return refine64_ult


def sign_read_from_one_end() -> Rule[..., Any]:
    @rule
    def bounds_from_sign(r: Scalar) -> Scalar:
        if r.smax >= 0:
            return replace(r, umin=max(r.umin, u64(r.smin)))
        return r

    return bounds_from_sign


def core(rules: RuleSet) -> RuleSet:
    """The rules without their last stage, which the obligations below leave out too.

    Fed a contradiction, `sync` may hand out a wider range again and so hide the mistake.
    """

    @rule
    def sync(r: Scalar) -> Scalar:
        return r

    return rules.derive("core", sync)


SCALAR_CASES = [
    (bounds_swapped, alu.sub64, 2),
    (shifted_sign_kept, alu.rsh64, 2),
    (const_count_read_from_the_range, alu.lsh64, 2),
    (upper_halves_not_compared, alu.low32, 1),
    (sign_read_from_one_end, alu.same64, 1),
]


@pytest.mark.parametrize(("plant", "meaning", "arity"), SCALAR_CASES)
def test_scalar_rule(plant: Callable[[], Any], meaning: Rule[..., int], arity: int) -> None:
    planted = plant()
    rules = PAPER.derive("planted", planted)
    c = Composition(rules)
    operands = (c.operand("a", X), c.operand("b", Y))
    c.skip("sync")
    r = c.run(planted.name, *operands[:arity])
    parts = members(planted.name, c.given, r, meaning.terms(X, Y))
    value = refutation(*reversed(parts))  # the slowest to prove is the first, the tnum
    a, b = (value(SCALAR, t) for t in operands)
    x, y = value(U64, X), value(U64, Y)
    assert scalar_contains(a, x)
    assert scalar_contains(b, y)
    z = meaning(x, y)
    assert not scalar_contains(getattr(core(rules).ints, planted.name)(*(a, b)[:arity]), z)
    assert scalar_contains(getattr(core(PAPER).ints, planted.name)(*(a, b)[:arity]), z)


TNUM_CASES = [
    (carries_forgotten, alu.add64),
    (uncertainty_of_known_ones_forgotten, alu.and64),
]


@pytest.mark.parametrize(("plant", "meaning"), TNUM_CASES)
def test_tnum_rule(plant: Callable[[], Any], meaning: Rule[..., int]) -> None:
    planted = plant()
    rules = PAPER.derive("planted", planted)
    c = Composition(rules)
    a, b = c.operand("a", X, TNUM), c.operand("b", Y, TNUM)
    r = c.run(planted.name, a, b)
    value = refutation(*members(planted.name, c.given, r, meaning.terms(X, Y)))
    left, right, x, y = value(TNUM, a), value(TNUM, b), value(U64, X), value(U64, Y)
    assert tnum_contains(left, x)
    assert tnum_contains(right, y)
    z = meaning(x, y)
    assert not tnum_contains(getattr(rules.ints, planted.name)(left, right), z)
    assert tnum_contains(getattr(PAPER.ints, planted.name)(left, right), z)


def test_branch_off_by_one() -> None:
    rules = PAPER.derive("planted", off_by_one())
    c = Composition(rules)
    a, b = c.operand("a", X), c.operand("b", Y)
    c.skip("sync")
    left, _ = c.run("refine64_ult", a, b)
    value = refutation(*members("left", [*c.given, z3.ULT(X, Y)], left, X))
    scalars = value(SCALAR, a), value(SCALAR, b)
    x, y = value(U64, X), value(U64, Y)
    assert scalar_contains(scalars[0], x)
    assert scalar_contains(scalars[1], y)
    assert alu.jlt64(x, y)
    assert not scalar_contains(rules.ints.refine64_ult(*scalars)[0], x)
    assert scalar_contains(PAPER.ints.refine64_ult(*scalars)[0], x)


def test_a_planted_callee_is_seen_through_its_callers() -> None:
    """The override is what `alu64_add` uses, in both modes."""
    rules = PAPER.derive("planted", carries_forgotten())
    c = Composition(rules)
    a, b = c.operand("a", X), c.operand("b", Y)
    c.skip("sync")
    r = c.run("alu64_add", a, b)
    value = refutation(members("alu64_add", c.given, r, X + Y)[0])
    x, y, z = value(U64, X), value(U64, Y), alu.add64(value(U64, X), value(U64, Y))
    scalars = value(SCALAR, a), value(SCALAR, b)
    assert scalar_contains(scalars[0], x)
    assert scalar_contains(scalars[1], y)
    assert not scalar_contains(rules.ints.alu64_add(*scalars), z)


def test_a_part_of_the_product_forgotten() -> None:
    @rule
    def tnum_mul_part(a: Tnum, b: Tnum) -> Tnum:
        return Tnum(0, b.mask) if a.value & 1 == 1 else Tnum(0, 0)

    rules = PAPER.derive("planted", tnum_mul_part)
    c = Composition(rules)
    a, b = c.operand("a", X, TNUM), c.operand("b", Y, TNUM)
    term = z3.If(a.value & 1 == 1, Y - b.value, z3.If(X & 1 == 1, Y, z3.BitVecVal(0, 64)))
    value = refutation(*members("part", c.given, c.run("tnum_mul_part", a, b), term))
    left, right, x, y = value(TNUM, a), value(TNUM, b), value(U64, X), value(U64, Y)
    low = Tnum(left.value & 1, left.mask & 1)  # only bit 0 of the operand matters
    assert not tnum_contains(rules.ints.tnum_mul(low, right), (x & 1) * y & U64_MAX)


def test_a_stage_may_be_skipped_at_the_end_only() -> None:
    """`Composition` refuses to leave out a stage of whose result more is made."""

    @rule
    def alu64_neg(a: Scalar) -> Scalar:
        r = sync(a)
        return r if r.umin == 0 else UNKNOWN

    c = Composition(PAPER.derive("planted", alu64_neg))
    c.skip("sync")
    with pytest.raises(ValueError, match="used inside"):
        c.run("alu64_neg", c.operand("a", X))


def test_a_contract_needs_a_member() -> None:
    """A changed copy of an operand does not stand for the operand's number."""

    @rule
    def alu64_neg(a: Scalar) -> Scalar:
        return sync(replace(a, umin=a.umin + 1))

    c = Composition(PAPER.derive("planted", alu64_neg))
    c.contract("sync", lambda x: x)
    with pytest.raises(ValueError, match="no member is known"):
        c.run("alu64_neg", c.operand("a", X))


def test_reference_rules_are_the_sets_own() -> None:
    """The texts that these tests call by name are those of the rule set."""
    for r in (is_const, sync, tnum_sub, tnum_lshift, tnum_rshift, tnum_mul_part, tnum_zext32):
        assert PAPER.rules[r.name] is r
