"""Every rule gives the same on ints and on terms: rule sets, γ, and the meaning of eBPF."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from bpfsmt.bits import Rule, flat, inline, rule, terms, u64
from bpfsmt.bits.rule import LinkedRules
from bpfsmt.domain import gamma
from bpfsmt.rules import rule_set, rule_set_names
from bpfsmt.semantics import alu

from .agree import COUNT, Agreement, Inputs


def texts(rules: dict[str, Rule[..., Any]], name: str) -> frozenset[str]:
    """A rule's text and those that it calls, as linked in a set: what it means depends on."""
    found = {rules[name].source.text}
    for callee in rules[name].callees:
        found |= texts(rules, callee)
    return frozenset(found)


class Case(NamedTuple):
    """A rule as some set links it, and on how many inputs."""

    rule: Rule[..., Any]
    linked: LinkedRules
    inputs: int


def cases() -> dict[str, Case]:
    """Every rule once for each meaning that it has, named where it was met first.

    Where only what it calls is another rule than before, a tenth of the inputs will do.
    """
    found: dict[str, Case] = {}
    met: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    for module in (alu, gamma):
        for r in vars(module).values():
            if isinstance(r, Rule):
                found[f"{module.__name__.rpartition('.')[2]}/{r.name}"] = Case(r, r.alone, COUNT)
    for set_name in rule_set_names():
        linked = rule_set(set_name).linked
        for name, r in linked.rules.items():
            key = (name, texts(linked.rules, name))
            if key not in seen:
                inputs = COUNT // 10 if r.source.text in met else COUNT
                seen.add(key)
                met.add(r.source.text)
                found[f"{set_name}/{name}"] = Case(r, linked, inputs)
    return found


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_ints_and_terms_agree(name: str) -> None:
    case = CASES[name]
    agreement = Agreement(case.rule, case.linked)
    inputs = Inputs.some(case.rule.params, case.inputs)
    assert agreement.check_all(inputs) == (case.inputs if case.rule.params else 1)
    agreement.check_directly(*(column[0] for column in inputs.values))


@rule
def double(x: u64) -> u64:
    """The rule of the two tests below."""
    return x + x


@rule
def smaller(x: u64, y: u64) -> bool:
    """A compare."""
    return double(x) < y


@rule
def halves(x: u64, y: u64) -> u64:
    """Two names that a choice gives their values."""
    low = x >> 1
    high = y
    if x > y:
        low = y
        high = x
    return low * 3 + high


def test_the_harness_sees_a_wrong_operator_on_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    Agreement(double).check(5)
    monkeypatch.setitem(terms._EITHER, "+", lambda a, b: a - b)
    with pytest.raises(AssertionError, match=r"double.*differs"):
        Agreement(double).check(5)


def test_the_harness_sees_a_signed_compare_on_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(terms._UNSIGNED, "<", lambda a, b: a < b)
    Agreement(smaller).check(1, 3)
    with pytest.raises(AssertionError, match=r"smaller.*differs"):
        Agreement(smaller).check(1, 1 << 63)


def test_the_harness_sees_a_forgotten_wrap_on_ints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "_masked", lambda text, type_: f"({text})")
    unwrapped = LinkedRules([double])
    Agreement(double, unwrapped).check(5)
    with pytest.raises(AssertionError, match="18446744073709551616"):
        Agreement(double, unwrapped).check(1 << 63)


def test_the_harness_sees_a_side_of_a_choice_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    either = flat._Writer._either
    monkeypatch.setattr(flat._Writer, "_either", lambda self, x, y, a, b: either(self, x, y, a, a))
    lost = LinkedRules([halves])
    Agreement(halves, lost).check(7, 5)
    with pytest.raises(AssertionError, match=r"halves.*differs"):
        Agreement(halves, lost).check(5, 7)


def test_the_harness_sees_a_name_that_is_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat._Writer, "fresh", lambda self: "_1")
    mixed = LinkedRules([halves])
    with pytest.raises(AssertionError, match=r"halves.*differs"):
        Agreement(halves, mixed).check(7, 5)


def test_every_case_has_been_met() -> None:
    """No rule set and no module has been left out by accident."""
    assert {n.partition("/")[0] for n in CASES} >= {"alu", "gamma", "xdp-paper"}
    assert len(CASES) > 150
