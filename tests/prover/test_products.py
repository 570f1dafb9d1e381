"""Products: wrong bounds of Linux 6.18's multiplication are refuted, with numbers that were run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bpfsmt.bits import (
    S32_MAX,
    S32_MIN,
    S64_MAX,
    S64_MIN,
    U32_MAX,
    U64_MAX,
    Rule,
    rule,
    s32,
    s64,
    u32,
    u64,
)
from bpfsmt.domain.scalar import Scalar
from bpfsmt.prover.decide import Decider, Result
from bpfsmt.prover.theorems import theorems
from bpfsmt.rules import rule_set
from bpfsmt.rules.linux.alu import fits_s32
from bpfsmt.rules.linux.alu_6_18 import magnitude, mul_overflows, mul_wraps

BASE = rule_set("linux-6.18")
PATIENCE = 60.0


def corner_forgotten() -> Rule[..., Any]:
    @rule
    def mul_s64(a: Scalar, b: Scalar) -> tuple[s64, s64]:
        left = mul_overflows(a.smin, b.smin) or mul_overflows(a.smin, b.smax)
        right = mul_overflows(a.smax, b.smin) or mul_overflows(a.smax, b.smax)
        if left or right:
            return S64_MIN, S64_MAX
        p = a.smin * b.smin
        q = a.smin * b.smax
        s = a.smax * b.smax
        return min(p, q, s), max(p, q, s)

    return mul_s64


def overflow_of_a_corner_forgotten() -> Rule[..., Any]:
    @rule
    def mul_s64(a: Scalar, b: Scalar) -> tuple[s64, s64]:
        if mul_overflows(a.smin, b.smin) or mul_overflows(a.smax, b.smax):
            return S64_MIN, S64_MAX
        p = a.smin * b.smin
        q = a.smin * b.smax
        r = a.smax * b.smin
        s = a.smax * b.smax
        return min(p, q, r, s), max(p, q, r, s)

    return mul_s64


def limit_of_magnitudes_off_by_one() -> Rule[..., Any]:
    @rule
    def mul_overflows(x: s64, y: s64) -> bool:
        limit = u64(S64_MAX) + 1  # also where the signs agree
        return y != 0 and magnitude(x) > limit // magnitude(y)

    return mul_overflows


def quotient_off_by_one() -> Rule[..., Any]:
    @rule
    def mul_wraps(x: u64, y: u64) -> bool:
        return y != 0 and x > u64(U64_MAX) // y + 1

    return mul_wraps


def lower_end_alone_is_tested() -> Rule[..., Any]:
    @rule
    def mul_u64(a: Scalar, b: Scalar) -> tuple[u64, u64]:
        wraps = mul_wraps(a.umin, b.umin)
        return (0, U64_MAX) if wraps else (a.umin * b.umin, a.umax * b.umax)

    return mul_u64


def limit_of_low_halves_off_by_one() -> Rule[..., Any]:
    @rule
    def mul_u32(a: Scalar, b: Scalar) -> tuple[u32, u32]:
        wide = u64(a.u32max) * u64(b.u32max)
        lo = u64(a.u32min) * u64(b.u32min)
        return (u32(lo), u32(wide)) if wide <= U32_MAX + 1 else (0, U32_MAX)

    return mul_u32


def one_end_fits() -> Rule[..., Any]:
    @rule
    def mul_s32(a: Scalar, b: Scalar) -> tuple[s32, s32]:
        p = s64(a.s32min) * s64(b.s32min)
        q = s64(a.s32min) * s64(b.s32max)
        r = s64(a.s32max) * s64(b.s32min)
        s = s64(a.s32max) * s64(b.s32max)
        lo = min(p, q, r, s)
        hi = max(p, q, r, s)
        return (s32(lo), s32(hi)) if fits_s32(hi) else (S32_MIN, S32_MAX)

    return mul_s32


WRONG = {
    corner_forgotten: "mul_core/s64",
    limit_of_magnitudes_off_by_one: "mul_overflows/as told",
    quotient_off_by_one: "mul_wraps/as told",
    lower_end_alone_is_tested: "mul_core/u64",
    limit_of_low_halves_off_by_one: "mul_core/u32",
    one_end_fits: "mul_core/s32",
}


def decided(about: str, *planted: Rule[..., Any]) -> Result:
    rules = BASE.derive("planted", *planted) if planted else BASE
    found = (o for t in theorems(rules) if t.rule == about.split("/")[0] for o in t.obligations())
    return Decider(PATIENCE, PATIENCE).decide(next(o for o in found if o.name == about))


@pytest.mark.parametrize("plant", WRONG)
def test_refuted(plant: Callable[[], Rule[..., Any]]) -> None:
    r = decided(WRONG[plant], plant())
    assert r.verdict == "refuted"
    assert r.counterexample is not None


@pytest.mark.slow
def test_refuted_by_way_of_a_model_of_less_than_the_truth() -> None:
    """Drawn numbers do not find this one; one factor as in such a model does."""
    assert decided("mul_core/s64", overflow_of_a_corner_forgotten()).verdict == "refuted"


@pytest.mark.parametrize("about", sorted(WRONG.values()))
def test_the_rules_as_they_are_are_proved(about: str) -> None:
    r = decided(about)
    assert (r.verdict, r.inputs) == ("proved", "arbitrary")
    assert r.how.endswith("products as unknowns")
