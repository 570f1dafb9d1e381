"""One text: changing it changes what runs and what is proved, also in the rules that call it."""

from __future__ import annotations

import z3

from bpfsmt.bits import LinkedRules, rule, u64
from bpfsmt.bits.rule import rule_from_text
from bpfsmt.domain.scalar import UNKNOWN, Tnum, const
from bpfsmt.prover.solver import Proved, Refuted, Solver
from bpfsmt.rules import rule_set

from .agree import Agreement

PAPER = rule_set("xdp-paper")


@rule
def step(x: u64) -> u64:
    """Called by the two below."""
    return x + 1


@rule
def two_steps(x: u64) -> u64:
    """Calls directly."""
    return step(step(x))


@rule
def four_steps(x: u64) -> u64:
    """Calls through another."""
    return two_steps(two_steps(x))


def changed_step() -> LinkedRules:
    @rule
    def step(x: u64) -> u64:
        return x + 10

    return LinkedRules([four_steps, step])


def test_an_override_reaches_every_caller_in_both_modes() -> None:
    linked = changed_step()
    x = z3.BitVec("x", 64)
    assert linked.ints["four_steps"](0) == 40
    assert isinstance(Solver().impossible(linked.terms["four_steps"](x) != x + 40), Proved)
    Agreement(four_steps, linked).check(2**64 - 1)
    # And nowhere else: the rule by itself is as it was.
    assert four_steps(0) == 4
    assert isinstance(Solver().impossible(four_steps.terms(x) != x + 4), Proved)


def test_an_override_in_a_rule_set_changes_what_runs_and_what_is_proved() -> None:
    @rule
    def tnum_and(a: Tnum, b: Tnum) -> Tnum:
        return Tnum(0, a.mask | b.mask | a.value | b.value)

    mine = PAPER.derive("mine", tnum_and)
    assert mine.changed == ("tnum_and",)
    assert mine.fingerprint != PAPER.fingerprint
    three, one = const(3, subreg=False), const(1, subreg=False)
    assert PAPER.ints.alu64_and(three, one).var_off == Tnum(1, 0)
    assert mine.ints.alu64_and(three, one).var_off == Tnum(0, 1)  # sync: at most 1
    assert PAPER.ints.alu32_and(three, one) != mine.ints.alu32_and(three, one)
    x = z3.BitVec("x", 64)
    unknown = UNKNOWN._replace(umin=x)
    known = (r.terms.alu64_and(three, one).var_off.mask == 0 for r in (PAPER, mine))
    answers = [type(Solver().impossible(z3.Not(k))) for k in known]
    assert answers == [Proved, Refuted]
    assert z3.is_expr(mine.terms.alu64_and(unknown, one).umin)


def test_a_chain_of_sets_uses_the_last_override() -> None:
    @rule
    def tnum_umax(a: Tnum) -> u64:
        return a.value | a.mask | 1

    first = PAPER.derive("first", tnum_umax)
    assert first.ints.bounds_from_tnum(UNKNOWN._replace(var_off=Tnum(4, 2))).umax == 7

    def again() -> None:
        @rule
        def tnum_umax(a: Tnum) -> u64:
            return a.value | a.mask | 8

        second = first.derive("second", tnum_umax)
        assert second.base is first
        assert second.ints.bounds_from_tnum(UNKNOWN._replace(var_off=Tnum(4, 2))).umax == 14
        assert second.rules["tnum_add"] is PAPER.rules["tnum_add"]

    again()
    assert PAPER.ints.bounds_from_tnum(UNKNOWN._replace(var_off=Tnum(4, 2))).umax == 6


def test_fingerprint_is_of_the_meaning() -> None:
    """A constant that the text only names counts; a comment does not."""
    text = "def tnum_umax(a: Tnum) -> u64:\n return a.value | a.mask | TOP"

    def fingerprint(text: str, top: int) -> str:
        changed = rule_from_text(text, {"Tnum": Tnum, "u64": u64, "TOP": top})
        return PAPER.derive("mine", changed).fingerprint

    assert fingerprint(text, 1) != fingerprint(text, 2)
    assert fingerprint(text, 1) == fingerprint(text + "  # a comment", 1)
