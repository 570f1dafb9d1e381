"""What a release is known to have wrong explains what rests on it, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from bpfsmt.agree.choice import rules_for
from bpfsmt.bits import rule, u64
from bpfsmt.cli import main
from bpfsmt.conformance.ours import Bench, Ours
from bpfsmt.domain import Scalar, Tnum
from bpfsmt.fuzz.batch import Outcome
from bpfsmt.fuzz.campaign import Plan, identity
from bpfsmt.fuzz.finding import Found, Key, Oracle, Shown
from bpfsmt.fuzz.foreseen import ways_foreseen
from bpfsmt.fuzz.judge import Court, judge
from bpfsmt.fuzz.known import explained, faults_of, left_of
from bpfsmt.fuzz.store import Store
from bpfsmt.isa import disassemble
from bpfsmt.kernel import available
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program import load_asm
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, rule_set, rule_set_names
from bpfsmt.rules.linux.links import fits_bits
from bpfsmt.rules.linux.links import links_fill_sext as released
from bpfsmt.rules.museum import MODULES, exhibit
from bpfsmt.verifier import verify

from .common import settings


@rule
def tnum_add(a: Tnum, b: Tnum) -> Tnum:
    """Sum, as if no carry ever left an unknown bit."""
    unknown = a.mask | b.mask
    return Tnum((a.value + b.value) & ~unknown, unknown)


@rule
def links_fill_sext(r: Scalar, size: u64) -> bool:
    """As released, in words of one's own."""
    return fits_bits(r, 8 * size)


CARRY = """
    r8 = *(u32 *)(r1 + 12)
    r8 &= 1
    r8 += 1
"""
FETCH = """
    r7 = *(u32 *)(r1 + 16)
    r0 = 0
    r6 = 8
    if r7 > 8 goto +1
    r6 = 0
    *(u64 *)(r10 - 8) = r6
    goto +0
    r0 = atomic64_fetch_add((u64 *)(r10 - 8), r0)
    r6 = r0
    if r6 s> 0 goto +0
    exit
"""
BEYOND = """
    r7 = *(u32 *)(r1 + 16)
    r0 = 0
    r6 = 0
    if r7 > 8 goto +1
    r6 = -8
    *(u64 *)(r10 - 8) = r6
    goto +0
    r0 = atomic64_fetch_add((u64 *)(r10 - 8), r0)
    r2 = r10
    r2 += r0
    *(u8 *)(r2 + 0) = 0
    r0 = 0
    exit
"""
"""Writes outside of the stack, where what is fetched is 0."""

LINKS = """
    r8 = *(u32 *)(r1 + 12)
    r7 = *(u32 *)(r1 + 36)
    r6 = *(u32 *)(r1 + 164)
    if w8 <= w6 goto +1
    r6 = r7
    goto +0
    r0 = 0
    if r7 > 7 goto +1
    goto +2
    if r6 >= 8 goto +1
    r0 = 1
    exit
"""
FETCHES = "linux-6.18 does not see to it that what matters is followed through an atomic"
IDS = "ids of numbers are not compared when states are"


def program(text: str) -> Program:
    return load_asm(f".type socket_filter\n{text}", "x")


def shown_by(name: str) -> str:
    """The program of an exhibit."""
    path = exhibit(name).program
    assert path is not None
    return path.read_text()


def causes(rules: RuleSet, text: str, *oracles: str, draws: int = 1, **more: int) -> dict[Key, str]:
    """What is found in so many draws, and by what it is explained."""
    made = load_asm(text, "x") if ".type" in text else program(text)
    alone = settings(*oracles, share=1, **more)
    court = Court(rules.name, alone, alone.bound(rules))
    shown = [s for n in range(draws) for s in judge(court, made, str(n), 0).shown]
    return {s.key: explained(court.rules, alone, made, s).cause for s in shown}


