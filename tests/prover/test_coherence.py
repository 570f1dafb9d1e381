"""Results whose parts agree: what `sync` returned needs no proof of its own, the rest does."""

from __future__ import annotations

from typing import Any

from bpfsmt.bits import U64_MAX, Rule, replace, rule
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.prover.decide import Result
from bpfsmt.prover.prove import prove
from bpfsmt.rules import rule_set
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.tnum import tnum_neg

BASE = rule_set("linux-6.12")


def asked(theorem: str, *changed: Rule[..., Any]) -> dict[str, Result]:
    rules = BASE.derive("mine", *changed) if changed else BASE
    return {r.name: r for d in prove(rules, [theorem], jobs=1) for r in d.results}


def test_by_sync() -> None:
    found = asked("refine64_ult: coherent")
    assert {r.verdict for r in found.values()} == {"proved"}
    assert all(r.uses == ("sync",) and r.how == "alternatives" for r in found.values())


def test_the_lemma_that_it_rests_on() -> None:
    found = asked("sync: coherent")
    parts = ("u64", "s64", "u32", "s32")
    assert {found[f"synced/{part}"].verdict for part in parts} == {"proved"}


def test_what_is_changed_after_sync_is_not_spared() -> None:
    @rule
    def alu64_neg(a: Scalar) -> Scalar:
        return replace(sync(replace(UNKNOWN, var_off=tnum_neg(a.var_off))), umax=U64_MAX)

    found = asked("alu64_neg: coherent", alu64_neg)
    assert found["alu64_neg/coherent/u64"].verdict == "refuted"
    assert found["alu64_neg/coherent/s64"].verdict == "proved"
    assert found["alu64_neg/coherent/s64"].how == "stages"


def test_a_sync_that_forgets_is_refuted() -> None:
    @rule
    def sync(r: Scalar) -> Scalar:
        return replace(r, umin=max(r.umin, r.var_off.value))

    found = asked("sync: coherent", sync)
    assert found["sync/coherent/0"].verdict == "refuted"
