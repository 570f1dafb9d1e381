"""What callers take from a rule that returns words is an obligation of that rule."""

from __future__ import annotations

from typing import Any

from bpfsmt.bits import Rule, rule, s64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.prover.cache import Cache
from bpfsmt.prover.decide import Result
from bpfsmt.prover.prove import prove
from bpfsmt.prover.settled import settled
from bpfsmt.rules import rule_set
from bpfsmt.rules.linux.alu import is_const32


def results(wrong: Rule[..., Any], *about: str) -> dict[str, Result]:
    rules = rule_set("linux-6.12").derive("planted", wrong)
    done = prove(rules, about, cache=Cache(None), jobs=1)
    return {r.name: r for r in settled(r for d in done for r in d.results)}


def test_a_wrong_range_of_a_sum_is_refuted_where_it_is() -> None:
    """Its callers are proved given the fact; the run as a whole says refuted."""

    @rule
    def add_s64(a: Scalar, b: Scalar) -> tuple[s64, s64]:
        return a.smin + b.smin, a.smax + b.smax

    found = results(add_s64, "add_s64", "add_core")
    assert found["add_s64/as told"].verdict == "refuted"
    assert found["add_core/s64"].verdict == "proved"
    assert "add_s64" in found["add_core/s64"].uses
    assert "add_s64" not in found["add_core/s64"].reads


def test_a_fact_may_need_what_sync_establishes() -> None:
    """Any one of three conditions is enough of what went through `sync`; callers need that, too."""

    @rule
    def known_count32(n: Scalar) -> bool:
        known = is_const32(n) or n.s32min == n.s32max or n.u32min == n.u32max
        return known and n.umax < 32

    found = results(known_count32, "known_count32", "alu32_rsh")
    parts = {r for r in found.values() if r.kind in ("predicate", "operator")}
    assert {(r.verdict, r.inputs) for r in parts} == {("proved", "synced")}


def test_a_fact_that_is_false_of_synced_operands_is_refuted() -> None:
    @rule
    def known_count32(n: Scalar) -> bool:
        return n.umax < 32

    found = results(known_count32, "known_count32")
    assert found["known_count32/as told"].verdict == "refuted"
