"""A mutant that needs synced operands, and callers that hand it other records."""

from __future__ import annotations

from dataclasses import replace as changed

from bpfsmt.bits import S64_MAX, U64_MAX, replace, rule, s64, u64
from bpfsmt.domain import Scalar, Tnum
from bpfsmt.domain.scalar import UNKNOWN
from bpfsmt.mutation.ask import Prover
from bpfsmt.mutation.baseline import Baseline
from bpfsmt.mutation.judge import judge
from bpfsmt.mutation.mutant import Mutant
from bpfsmt.mutation.outcome import Outcome
from bpfsmt.mutation.trial import Samples
from bpfsmt.prover.cache import Cache
from bpfsmt.prover.prove import prove
from bpfsmt.rules import RuleSet
from bpfsmt.rules.tnum import tnum_add


@rule
def sync(r: Scalar) -> Scalar:
    """Ranges within the bits' reach, and a sign bit that is known where the sign is."""
    mask = r.var_off.mask & u64(S64_MAX) if r.smin >= 0 else r.var_off.mask
    value = r.var_off.value
    return replace(
        r,
        var_off=Tnum(value, mask),
        umin=max(r.umin, value),
        umax=min(r.umax, value | mask),
        smin=max(r.smin, s64(value | (mask & ~u64(S64_MAX)))),
        smax=min(r.smax, s64(value | (mask & u64(S64_MAX)))),
    )


@rule
def add_core(a: Scalar, b: Scalar) -> Scalar:
    """a + b: bits, and the upper end if it does not wrap."""
    wraps = a.umax + b.umax < a.umax
    bits = tnum_add(a.var_off, b.var_off)
    return replace(UNKNOWN, var_off=bits, umax=U64_MAX if wraps else a.umax + b.umax)


PLANTED = Mutant(
    "add_core", "planted", 1, "a.umax + b.umax < a.umax", "by the bits",
    '''
def add_core(a: Scalar, b: Scalar) -> Scalar:
    """Whether it wraps is told by the bits, which the ends of synced operands do not exceed."""
    top = a.var_off.value | a.var_off.mask
    wraps = top + (b.var_off.value | b.var_off.mask) < top
    bits = tnum_add(a.var_off, b.var_off)
    return replace(UNKNOWN, var_off=bits, umax=U64_MAX if wraps else a.umax + b.umax)
''',
)  # fmt: skip


@rule
def from_bits(r: Scalar) -> Scalar:
    """What the caller hands on: here as it was."""
    return r


@rule
def alu64_add(a: Scalar, b: Scalar) -> Scalar:
    """The caller: what it hands on is proved to stand for a, not to have been synced."""
    return sync(add_core(from_bits(a), b))


KEEPS = RULES = RuleSet(
    "keeps", {r.name: r for r in (tnum_add, sync, add_core, from_bits, alu64_add)}
)


@rule
def from_bits_wide(r: Scalar) -> Scalar:
    """The upper end is lost."""
    return replace(r, umax=U64_MAX)


def forgets() -> RuleSet:
    """The rule set in which what is handed on is not synced any more."""
    text = from_bits_wide.source.text.replace("from_bits_wide", "from_bits")
    other = Mutant("from_bits", "", 1, "", "", text).compile(from_bits)
    return KEEPS.derive("forgets", other)


def outcome(rules: RuleSet) -> Outcome:
    baseline = Baseline(rules)
    baseline.done = {d.theorem: d for d in prove(rules, jobs=1, cache=Cache(None))}
    assert not baseline.unproved
    asked = baseline.asked("add_core")
    assert "alu64_add" not in asked, "its own proof reads no text of the mutated rule"
    return judge(rules, PLANTED, asked, Prover(Samples(rules)))


def test_the_callers_are_asked_again() -> None:
    """Sound, but only because what the caller hands on is still synced: its text is read."""
    found = outcome(KEEPS)
    assert found.verdict == "sound", found
    assert found.needs_synced
    proofs = {r.name: r for r in found.proofs}
    assert proofs["add_core/u64"].inputs == "synced"
    assert "add_core" in proofs["alu64_add/u64"].reads
    assert proofs["alu64_add/u64"].inputs == "synced"


def test_a_caller_that_hands_on_more_refutes() -> None:
    """Sound by itself, and not sound where it is used: a run of the caller shows it."""
    found = outcome(forgets())
    assert (found.verdict, found.obligation) == ("refuted", "alu64_add/u64")
    assert found.counterexample is not None
    assert found.counterexample.rule == "alu64_add"


def test_without_a_look_at_callers_it_would_pass() -> None:
    """The rule's own obligations hold in both sets: the difference is what callers do."""
    rules = forgets()
    baseline = Baseline(rules)
    baseline.done = {d.theorem: d for d in prove(rules, jobs=1, cache=Cache(None))}
    asked = changed(baseline.asked("add_core"), resting=())
    assert judge(rules, PLANTED, asked, Prover(Samples(rules))).verdict == "sound"
