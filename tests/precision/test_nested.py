"""`zext32` of nested low halves: run on ints, and each step of the argument, broken by a rule."""

from __future__ import annotations

import pytest
import z3
from hypothesis import find, given, settings
from hypothesis import strategies as st

from bpfsmt.bits import S32_MAX, S32_MIN, U32_MAX, Rule, replace, rule, s32, terms, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.precision.compare import Comparer
from bpfsmt.precision.nested import Nested, handed_on
from bpfsmt.precision.shared import LEFT, RIGHT, Shared
from bpfsmt.prover.compose import SCALAR
from bpfsmt.prover.order import scalar_covers
from bpfsmt.prover.solver import Proved, Refuted, Solver, words_only
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.rules.bounds import bounds_from_tnum
from bpfsmt.rules.linux.sync import bounds32_from_tnum, meet_s32, meet_u32
from bpfsmt.rules.tnum import tnum_intersect, tnum_or, tnum_range, tnum_zext32

LINUX = rule_set("linux-6.12")
SETS = [LINUX, rule_set("linux-6.18")]


def between(lo: int, hi: int) -> st.SearchStrategy[int]:
    near = st.integers(0, 3)
    return st.one_of(
        st.sampled_from([lo, hi]), st.integers(lo, hi),
        near.map(lambda n: min(hi, lo + n)), near.map(lambda n: max(lo, hi - n)),
    )  # fmt: skip


@st.composite
def nested_low_halves(draw: st.DrawFn) -> tuple[Scalar, Scalar]:
    """A record and one that lies in it, as far as they speak of low halves; not empty."""
    y = draw(between(0, U32_MAX))
    signed = y - (1 << 32) if y > S32_MAX else y
    found = []
    mask, (lo, hi), (slo, shi) = U32_MAX, (0, U32_MAX), (S32_MIN, S32_MAX)
    for _ in range(2):
        mask &= draw(st.one_of(st.just(U32_MAX), st.integers(0, U32_MAX)))
        lo, hi = draw(between(lo, y)), draw(between(y, hi))
        slo, shi = draw(between(slo, signed)), draw(between(signed, shi))
        bits = Tnum(y & ~mask, mask)
        low = {"u32min": lo, "u32max": hi, "s32min": slo, "s32max": shi}
        found.append(UNKNOWN._replace(var_off=bits, **low))
    return found[0], found[1]


@settings(max_examples=500, deadline=None)
@given(nested_low_halves())
def test_of_nested_low_halves_zext32_makes_nested_ones(pair: tuple[Scalar, Scalar]) -> None:
    wide, tight = pair
    for of_wide, of_tight in ((0, 0), (0, 1), (1, 1)):
        assert stay_nested(SETS[of_wide], wide, SETS[of_tight], tight)


def stay_nested(of_wide: RuleSet, wide: Scalar, of_tight: RuleSet, tight: Scalar) -> bool:
    return bool(scalar_covers(of_wide.ints.zext32(wide), of_tight.ints.zext32(tight)))


def test_a_set_of_which_that_is_not_so_is_seen() -> None:
    other = LINUX.derive("broken", bounds32_from_neighbours)
    many = settings(max_examples=5000, deadline=None, database=None)
    find(nested_low_halves(), lambda p: not stay_nested(other, p[0], other, p[1]), settings=many)


def answers(found: Nested, *names: str) -> list[type]:
    """What the solver says of the questions whose names start so."""
    asked = [q for n, q in found.questions() if n.startswith(names)]
    return [type(Solver(make=words_only, cpu=True).impossible(q, 20)) for q in asked]


def test_what_is_asked_in_no_time_is_answered_for_both_sets() -> None:
    found = Nested(Shared(*SETS), LEFT)
    quick = answers(found, "head", "told", "twice", "reads", "shape", "kept 1", "rest", "ends")
    assert len(quick) > 40
    assert set(quick) == {Proved}


@rule
def low_as_whole(r: Scalar) -> Scalar:
    """Forgets umin of what cannot be large."""
    umin = u64(r.u32min) if r.u32max >= u32(S32_MIN) else u64(0)
    return replace(r, umin=umin, umax=u64(r.u32max), smin=0, smax=U32_MAX)


@rule
def from_bits(r: Scalar) -> Scalar:
    """Learns of the low half only where there was nothing."""
    return bounds_from_tnum(bounds32_from_tnum(r) if r.u32max == U32_MAX else r)


