"""Each exhibit is refuted in what it lists and in nothing else, and its program shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bpfsmt.museum import decide, replay
from bpfsmt.museum.refute import obligations
from bpfsmt.museum.simpler import simpler
from bpfsmt.rules import RuleSetError, rule_set
from bpfsmt.rules.museum import MODULES, exhibit, exhibits

QUICK = (
    "cve-2017-16995", "cve-2017-16996", "a08-zext-signed", "cve-2021-31440", "a15-movsx32",
    "cve-2026-31413", "cve-2026-43070", "a20-narrow-spill", "cve-2022-2905", "a23-retval-umax",
    "cve-2021-3444", "cve-2022-23222", "cve-2024-41003",
)  # fmt: skip
"""At least one of every kind; the others take longer (all of them: `bpfsmt museum`)."""


def check(name: str) -> None:
    found = decide(exhibit(name))
    assert found.faults == ()
    assert found.unknown == ()
    assert found.as_listed
    assert found.first <= found.seconds


@pytest.mark.parametrize("name", QUICK)
def test_refuted_as_listed(name: str) -> None:
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODULES.keys() - set(QUICK)))
def test_refuted_as_listed_too(name: str) -> None:
    check(name)


def test_every_kind_is_among_the_quick_ones() -> None:
    assert {exhibit(name).kind for name in QUICK} == {e.kind for e in exhibits()}


@pytest.mark.parametrize("name", MODULES)
def test_the_program_shows_it(name: str) -> None:
    e = exhibit(name)
    found = replay(e)
    if found is None:
        assert e.limits, "no program, and no word why"
        return
    assert found.wrong.accepted
    assert found.wrong.fault or found.wrong.false
    assert found.shown


def test_the_split_is_wrong_before_an_and_too() -> None:
    """What the prover refutes of `forked_and`, of which the fix says nothing, is real."""
    e = exhibit("cve-2026-31413")
    found = replay(replace(e, program=Path(__file__).parent / "forked_and.bpfasm"))
    assert found is not None
    assert found.shown
    assert "input-5" in found.wrong.fault


def test_operands_that_are_not_synced() -> None:
    e = exhibit("a14-bitwise-signs")
    found = decide(replace(e, unsynced=("and_core/s64",)))
    assert found.faults == ()
    assert "and_core/s64" in found.unsynced
    assert "and_core/u64" not in found.unsynced


def test_a_component_that_is_not_listed_is_said() -> None:
    e = replace(exhibit("cve-2017-16996"), refuted=("zext32/u64",))
    assert decide(e).faults == ("zext32/s64 is refuted too",)


def test_a_component_that_holds_is_not_refuted() -> None:
    e = replace(exhibit("cve-2017-16996"), refuted=("zext32/u64", "zext32/s64", "zext32/tnum"))
    assert decide(e).faults == ("not refuted: zext32/tnum is proved",)


def test_operands_synced_that_need_not_be() -> None:
    e = replace(exhibit("a23-retval-umax"), unsynced=("retval_length/s64",))
    assert decide(e).faults == ("not refuted: retval_length/s64 does not need synced operands",)


def test_links_are_tried_where_they_can_fail() -> None:
    e = exhibit("a18-link-flag")
    (o,) = (o for o in obligations(e.rules, ["linked"]) if o.name == "linked/32-bit by copy")
    found = o.search()
    assert found is not None
    assert o.trial is not None
    assert simpler(o.trial, found).part == "32-bit by copy"


def test_a_counterexample_made_simpler_is_one() -> None:
    e = exhibit("cve-2017-16996")
    (o,) = (o for o in obligations(e.rules, ["zext32"]) if o.name == "zext32/u64")
    found = o.search()
    assert found is not None
    assert o.trial is not None
    small = simpler(o.trial, found)
    assert o.trial.check(e.rules, small.args, small.numbers) is not None
    assert o.trial.check(e.base, small.args, small.numbers) is None
    assert len(str(small.args)) <= len(str(found.args))


def test_found_by_name() -> None:
    assert rule_set("museum/cve-2020-8835") is exhibit("cve-2020-8835").rules
    with pytest.raises(RuleSetError, match="no exhibit 'cve-1999-1'"):
        rule_set("museum/cve-1999-1")
