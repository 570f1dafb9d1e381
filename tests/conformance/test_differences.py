"""A machine that is wrong is caught: planted bugs, each found in the thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

import pytest

from bpfsmt.bits import Rule
from bpfsmt.conformance import Agreement, Checked, check
from bpfsmt.conformance.campaign import MapTask, StraightTask, work
from bpfsmt.conformance.check import differences
from bpfsmt.conformance.edges import edge_cases
from bpfsmt.conformance.ours import Ours
from bpfsmt.conformance.report import to_json
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp
from bpfsmt.kernel import RunInput, RunResult
from bpfsmt.kernel.syscall import possible_cpus
from bpfsmt.machine import Environment, Machine, code
from bpfsmt.machine.translate.engine import Translated
from bpfsmt.program import Program, load_asm
from bpfsmt.program.text import program_text
from bpfsmt.semantics.alu import alu_meaning

from .common import asm, case, needs_bpf

XDP = asm("r0 = 2\nexit")
SKB = asm(".type sched_cls\nr0 = 0\nexit")
FILTER = asm(".type socket_filter\nr0 = 0\nexit")


def parted(ours: Ours, theirs: RunResult, program: Program = XDP) -> list[str]:
    return [str(each) for each in differences(3, program, ours, theirs)]


def test_what_is_equal_is_no_difference() -> None:
    maps: Mapping[str, Mapping[bytes, bytes]] = {"m": {b"k": b"v"}}
    assert parted(Ours(2, b"abc", b"m", {}, maps), RunResult(0, 2, b"abc", b"m", maps=maps)) == []


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (Ours(3, b"abc"), "input 3: return value: machine (auto) 0x3, kernel 0x2"),
        (Ours(2, b"abd"), "input 3: packet from byte 2: machine (auto) 64, kernel 63"),
        (Ours(2, b"ab"), "input 3: length of the packet: machine (auto) 2 bytes, kernel 3 bytes"),
        (
            Ours(2, b"abc", b"x"),
            "input 3: length of the metadata: machine (auto) 1 bytes, kernel 0 bytes",
        ),
        (
            Ours(problem="pc 7: wild"),
            "input 3: how it ends: machine (auto) pc 7: wild, kernel returns 0x2",
        ),
    ],
)
def test_each_thing_is_compared(ours: Ours, said: str) -> None:
    assert parted(ours, RunResult(retval=2, packet=b"abc")) == [said]


def test_maps_are_compared_entry_by_entry() -> None:
    ours = Ours(maps={"m": {b"a": b"1", b"b": b"2", b"c": b"3"}})
    theirs = RunResult(maps={"m": {b"a": b"1", b"b": b"9", b"d": b"4"}, "n": {b"x": b"5"}})
    assert parted(ours, theirs) == [
        "input 3: map m at 62: machine (auto) 32, kernel 39",
        "input 3: map m at 63: machine (auto) 33, kernel has nothing",
        "input 3: map m at 64: machine (auto) has nothing, kernel 34",
        "input 3: map n at 78: machine (auto) has nothing, kernel 35",
    ]


def test_what_a_context_gives_back_is_compared() -> None:
    layout = bytes(8) + (7).to_bytes(4, "little") + bytes(180)
    assert parted(Ours(ctx={"mark": 6}), RunResult(ctx=layout), SKB) == [
        "input 3: context mark: machine (auto) 0x6, kernel 0x7"
    ]
    assert parted(Ours(0, b"abc"), RunResult(packet=bytes(14) + b"abc"), FILTER) == []


# Whole machines that are wrong


def wrong_shift(insn: Instruction) -> Rule[[int, int], int]:
    """The 32-bit arithmetic shift shifts in zeros."""
    if insn.opcode & ~0x08 == 0x04 | AluOp.ARSH:
        insn = Instruction(insn.opcode & 0x0F | AluOp.RSH, insn.dst, insn.src, 0, insn.imm)
    return alu_meaning(insn)


@needs_bpf
def test_a_wrong_instruction_is_found_and_cut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "alu_meaning", wrong_shift)
    tally = work(StraightTask(first=0, pairs=150, seed=1))
    assert tally.count(Agreement.DIFFERENT) >= 3
    assert tally.count(Agreement.SAME) >= 3
    least = next(each for each in tally.told if each.agreement is Agreement.DIFFERENT)
    text = program_text(least.case.program)
    assert len(least.case.inputs) == 1
    assert "s>>=" in text
    assert len(least.case.program) - sum(least.case.frame) <= 10, text
    again = load_asm(text, "again")
    assert again.slots == least.case.program.slots


@needs_bpf
def test_a_wrong_instruction_is_found_at_edge_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "alu_meaning", wrong_shift)
    shifts = (each for each in edge_cases(most=30) if each.name.startswith("w7 s>>="))
    found = [check(each) for each in islice(shifts, 4)]
    assert Agreement.DIFFERENT in {each.agreement for each in found}


@needs_bpf
def test_each_engine_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The translated program answers one more."""
    right = Translated.run
    monkeypatch.setattr(Translated, "run", lambda engine: right(engine) + 1)
    found = check(case("r0 = 2\nexit"))
    assert [str(each) for each in found.differences] == [
        "input 0: return value: machine (translate) 0x3, kernel 0x2"
    ]


