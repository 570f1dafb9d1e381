"""The proofs can fail: planted errors are refuted, and each counterexample was run on ints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bpfsmt.bits import U32_MAX, U64_MAX, Rule, replace, rule, s64, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.prover.prove import prove
from bpfsmt.rules import rule_set
from bpfsmt.rules.alu64 import sub_overflows
from bpfsmt.rules.bounds import is_const, sync
from bpfsmt.rules.tnum import tnum_lshift, tnum_rshift, tnum_sub, tnum_zext32

PAPER = rule_set("xdp-paper")


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


def part_of_the_product_forgotten() -> Rule[..., Any]:
    @rule
    def tnum_mul_part(a: Tnum, b: Tnum) -> Tnum:
        return Tnum(0, b.mask) if a.value & 1 == 1 else Tnum(0, 0)

    return tnum_mul_part


def sign_of_the_low_half_forgotten() -> Rule[..., Any]:
    @rule
    def tnum_arshift32(a: Tnum, n: u64) -> Tnum:
        count = u32(n)
        return Tnum(u64(u32(a.value) >> count), u64(u32(a.mask) >> count))

    return tnum_arshift32


def one_byte_too_few() -> Rule[..., Any]:
    @rule
    def tnum_cast(a: Tnum, size: u64) -> Tnum:
        keep = (U64_MAX >> 8) >> (64 - (size << 3))
        return Tnum(a.value & keep, a.mask & keep)

    return tnum_cast


def low_half_not_cleared() -> Rule[..., Any]:
    @rule
    def tnum_clear_subreg(a: Tnum) -> Tnum:
        return a

    return tnum_clear_subreg


CASES = {
    carries_forgotten: "tnum_add",
    uncertainty_of_known_ones_forgotten: "tnum_and",
    bounds_swapped: "alu64_sub",
    shifted_sign_kept: "alu64_rsh",
    upper_halves_not_compared: "zext32",
    off_by_one: "refine64_ult",
    sign_read_from_one_end: "bounds_from_sign",
    part_of_the_product_forgotten: "tnum_mul",
    sign_of_the_low_half_forgotten: "tnum_arshift32",
    one_byte_too_few: "tnum_cast",
    low_half_not_cleared: "tnum_const_subreg",
}


@pytest.mark.parametrize("plant", CASES)
def test_refuted(plant: Callable[[], Rule[..., Any]]) -> None:
    rules = PAPER.derive("planted", plant())
    found = [r for d in prove(rules, [CASES[plant]], jobs=1) for r in d.results]
    refuted = [r for r in found if r.verdict == "refuted"]
    assert refuted
    assert all(r.counterexample is not None for r in refuted if r.kind == "operator")


def test_a_rule_may_need_synced_inputs() -> None:
    """A known count's umin is the count only after `sync`: proved, and said so."""
    rules = PAPER.derive("planted", const_count_read_from_the_range())
    found = [r for d in prove(rules, ["alu64_lsh"], jobs=1) for r in d.results]
    assert {r.verdict for r in found} == {"proved"}
    weak = [r for r in found if r.kind == "operator" and r.inputs == "synced"]
    assert weak
    assert all(r.counterexample is not None for r in weak)


def test_reference_rules_are_the_sets_own() -> None:
    """The texts that these tests call by name are those of the rule set."""
    for r in (is_const, sync, tnum_sub, tnum_lshift, tnum_rshift, tnum_zext32):
        assert PAPER.rules[r.name] is r