@rule
def bounds32_from_sign(r: Scalar) -> Scalar:
    """Without the cases in which one end of a range is left."""
    s = r
    if s32(r.u32min) <= s32(r.u32max):
        s = meet_s32(r, s32(r.u32min), s32(r.u32max))
    if u32(s.s32min) <= u32(s.s32max):
        return meet_u32(s, u32(s.s32min), u32(s.s32max))
    return s


@rule
def bounds32_from_neighbours(r: Scalar) -> Scalar:
    """Loses a number."""
    return replace(r, u32max=r.u32max - 1) if r.u32min < r.u32max else r


@rule
def bounds64_after_sext(r: Scalar) -> Scalar:
    """Knows more bits than the range tells."""
    return replace(r, var_off=Tnum(r.umin, 0)) if r.umin == r.umax else r


@rule
def tnum_from_bounds(r: Scalar) -> Scalar:
    """Learns from even ends only."""
    if r.umax & 1 == 1:
        return r
    return replace(r, var_off=tnum_intersect(r.var_off, tnum_range(r.umin, r.umax)))


def reads_more() -> Rule[..., Scalar]:
    @rule
    def tnum_from_bounds(r: Scalar) -> Scalar:
        """Looks at the bits twice."""
        whole = tnum_intersect(r.var_off, tnum_range(r.umin, r.umax))
        return replace(r, var_off=tnum_or(whole, tnum_zext32(r.var_off)))

    return tnum_from_bounds


def range_of_odd_length() -> Rule[..., Tnum]:
    @rule
    def tnum_range(lo: u64, hi: u64) -> Tnum:
        """Tells nothing of the range unless its ends differ by an even number."""
        return Tnum(0, ~u64(0)) if (hi - lo) & 1 == 1 else Tnum(lo & hi, lo ^ hi)

    return tnum_range


@pytest.mark.parametrize(
    ("broken", "step"),
    [
        (low_as_whole, "head"),
        (from_bits, "bits"),
        (bounds32_from_sign, "end: s32"),
        (bounds32_from_neighbours, "kept 1: u32"),
        (bounds64_after_sext, "told"),
        (tnum_from_bounds, "ends"),
        (reads_more(), "reads"),
        (range_of_odd_length(), "twice"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_a_rule_that_breaks_a_step_is_seen_there(broken: Rule[..., object], step: str) -> None:
    other = LINUX.derive("broken", broken)
    assert Refuted in answers(Nested(Shared(other, other), LEFT), step)


def test_of_what_differs_in_one_set_both_are_asked() -> None:
    """Though `sync` is the same in both."""
    shared = Shared(LINUX, LINUX.derive("broken", low_as_whole))
    assert shared.same("sync")
    asked = {n.split(", ")[1] for n, _ in Nested(shared, LEFT).questions() if n.startswith("shape")}
    assert asked == {"linux-6.12", "broken"}


def test_what_is_handed_on_is_another_rule_s_result() -> None:
    a, b = (terms.fresh(SCALAR, n) for n in "ab")
    core = handed_on(LINUX, "alu32_add", [a, b])
    assert z3.simplify(z3.And(*(x == y for x, y in zip(
        terms.leaves(core), terms.leaves(LINUX.linked.terms["add_core"](a, b)), strict=True
    ))))  # fmt: skip
    for name, args in (("alu64_add", [a, b]), ("zext32", [a]), ("tnum_add", [a, b])):
        assert handed_on(LINUX, name, args) is None


@pytest.mark.slow
@pytest.mark.parametrize("swapped", [False, True])
def test_the_looser_sum_of_low_halves_is_named(swapped: bool) -> None:
    @rule
    def add_u32(a: Scalar, b: Scalar) -> tuple[u32, u32]:
        return 0, U32_MAX

    loose: RuleSet = LINUX.derive("loose", add_u32)
    pair = (loose, LINUX) if swapped else (LINUX, loose)
    comparer = Comparer(*pair, 10)
    comparer.settle(["alu32_add"])
    found = comparer.compare("alu32_add")
    assert (found.verdict, found.how) == (
        "B tighter" if swapped else "A tighter",
        "solver, if sound",
    )
    # By the argument, of the looser one as the wide one; nothing quicker decides it.
    assert vars(comparer.nested[LEFT if swapped else RIGHT])["shown"] is True
