"""One step of `sync` for all of it: what is shown, what is not of planted rules, and on ints."""

from __future__ import annotations

from typing import cast

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from bpfsmt.bits import S32_MAX, S32_MIN, replace, rule, s32, s64, terms, u32
from bpfsmt.bits.types import type_of
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.precision.alone import Alone
from bpfsmt.precision.cases import Question, questions
from bpfsmt.precision.kept import Keeper
from bpfsmt.precision.optimal import ASIDE, SIGNS, Limits, decide
from bpfsmt.precision.parts import PARTS, TNUM_PART, RangePart
from bpfsmt.precision.plain import Plain
from bpfsmt.precision.signs import STEPS, Signs
from bpfsmt.prover import Refuted, Solver
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.rules.linux.alu import fits_s32
from bpfsmt.rules.linux.sync import meet_s32, meet_u32

S32, S64 = (cast(RangePart, PARTS[name]) for name in ("s32", "s64"))
OLD, LINUX, NEW = (rule_set(f"linux-6.{n}") for n in (1, 12, 18))


@pytest.mark.parametrize(
    ("rules", "part"),
    [
        (OLD, S32), (LINUX, S32), (NEW, S32),
        pytest.param(LINUX, S64, marks=pytest.mark.slow),
        pytest.param(NEW, S64, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_the_step_may_stand_for_what_is_before_it(rules: RuleSet, part: RangePart) -> None:
    assert Signs(rules).stands_for_more(part)


def test_where_there_is_no_such_step_nothing_is_said() -> None:
    assert Signs(LINUX).split(TNUM_PART) is None
    assert not Signs(rule_set("xdp-paper")).stands_for_more(S32)


def test_a_stage_before_that_widens_is_seen() -> None:
    @rule
    def bounds32_from_tnum(r: Scalar) -> Scalar:
        return replace(r, u32min=u32(r.var_off.value))

    wrong = LINUX.derive("planted", bounds32_from_tnum)
    assert not Signs(wrong).stands_for_more(S32)
    assert not Signs(wrong).shrinks("bounds32_from_tnum", cast(RangePart, PARTS["u32"]))


def test_a_step_that_makes_more_of_less_is_seen() -> None:
    @rule
    def bounds32_from_sign(r: Scalar) -> Scalar:
        s = meet_s32(r, s32(r.u32min), s32(r.u32max)) if s32(r.u32min) <= s32(r.u32max) else r
        if u32(s.var_off.mask) == 6:
            return replace(s, s32min=S32_MIN, s32max=S32_MAX)
        return meet_u32(s, u32(s.s32min), u32(s.s32max)) if u32(s.s32min) <= u32(s.s32max) else s

    wrong = Signs(LINUX.derive("planted", bounds32_from_sign))
    assert all(wrong.shrinks(s, S32) for s in ("bounds32_from_tnum", "bounds_from_tnum"))
    assert not wrong.stands_for_more(S32)


def test_of_two_ranges_together_it_would_not_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Signs, "of_one", lambda *_: z3.BoolVal(True))
    signs = Signs(LINUX)
    found = signs.split(S64)
    assert found is not None
    assert found.before == ("from_bits",)
    assert isinstance(Solver().impossible(signs.more_of_less(found.stage, S64), 60), Refuted)


def test_what_is_known_read_one_way_is_mirrored_where_the_other_learns_it() -> None:
    @rule
    def bounds64_from_sign(r: Scalar) -> Scalar:
        return r

    assert Alone(OLD).mirrors(S32)
    assert Alone(LINUX).mirrors(S64)
    assert not Alone(LINUX.derive("planted", bounds64_from_sign)).mirrors(S64)


def ends(lo: int, hi: int) -> st.SearchStrategy[tuple[int, int]]:
    near = st.integers(0, 3)
    one = st.one_of(
        st.integers(lo, hi), near.map(lambda n: lo + n), near.map(lambda n: hi - n),
        near.map(lambda n: n - 2),
    )  # fmt: skip
    return st.tuples(one, one).map(lambda pair: (min(pair), max(pair)))


@pytest.mark.parametrize("part", [S32, S64])
@pytest.mark.parametrize("core", ["add_core", "sub_core"])
@given(st.data())
def test_on_ints_sync_says_as_much_as_the_step(
    part: RangePart, core: str, data: st.DataObject
) -> None:
    """Of 6.18's sums, of which it is proved."""
    run = NEW.ints
    a, b = (data.draw(ends(part.word.min, part.word.max)) for _ in range(2))
    r = getattr(run, core)(*(run.sync(part.alone(v)) for v in (a, b)))
    alone = part.of(getattr(run, STEPS[part.word.bits])(r))
    assert part.covers(alone, part.of(run.sync(r)))


def asked(rules: RuleSet, name: str, part: str) -> Question:
    return next(q for q in questions(rules, (name,)) if q.part.name == part)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "part"), [("alu64_sub", "s32"), ("alu64_add", "s64"), ("alu64_sub", "s64")]
)
def test_sums_are_the_best_since_6_17(name: str, part: str) -> None:
    found = decide(asked(NEW, name, part), Keeper(NEW), Limits(1, 60))
    assert (found.verdict, found.how) == ("optimal", SIGNS), found.why