@pytest.mark.parametrize(
    ("oracle", "release", "text", "why"),
    [
        ("machine", "linux-6.18", FETCH, FETCHES),
        ("z3", "linux-6.18", FETCH, FETCHES),
        ("step", "linux-6.1", LINKS, IDS),
        ("z3", "linux-6.1", LINKS, IDS),
    ],
)
def test_a_fault_of_the_release_is_the_cause_of_what_it_does(
    oracle: str, release: str, text: str, why: str
) -> None:
    found = causes(rule_set(release), text, oracle)
    assert found
    assert all(cause.startswith(why) for cause in found.values()), found


@pytest.mark.parametrize("release", ["linux-6.12", "linux-6.18"])
@pytest.mark.parametrize("oracle", ["machine", "step", "z3"])
def test_a_fill_with_the_sign_is_the_fault_of_releases_only(release: str, oracle: str) -> None:
    """By each oracle blamed on the rule of which the prover refutes an obligation."""
    text = shown_by("a20-sext-fill")
    (fault,) = rule_set(release).faults.values()
    found = causes(rule_set(release), text, oracle)
    assert {key.rule for key in found if key.component == "id"} == {"links_fill_sext"}
    assert set(found.values()) == {fault}
    right = rule_set(f"{release}-corrected")
    assert causes(right, text, oracle) == {}
    for planted in (
        right.derive("mine", released),
        rule_set(release).derive("my", links_fill_sext),
    ):
        assert set(causes(planted, text, oracle).values()) == {""}


def test_another_fault_of_fills_is_not_known() -> None:
    wrong = exhibit("a20-narrow-spill").rules
    found = causes(wrong, shown_by("a20-narrow-spill"), "step", draws=8)
    assert found == {Key("claim", "links_fill", "id"): ""}


@pytest.mark.parametrize("oracle", ["machine", "step", "z3"])
def test_a_planted_fault_is_unexplained_also_beside_a_known_one(oracle: str) -> None:
    rules = rule_set("linux-6.18").derive("planted", tnum_add)
    found = causes(rules, CARRY + FETCH, oracle)
    assert next(cause for key, cause in found.items() if key.rule == "alu64_add") == ""


@pytest.mark.parametrize("oracle", ["machine", "step", "z3"])
def test_that_a_program_would_be_rejected_explains_nothing_by_itself(oracle: str) -> None:
    rules = rule_set("linux-6.18").derive("planted", tnum_add)
    assert verify(program(CARRY + BEYOND), rules).verdict.accepted
    found = causes(rules, CARRY + BEYOND, oracle)
    assert next(cause for key, cause in found.items() if key.rule == "alu64_add") == ""
    known = causes(rule_set("linux-6.18"), BEYOND, oracle)
    assert known
    assert all(cause.startswith(FETCHES) for cause in known.values())


TAIL = """
.type xdp
.map jumps type=prog_array key=4 value=4 entries=2
{before}
    call f1
    r8 = r0
    r9 = 0
again: r9 += 1
    if r9 s< r8 goto again
    exit
f1: r2 = map[jumps]
    r3 = 0
    call bpf_tail_call
    r0 = 1
    exit
"""
"""Rounds as many as a tail call returns, if it does."""


def test_a_walk_that_is_given_up_without_the_fault_is_looked_at_as_far_as_it_went() -> None:
    found = causes(rule_set("linux-6.1"), TAIL.format(before=""), "machine", draws=3, walked=2000)
    assert list(found) == [Key("run", "bpf_tail_call", "tnum")]
    assert "a tail call" in found[Key("run", "bpf_tail_call", "tnum")]
    planted = rule_set("linux-6.1").derive("planted", tnum_add)
    before = CARRY.replace("r8", "r6") + "    *(u64 *)(r10 - 8) = r6\n"
    found = causes(planted, TAIL.format(before=before), "machine", draws=3, walked=2000)
    assert found[Key("run", "alu64_add", "tnum")] == ""


