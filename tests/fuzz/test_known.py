"""A finding that the rule set lists itself, as a fault of its release, says so."""

from __future__ import annotations

import pytest

from bpfsmt.cli.fuzz_text import known
from bpfsmt.fuzz.finding import Found, Key
from bpfsmt.fuzz.judge import Court, judge
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.rules.museum import exhibit

from .common import settings


@pytest.mark.parametrize("oracle", ["machine", "step", "z3"])
def test_a_fill_with_the_sign(oracle: str) -> None:
    """By each oracle blamed on the rule of which the prover refutes an obligation."""
    shown = exhibit("a20-sext-fill").program
    assert shown is not None
    program = load_asm(shown.read_text(), "fill")
    rules = rule_set("linux-6.12")
    court = Court(rules.name, settings(oracle, share=1), rules)
    found = judge(court, program, "0", 0).shown
    keys = [s.key for s in found if s.key.component == "id"]
    assert {key.rule for key in keys} == {"links_fill_sext"}
    for one in found:
        whys = known(Found(rules.name, 0, 0, program, one))
        assert whys == (list(rules.faults.values()) if one.key in keys else [])


def test_what_is_not_listed_is_not_known() -> None:
    shown = exhibit("a20-narrow-spill")
    assert shown.program is not None
    program = load_asm(shown.program.read_text(), "x")
    for name in (shown.rules.name, "linux-6.12-corrected"):
        court = Court(name, settings("step"), shown.rules)
        (one,) = judge(court, program, "0", 0).shown
        assert one.key == Key("claim", "links_fill", "id")
        assert known(Found(name, 0, 0, program, one)) == []