@pytest.mark.slow
def test_one_number_too_many_is_not_the_best() -> None:
    @rule
    def sub_s32(a: Scalar, b: Scalar) -> tuple[s32, s32]:
        more = s64(1) if a.s32min == 0x1234567 else s64(0)
        lo = s64(a.s32min) - s64(b.s32max) - more
        hi = s64(a.s32max) - s64(b.s32min)
        return (s32(lo), s32(hi)) if fits_s32(lo) and fits_s32(hi) else (S32_MIN, S32_MAX)

    wrong = NEW.derive("planted", sub_s32)
    found = decide(asked(wrong, "alu64_sub", "s32"), Keeper(wrong), Limits(1, 60))
    assert (found.verdict, found.width) == ("not optimal", 64), found.why
    assert found.example is not None
    assert found.example.values[0][0] == 0x1234567


def test_a_stage_that_may_leave_a_single_number_is_set_aside() -> None:
    assert Plain(LINUX).left_out == frozenset()
    assert Plain(NEW).left_out == {"single_value"}
    assert Plain(NEW).matters("bounds_from_tnum")
    assert not Plain(NEW).matters("bounds32_from_tnum")
    r = Scalar(Tnum(0, 0b101), 2, 4, 2, 4, 2, 4, 2, 4)
    assert NEW.ints.bounds_from_tnum(r).var_off == Tnum(4, 0)
    lifted = terms.lift(type_of(Scalar), r)
    assert z3.simplify(Plain(NEW).terms["bounds_from_tnum"](lifted).var_off.mask).as_long() == 5


def test_a_stage_that_leaves_more_or_less_is_read() -> None:
    @rule
    def single_value(r: Scalar) -> Scalar:
        return replace(r, umax=r.umin) if r.umin == 7 else r

    assert Plain(NEW.derive("planted", single_value)).left_out == frozenset()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["u64", "s64"])
def test_a_negation_of_a_low_half_that_ends_with_0_could_say_more(part: str) -> None:
    found = decide(asked(NEW, "alu32_neg", part), Keeper(NEW), Limits(1, 60))
    assert (found.verdict, found.width) == ("not optimal", 64), found.why


@pytest.mark.slow
def test_compares_are_the_best_but_for_single_numbers() -> None:
    (question,) = [q for q in questions(NEW, ("refine64_sle",))
                   if q.part.name == "u64" and q.operation.name.endswith("right")]  # fmt: skip
    found = decide(question, Keeper(NEW), Limits(1, 60))
    assert (found.verdict, found.how) == ("optimal", ASIDE), found.why
