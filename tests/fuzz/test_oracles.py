"""Each oracle alone finds what is planted for it, and says which rule is wrong, and in what."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bpfsmt.fuzz.judge as fuzz_judge
from bpfsmt.conformance.ours import Bench, Ours
from bpfsmt.fuzz.addresses import shows_addresses
from bpfsmt.fuzz.blame import rule_of
from bpfsmt.fuzz.finding import Key, Oracle
from bpfsmt.fuzz.judge import Court, judge
from bpfsmt.fuzz.unwritten import reads_unwritten
from bpfsmt.kernel import available
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from .common import PLANTED, WIDER, outcome, settings

CARRY = """
    r1 = *(u32 *)(r1 + 12)
    r1 &= 1
    r1 += 1
    r0 = r1
    exit
"""


def keys(rules: str, *oracles: str) -> set[Key]:
    court = Court.of(rules, settings(*oracles))
    return {shown.key for shown in judge(court, load_asm(CARRY, "carry"), "x", 0).shown}


@pytest.mark.parametrize(
    ("oracle", "kind"), [("machine", "run"), ("step", "claim"), ("z3", "claim")]
)
def test_a_wrong_rule_is_found_by_each_oracle_alone(oracle: str, kind: str) -> None:
    assert keys(PLANTED, oracle) == {(kind, "alu64_add", "tnum")}
    assert keys("linux-6.12", oracle) == set()


@pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")
def test_a_rule_that_is_not_the_kernels_is_found_by_the_kernel_alone() -> None:
    assert keys(WIDER, "kernel") == {("state", "alu64_add", "ours wider")}
    assert keys(WIDER, "machine", "z3") == set()
    # Of a rule set that does not mean this kernel, states are not compared.
    assert keys("xdp-paper", "kernel") == set()


@pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")
def test_a_machine_that_computes_otherwise_is_found_by_the_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = Bench.run

    def one_more(self: Bench, inputs: RunInput, *, contents: bool) -> Ours:
        ours = honest(self, inputs, contents=contents)
        return replace(ours, retval=ours.retval + 1)

    monkeypatch.setattr(Bench, "run", one_more)
    assert keys("linux-6.12", "kernel") == {("result", "interpret", "return value")}


@pytest.mark.parametrize("oracle", ["machine", "z3"])
def test_an_exception_in_an_oracle_is_a_finding_with_its_traceback(
    oracle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise ValueError("planted")

    monkeypatch.setattr(fuzz_judge, {"machine": "Watch", "z3": "Prover"}[oracle], broken)
    court = Court.of("linux-6.12", settings(oracle))
    (shown,) = judge(court, load_asm(CARRY, "carry"), "x", 0).shown
    assert shown.key == ("crash", "test_oracles.py:broken", f"{oracle} ValueError")
    assert "Traceback" in shown.text
    assert "ValueError: planted" in shown.text


def test_batches_find_it_in_generated_programs() -> None:
    found = outcome(PLANTED, settings("machine", size=60, source="scalar"))
    assert found.found
    assert {f.key.kind for f in found.found} == {"run"}
    assert all(f.shown.oracle is Oracle.MACHINE for f in found.found)
    assert all(f.shown.witness is not None for f in found.found)
    assert found.counts["programs"] == 60


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("r0 += r1", "alu64_add"),
        ("w0 s/= 3", "alu32_sdiv"),
        ("w0 = w1", "zext32"),
        ("r0 = (s8)r1", "movsx64"),
        ("w0 = 7", "mov32_imm"),
        ("r0 = *(u16 *)(r1 + 0)", "load16"),
        ("*(u32 *)(r10 - 8) = 7", "store_imm32"),
        ("call bpf_ktime_get_ns", "bpf_ktime_get_ns"),
        ("exit", "return"),
    ],
)
def test_the_rule_of_an_instruction(text: str, rule: str) -> None:
    program = load_asm(f"{text}\nexit", "x")
    assert rule_of(program, 0, None, to=1, where="R0") == rule


def test_the_rule_of_a_branch_depends_on_the_arm_and_the_register() -> None:
    program = load_asm("if r1 > r2 goto +1\nr0 = 1\nexit", "x")
    assert rule_of(program, 0, None, to=2, where="R1") == "refine64_ult"
    assert rule_of(program, 0, None, to=1, where="R2") == "refine64_ule"
    assert rule_of(program, 0, None, to=1, where="R7") == "linked"
    assert rule_of(program, 0, None, to=2, where="") == "taken64_ult"


@pytest.mark.parametrize(
    ("text", "shows"),
    [
        ("r0 = *(u32 *)(r1 + 0)\nexit", True),
        ("r0 = r1\nr0 -= r10\nexit", True),
        ("*(u64 *)(r10 - 8) = r1\nr1 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r1 + 12)\nexit", False),
        ("r2 = *(u32 *)(r1 + 4)\nr1 = *(u32 *)(r1 + 0)\nr0 = 0\nif r1 > r2 goto +0\nexit", False),
    ],
)
def test_what_shows_addresses_is_not_compared(text: str, shows: bool) -> None:
    analysis = verify(load_asm(text, "x"), rule_set("linux-6.12"), forgetful=False)
    assert shows_addresses(analysis) is shows


LOOKUP = """
.map m type=array key=4 value=8 entries=1
    {key}
    r2 = r10
    r2 += -4
    r1 = map[m]
    call bpf_map_lookup_elem
    r0 = 0
    exit
"""


@pytest.mark.parametrize(
    ("text", "chance"),
    [
        ("r0 = *(u64 *)(r10 - 8)\nexit", True),
        ("*(u32 *)(r10 - 8) = 1\nr0 = *(u64 *)(r10 - 8)\nexit", True),
        ("*(u32 *)(r10 - 8) = 1\nr0 = *(u32 *)(r10 - 8)\nexit", False),
        ("r1 = *(u64 *)(r1 + 12)\nexit", False),
        (LOOKUP.format(key="*(u32 *)(r10 -4) = 0"), False),
        (LOOKUP.format(key="*(u16 *)(r10 -4) = 0"), True),
        (LOOKUP.format(key="r0 = 0"), True),
    ],
)
def test_what_was_never_written_is_not_compared(text: str, chance: bool) -> None:
    analysis = verify(load_asm(text, "x"), rule_set("linux-6.12"), forgetful=False)
    assert reads_unwritten(analysis) is chance


def test_a_long_walk_is_given_up_and_said_to_be() -> None:
    rounds = CARRY.replace("r0 = r1", "r2 = 0\nagain: r2 += 1\nif r2 != 40 goto again\nr0 = r1")
    program = load_asm(rounds, "rounds")
    for walked, found, given_up in ((50, False, 1), (1000, True, 0)):
        court = Court.of(PLANTED, settings("machine", walked=walked))
        judged = judge(court, program, "x", 0)
        assert bool(judged.shown) is found
        assert judged.counts["too long"] == given_up