@needs_bpf
def test_a_wrong_map_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An update that takes no notice of its flags."""
    monkeypatch.setattr("bpfsmt.machine.maps.hash.check_flags", lambda exists, flags: 0)
    monkeypatch.setattr("bpfsmt.conformance.campaign.shrunk", lambda found: found)
    tally = work(MapTask(first=0, pairs=200, seed=1))
    assert tally.count(Agreement.DIFFERENT) >= 2
    for each in tally.told:
        assert {m.type for m in each.case.program.maps} & {"hash", "percpu_hash"}


class Forgetful(Environment):
    """Updates say that they worked, and do nothing."""

    def bpf_map_update_elem(self, m: Machine, *_: int) -> int:
        return 0


class Random(Environment):
    """Another checksum."""

    def bpf_csum_diff(self, m: Machine, *_: int) -> int:
        return 4


class Still(Environment):
    """Packets do not move."""

    def bpf_xdp_adjust_head(self, m: Machine, *_: int) -> int:
        return 0


class Poor(Environment):
    """No array has anything."""

    def bpf_map_lookup_elem(self, m: Machine, *_: int) -> int:
        return 0


STORE = """
    .map m type=hash key=4 value=4 entries=4
    *(u32 *)(r10 - 4) = 1
    r1 = map[m]
    r2 = r10
    r2 += -4
    r3 = r2
    r4 = 0
    call bpf_map_update_elem
    r0 = 0
    exit
"""
SUM = """
    *(u32 *)(r10 - 4) = 0x1234
    r1 = 0
    r2 = 0
    r3 = r10
    r3 += -4
    r4 = 4
    r5 = 0
    call bpf_csum_diff
    exit
"""
MOVE = "r2 = -4\ncall bpf_xdp_adjust_head\nr0 = 2\nexit"
LOOKUP = """
    .map m type=array key=4 value=4 entries=4
    *(u32 *)(r10 - 4) = 1
    r1 = map[m]
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    if r0 == 0 goto +1
    r0 = 1
    exit
"""


@needs_bpf
@pytest.mark.parametrize(
    ("text", "wrong", "what"),
    [
        (STORE, Forgetful, "map m at 01000000"),
        (SUM, Random, "return value"),
        (MOVE, Still, "length of the packet"),
        (LOOKUP, Poor, "return value"),
    ],
)
def test_a_wrong_helper_is_found(text: str, wrong: type[Environment], what: str) -> None:
    right = check(case(text))
    assert right.agreement is Agreement.SAME, right.differences
    found = check(case(text), lambda cpu: wrong(cpu=cpu, cpus=possible_cpus()))
    assert found.agreement is Agreement.DIFFERENT
    assert found.differences[0].what == what
    assert to_json(found)["inputs"][0]["packet"] == bytes(64).hex()


# What is neither


def agreement(text: str, *inputs: RunInput) -> Checked:
    return check(case(text, *inputs))


@needs_bpf
def test_neither_the_same_nor_different() -> None:
    rejected = agreement("r0 = r5\nexit")
    assert (rejected.agreement, rejected.why) == (Agreement.REJECTED, "R5 !read_ok")
    short = agreement("r0 = 0\nexit", RunInput(bytes(3)))
    assert short.agreement is Agreement.NOT_RUN
    assert "EINVAL" in short.why
    one_of_two = agreement("r0 = 0\nexit", RunInput(bytes(3)), RunInput())
    assert (one_of_two.agreement, one_of_two.pairs) == (Agreement.SAME, 1)
    unknown = agreement("""
        .map m type=stack_trace key=4 value=8 entries=4
        r1 = map[m]
        r0 = 0
        exit
    """)
    assert unknown.agreement is Agreement.UNKNOWN
    assert "stack_trace is not modelled" in unknown.why


@needs_bpf
def test_maps_live_on_from_input_to_input() -> None:
    text = """
        .map n type=percpu_array key=4 value=8 entries=2
        *(u32 *)(r10 - 4) = 1
        r1 = map[n]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        r1 = *(u64 *)(r0 + 0)
        r1 += 1
        *(u64 *)(r0 + 0) = r1
        r0 = r1
    out:
        exit
    """
    key = (1).to_bytes(4, "little")
    filled = RunInput(maps={"n": {key: (40).to_bytes(8, "little")}})
    found = agreement(text, RunInput(), filled, RunInput())
    assert (found.agreement, found.pairs) == (Agreement.SAME, 3), found