REJECTED = """
.type socket_filter
.map jumps type=prog_array key=4 value=4 entries=2
{before}
    *(u64 *)(r10 - 8) = r1
    call f1
    r3 = r10
    r3 += r0
    r1 = *(u64 *)(r10 - 8)
    call f2
    exit
f1: r2 = map[jumps]
    r3 = 1
    call bpf_tail_call
    r0 = 0
    exit
f2: r2 = map[jumps]
    r3 = 0
    call bpf_tail_call
    r0 = 1
    exit
"""
"""Without the fault it is rejected for what the first function returns."""

PRUNED = """
.type socket_filter
.map jumps type=prog_array key=4 value=4 entries=2
    *(u64 *)(r10 - 8) = r1
    call bpf_ktime_get_ns
    r2 = r0
    r2 s>>= 63
    r2 |= 2
    r1 = *(u64 *)(r10 - 8)
    call f
    r4 = r10
    r4 += r0
    *(u32 *)(r4 - 40) = -1
    r0 = 0
    exit
f:  r2 = map[jumps]
    r3 = 0
    call bpf_tail_call
    r0 = 0
    exit
"""
"""Writes at what a tail call returns; one way into the function stands for the other."""


@pytest.mark.parametrize(
    ("release", "text", "oracle"),
    [
        ("linux-6.1", REJECTED.format(before=""), "machine"),
        ("linux-6.12", REJECTED.format(before=""), "machine"),
        ("linux-6.12", PRUNED, "machine"),
        ("linux-6.12", PRUNED, "step"),
    ],
)
def test_where_the_mended_rules_reject_they_are_asked_of_what_went_astray(
    release: str, text: str, oracle: str
) -> None:
    found = causes(rule_set(release), text, oracle, draws=6)
    assert found
    assert all("a tail call" in cause for cause in found.values()), found


def test_a_planted_fault_in_a_program_that_they_reject_is_unexplained() -> None:
    planted = rule_set("linux-6.12").derive("planted", tnum_add)
    before = CARRY.replace("r8", "r6") + "    if r6 > 9 goto +0\n"
    found = causes(planted, REJECTED.format(before=before), "machine", draws=6)
    assert found[Key("run", "alu64_add", "tnum")] == ""


def test_what_is_foreseen_with_the_fault_as_well_is_not_explained_by_it() -> None:
    """Numbers of one id go astray where states are compared, and a walk begun anew has none."""
    rules, made = rule_set("linux-6.1"), program(LINKS)
    duties = dataclasses.replace(rules.policy.duties, tail_calls_return=True)
    mended = rules.derive("mended", policy=dataclasses.replace(rules.policy, duties=duties))
    (shown,) = judge(Court(rules.name, settings("step"), rules), made, "0", 0).shown
    assert shown.key.rule == "pruning"
    walks = verify(made, rules), verify(made, rules, forgetful=False)
    assert not ways_foreseen(*walks, rules, mended, shown)


@pytest.mark.parametrize("name", MODULES)
def test_what_an_exhibit_has_wrong_is_not_known_of_it(name: str) -> None:
    shown = exhibit(name)
    assert faults_of(shown.rules).keys() <= faults_of(shown.base).keys()


def test_a_fault_that_the_release_does_not_have_is_unexplained() -> None:
    rules = rule_set("linux-6.12").neglect("mine", "fetches")
    found = causes(rules, FETCH, "machine")
    assert set(found.values()) == {""}


RETURNED = """
    *(u64 *)(r10 - 8) = r1
    r8 = *(u16 *)(r1 + 32)
    r7 = *(u32 *)(r1 + 16)
    r6 = 255
    if r8 == r7 goto +1
    r6 = 7
    r0 = 0
    r1 = 0
    r2 = 0
    goto +0
    r0 = 1
    *(u64 *)(r10 - 24) = r6
    goto +0
    r0 = 1
    goto +0
    r0 = 1
    r0 = 0
    r0 = atomic64_fetch_add((u64 *)(r10 - 24), r0)
    r6 = r0
    if r6 == 7 goto +1
    r0 = 1
    exit
"""
"""What 255 is added to is held for 7, so that the last line is held for dead."""


