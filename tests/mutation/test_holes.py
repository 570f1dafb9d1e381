"""Faults that once survived because nothing that is proved spoke of them; sound ones once open."""

from __future__ import annotations

import functools

import pytest
import z3

from bpfsmt.bits import terms
from bpfsmt.mutation.ask import Prover
from bpfsmt.mutation.baseline import Asked
from bpfsmt.mutation.judge import judge
from bpfsmt.mutation.mutant import mutants_of
from bpfsmt.mutation.outcome import Outcome
from bpfsmt.mutation.trial import Samples
from bpfsmt.prover.compose import SCALAR
from bpfsmt.prover.decide import Result
from bpfsmt.prover.synced import synced
from bpfsmt.prover.theorems import theorems
from bpfsmt.rules import rule_set


@functools.cache
def samples() -> Samples:
    return Samples(rule_set("linux-6.12"))


def outcomes(rule: str, says: str) -> list[Outcome]:
    """What the theorems about the rule itself say of its mutants that are described so."""
    rules = samples().rules
    asked = Asked(tuple(t.name for t in theorems(rules) if t.rule == rule), ())
    mutants = [m for m in mutants_of(rules.linked.rules[rule]).found if m.says == says]
    assert mutants
    return [judge(rules, m, asked, Prover(samples())) for m in mutants]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        # An answer that no caller knows.
        ("bits_meet", "UNDECIDED → (UNDECIDED - 1)"),
        ("taken_pkt_le", "-1 → (-2)"),
        # Tried only where the premises hold: a packet that has an end near the pointer.
        ("packet_range", "off < 0 or (off == 0 and room == 1) → False"),
        # Widths of links are 0, 32 or 64.
        ("links_mix", "source_width == 0 → (source_width != 0)"),
    ],
)
def test_a_run_refutes(rule: str, says: str) -> None:
    """Found on ints, without the solver."""
    assert {(o.verdict, o.how) for o in outcomes(rule, says)} == {("refuted", "run")}


def results(rule: str, says: str, theorem: str, obligation: str) -> list[Result]:
    """One obligation, asked of a rule set with the first mutant that is described, or named, so."""
    rules = samples().rules
    found = mutants_of(rules.linked.rules[rule]).found
    m = next(m for m in found if says in (m.says, m.name))
    changed = rules.derive(m.name, m.compile(rules.linked.rules[rule]))
    asked = next(t for t in theorems(changed) if t.name == theorem)
    spared = frozenset(o.name for o in asked.obligations()) - {obligation}
    return list(Prover(samples()).prove(asked, spared))


def test_a_counterexample_that_went_through_sync() -> None:
    """The solver's own numbers are not ones that `sync` leaves; wider ones are."""
    (found,) = results(
        "region_access_ok", "var.umax → var.umin", "region_access_ok: predicate",
        "region_access_ok/not beyond",
    )  # fmt: skip
    assert found.verdict == "refuted"
    assert found.counterexample is not None
    var = terms.lift(SCALAR, found.counterexample.args[0])
    assert all(z3.is_true(z3.simplify(fact)) for fact in synced(var))


@pytest.mark.slow
def test_what_only_the_text_of_sync_decides() -> None:
    """The facts that are known of synced registers are too few here; the text of `sync` is not."""
    (proof,) = results(
        "contradicts", "r.s32min → s32(r.u32min)", "contradicts: predicate",
        "contradicts/no member",
    )  # fmt: skip
    assert (proof.verdict, proof.how) == ("proved", "text, and that of sync")
    (found,) = results("bounds32_from_sign", "min → max", "sync: coherent", "sync/coherent/5")
    assert found.verdict == "refuted"
    assert found.counterexample is not None


SOUND = [
    # No two factors of 16 bits make 2^31 - 1, which is prime, nor 2^31.
    ("mul_low", "S32_MAX → (S32_MAX + 1)", "mul_core", "mul_core/s32", "divisors"),
    # The product of low halves is compared with products of wholes.
    ("mul_whole", "a.umin * b.umin → u64(u32(a.umin) * u32(b.umin))", "mul_core", "mul_core/u64",
     "products as unknowns"),
    # A sum that starts with an unknown bit too many still holds what it has to.
    ("tnum_mul", "tnum_mul#6017e609", "tnum_mul", "tnum_mul/start", "invariant"),
    # Behind `sync` the low half's lower end is no more than the whole's.
    pytest.param("pointer_difference", "var.umin → u64(var.u32min)", "pointer_difference",
                 "pointer_difference/u64", "close behind sync", marks=pytest.mark.slow),
    # What the last stages alone do not establish all do; contracts are told beside the texts.
    pytest.param("bounds64_from_sign", "min → max", "sync: coherent", "sync/coherent/4", " texts",
                 marks=pytest.mark.slow),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "says", "theorem", "obligation", "how"), SOUND)
def test_sound_for_a_reason(rule: str, says: str, theorem: str, obligation: str, how: str) -> None:
    (proof,) = results(rule, says, theorem, obligation)
    assert proof.verdict == "proved"
    assert how in proof.how
