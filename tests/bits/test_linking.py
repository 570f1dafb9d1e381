"""Rules are linked by name, and a name stands for one rule."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from bpfsmt.bits import LinkedRules, Rule, RuleError, rule, u64
from bpfsmt.bits.rule import rule_from_text
from bpfsmt.rules import RuleSetError, rule_set
from bpfsmt.rules.ruleset import rules_in


def step_by(n: int) -> Rule[..., Any]:
    """A rule ``step``, one of several of that name."""
    text = f"def step(x: u64) -> u64:\n return x + {n}"
    return rule_from_text(text, {"u64": u64}, f"step_by_{n}.py")


def caller(name: str, step: Rule[..., Any]) -> Rule[..., Any]:
    """A rule that calls some ``step``."""
    text = f"def {name}(x: u64) -> u64:\n return step(x)"
    return rule_from_text(text, {"u64": u64, "step": step}, f"{name}.py")


def test_two_rules_of_one_name_reached_through_callers_are_refused() -> None:
    one, two = step_by(1), step_by(2)
    left, right = caller("left", one), caller("right", two)
    with pytest.raises(RuleError) as e:
        LinkedRules([left, right])
    for part in ("two rules are called step", "step_by_1.py:1", "step_by_2.py:1", "left", "right"):
        assert part in str(e.value)


def test_the_given_one_is_taken() -> None:
    one, two = step_by(1), step_by(2)
    linked = LinkedRules([caller("left", one), caller("right", two), two])
    assert linked.ints["left"](0) == linked.ints["right"](0) == 2
    assert LinkedRules([caller("left", one), caller("right", one)]).ints["right"](0) == 1


def test_a_name_is_given_once() -> None:
    one, two = step_by(1), step_by(2)
    with pytest.raises(RuleError, match=r"step is given twice, also in step_by_2.py:1"):
        LinkedRules([one, two])
    assert LinkedRules([one, one]).ints["step"](0) == 1
    with pytest.raises(RuleSetError, match=r"step is in step_by_1.py:1 and in step_by_2.py:1"):
        rule_set("xdp-paper").extend("mine", one, two)


def test_rules_of_modules_are_those_that_they_define() -> None:
    """An imported rule does not count, two definitions of one name are refused."""
    modules = []
    for n in (1, 2):
        module = ModuleType(f"rules_{n}")
        module.__dict__["step"] = rule_from_text(
            f"def step(x: u64) -> u64:\n return x + {n}",
            {"u64": u64, "__name__": module.__name__},
            f"rules_{n}.py",
        )
        modules.append(module)
    first, second = modules
    second.__dict__["imported"] = first.__dict__["step"]
    assert rules_in(second) == {"step": second.__dict__["step"]}
    with pytest.raises(RuleSetError, match=r"step is in rules_1.py:1 and in rules_2.py:1"):
        rules_in(first, second)


def test_a_rule_defined_here_is_found_here() -> None:
    @rule
    def here(x: u64) -> u64:
        return x

    module = ModuleType(__name__)
    module.__dict__["here"] = here
    assert rules_in(module, sys) == {"here": here}


def test_names_before() -> None:
    assert rule_set("linux-6.12-scalars") is rule_set("linux-6.12")
