"""Each exhibit is refuted in what it lists and in nothing else, and its program shows it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from bpfsmt.domain.printing import format_scalar
from bpfsmt.museum import claims, decide, look, replay
from bpfsmt.museum.refute import obligations
from bpfsmt.museum.simpler import simpler
from bpfsmt.rules import Duties, RuleSetError, rule_set
from bpfsmt.rules.museum import MODULES, PROGRAM, exhibit, exhibits

QUICK = (
    "cve-2017-16995", "cve-2017-16996", "a08-zext-signed", "cve-2021-31440", "a15-movsx32",
    "cve-2026-31413", "cve-2026-43070", "a20-narrow-spill", "a20-sext-fill", "cve-2022-2905",
    "a23-retval-umax", "cve-2021-3444", "cve-2022-23222", "cve-2024-41003",
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


PROGRAMS = tuple(e.name for e in exhibits() if e.kind == PROGRAM)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODULES.keys() - set(QUICK) - set(PROGRAMS)))
def test_refuted_as_listed_too(name: str) -> None:
    check(name)


def test_every_kind_is_among_the_quick_ones() -> None:
    assert {exhibit(name).kind for name in QUICK} | {PROGRAM} == {e.kind for e in exhibits()}


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


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_fault_of_the_walk_is_refuted_as_listed(name: str) -> None:
    """By checks that know nothing of it; and nothing is once it is corrected."""
    seen = look(name)
    assert seen.faults == ()
    assert seen.verdict.unknown == ()
    assert seen.claims is not None
    assert seen.claims.wrong == exhibit(name).caught
    assert seen.claims.right == ()
    assert 0 < seen.first <= seen.seconds


def test_there_are_faults_of_the_walk_with_all_that_is_known() -> None:
    found = [exhibit(name) for name in PROGRAMS]
    assert len(found) >= 8
    for e in found:
        assert e.program is not None
        told = (e.number, e.title, e.fix, e.introduced, e.bad, e.fixed, e.wrong, e.right)
        assert all(told), e.name
        assert e.caught
        # Either a rule is another, or the walk leaves out one thing.
        assert bool(e.texts) != (len(e.undone) == 1), e.name
        assert set(e.base.policy.duties.undone) <= {"rounds_told", "tail_calls_return", "fetches"}


def test_every_duty_is_left_out_by_an_exhibit() -> None:
    undone = [name for e in exhibits() for name in e.undone]
    assert sorted(undone) == sorted(f.name for f in fields(Duties))


def test_a_walk_that_forgets_nothing_is_not_refuted() -> None:
    e = exhibit("cve-2023-2163")
    right = replace(e, rules=e.base.derive("museum/right"))
    found = claims(right)
    assert found is not None
    assert found.wrong == found.right == ()
    assert list(found.faults(right)) == [
        f"not refuted: {check} finds nothing wrong with the program"
        for check in ("global", "inductive", "run", "safety")
    ]


def test_no_such_duty() -> None:
    with pytest.raises(RuleSetError, match="no duty 'sleep': there are both_compared, "):
        rule_set("linux-6.12").neglect("mine", "sleep")


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
    # As it is shown: a part that says nothing is not written.
    assert len(format_scalar(small.args[0])) <= len(format_scalar(found.args[0]))


def test_found_by_name() -> None:
    assert rule_set("museum/cve-2020-8835") is exhibit("cve-2020-8835").rules
    with pytest.raises(RuleSetError, match="no exhibit 'cve-1999-1'"):
        rule_set("museum/cve-1999-1")