def test_what_a_fault_makes_of_the_code_that_runs() -> None:
    cause, left = next(left_of(program(RETURNED), rule_set("linux-6.18")))
    assert cause.startswith(FETCHES)
    changed = [n for n, insn in left.instructions() if insn != program(RETURNED)[n]]
    assert changed == [19]
    assert disassemble(left[19]) == "goto +1"
    assert not list(left_of(program(RETURNED), rule_set("linux-6.12")))
    assert not list(left_of(program(FETCH), rule_set("linux-6.18")))


@pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")
def test_a_kernel_that_runs_what_a_fault_of_it_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole program returns 1; a kernel with the fault returns what it believes to be 7."""
    rules = rule_set("linux-6.1")
    found = causes(rules, RETURNED, "kernel")
    if rules_for(os.uname().release) == "linux-6.18" and found:
        assert [cause.startswith(FETCHES) for cause in found.values()] == [True]
    else:
        assert not found
    honest = Bench.run

    def one_more(self: Bench, inputs: RunInput, *, contents: bool) -> Ours:
        ours = honest(self, inputs, contents=contents)
        return dataclasses.replace(ours, retval=ours.retval + 1)

    monkeypatch.setattr(Bench, "run", one_more)
    assert set(causes(rules, RETURNED, "kernel").values()) == {""}


@pytest.mark.parametrize("name", rule_set_names())
def test_all_that_is_listed_can_be_taken_away(name: str) -> None:
    rules = rule_set(name)
    faults = faults_of(rules)
    assert set(rules.faults.values()) <= faults.keys()
    assert len(faults) == len({*rules.faults.values(), *rules.policy.duties.undone})
    for mend in faults.values():
        assert mend(rules).fingerprint != rules.fingerprint


def ended(file: Path, *causes: str) -> tuple[int, str]:
    """The exit code and the last line of a campaign that met findings with these causes."""
    file.parent.mkdir()
    plan = Plan(settings("machine", size=1, inputs=8), ("linux-6.18",), programs=1)
    store = Store(file, identity(plan, ""))
    key = Key("run", "alu64_add", "tnum")
    found = [
        Found("linux-6.18", 0, n, program("r0 = 0\nexit"), shown, least=True)
        for n, shown in enumerate(Shown(key, Oracle.MACHINE, 0, "", cause=c) for c in causes)
    ]
    least = Counter({"programs": 1, "accepted": 1})
    store.keep(Outcome("linux-6.18", 0, least, tuple(found)))
    store.close()
    args = [str(file), "-r", "linux-6.18", "-n", "1", "--batch", "1", "-o", "machine"]
    result = CliRunner().invoke(main, ["fuzz", *args])
    assert result.stderr.endswith("known.sqlite: goes on; programs judged before: 1\n")
    document = json.loads(CliRunner().invoke(main, ["fuzz", *args, "--json"]).stdout)
    assert sorted(f["cause"] for f in document["findings"]) == sorted(causes)
    return result.exit_code, result.stdout


def test_only_what_is_unexplained_counts_for_the_exit_code(tmp_path: Path) -> None:
    code, said = ended(tmp_path / "old" / "known.sqlite", "a fault of old")
    assert code == 0
    assert "known: a fault of old" in said
    assert "known: 1 finding rests on what is listed; 0 unexplained" in said
    code, said = ended(tmp_path / "both" / "known.sqlite", "a fault of old", "")
    assert code == 1
    assert "1 finding rests on what is listed; 1 unexplained" in said
    code, said = ended(tmp_path / "new" / "known.sqlite", "")
    assert (code, "listed" in said) == (1, False)
