"""The search for the museum's faults: found without being told where, and only what is wrong."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bpfsmt.cli import main
from bpfsmt.fuzz.history import Hunt
from bpfsmt.fuzz.judge import Court, judge
from bpfsmt.fuzz.source import SOURCES, drawn
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.rules.museum import exhibit
from bpfsmt.verifier import verify

from .common import settings


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("cve-2021-20268", {"alu64_sub"}),
        ("cve-2022-23222", {"pointer_add"}),
        ("a23-retval-umax", {"bpf_probe_read_kernel_str"}),
        ("a24-division-leaves", {"alu64_div", "alu32_div"}),
    ],
)
def test_what_was_wrong_is_found_in_programs_of_numbers(name: str, rules: set[str]) -> None:
    made = settings("machine", "step", source="numbers", size=25)
    found = Hunt(name, made, seconds=30).run().found
    assert found is not None
    assert found.key.rule in rules
    right = exhibit(name).base
    court = Court(right.name, made, right)
    assert found.key not in {s.key for s in judge(court, found.program, "other", 0).shown}


def test_what_no_program_comes_to_is_not_searched_for() -> None:
    result = CliRunner().invoke(main, ["fuzz", "--museum", "a14-bitwise-signs", "-o", "step"])
    assert result.exit_code == 0
    assert "not searched for: a14-bitwise-signs. No program shows it" in result.stdout
    result = CliRunner().invoke(
        main, ["fuzz", "--museum", "a14-bitwise-signs", "-o", "step", "--json"]
    )
    document = json.loads(result.stdout)
    assert document["exhibits"] == []
    assert list(document["no program"]) == ["a14-bitwise-signs"]


@pytest.mark.parametrize("source", ["numbers", "mixed"])
def test_a_source_gives_the_same_again_and_other_programs_next(source: str) -> None:
    assert source in SOURCES
    made, rules = settings(source=source, size=6), rule_set("linux-6.12")
    assert drawn(made, rules, 3) == drawn(made, rules, 3)
    assert drawn(made, rules, 3) != drawn(made, rules, 4)


def test_programs_of_numbers_are_short_and_mostly_accepted() -> None:
    rules = rule_set("linux-6.12")
    programs = drawn(settings(source="numbers", size=60), rules, 0)
    accepted = [verify(p, rules, record=False).verdict.accepted for p in programs]
    assert sum(accepted) >= 0.85 * len(programs)
    assert sum(map(len, programs)) < 40 * len(programs)


def test_z3_knows_what_a_probed_string_may_return() -> None:
    about = exhibit("a23-retval-umax")
    assert about.program is not None
    program = load_asm(about.program.read_text(), about.name)
    for rules, wrong in ((about.rules, True), (about.base, False)):
        court = Court(rules.name, settings("z3"), rules)
        assert bool(judge(court, program, "x", 0).shown) is wrong
