"""The machine answers as the running kernel: a sample of what `bpfsmt machine-check` runs."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from bpfsmt.conformance import Agreement, Case, generated
from bpfsmt.conformance.edges import edge_cases
from bpfsmt.conformance.files import file_cases
from bpfsmt.conformance.generated import fed, generated_cases
from bpfsmt.conformance.instructions import trials
from bpfsmt.conformance.mapwork import map_cases
from bpfsmt.conformance.packet_loads import packet_loads
from bpfsmt.conformance.skbwork import skb_cases
from bpfsmt.conformance.straight import straight_cases
from bpfsmt.conformance.xdpwork import xdp_cases
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.validate import problem
from bpfsmt.program import load

from .common import all_same, check, needs_bpf

BENCH = Path(__file__).parents[2] / "bench_programs"
OBJECTS = sorted(BENCH.glob("*/*.o"))
TEXTS = sorted(BENCH.glob("*/*.bpfasm"))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing programs takes long."""
    monkeypatch.setattr(generated, "CHUNK", 10)


@needs_bpf
@pytest.mark.parametrize("part", range(5))
def test_every_fifth_instruction_at_some_edge_values(part: int) -> None:
    found = [check(each) for each in edge_cases(part, 25, most=20, seed=part)]
    refused = [each for each in found if each.agreement is Agreement.REJECTED]
    assert all_same([each for each in found if each not in refused]) == []
    assert {each.why.rstrip("-0123456789 ") for each in refused} <= {"invalid shift", "div by zero"}
    assert sum(each.pairs for each in found) > 300


@needs_bpf
def test_random_instructions_on_all_registers() -> None:
    found = [check(each) for each in straight_cases(range(40), 5, seed=1)]
    assert all_same(found) == []
    assert sum(each.pairs for each in found) == 200


@needs_bpf
def test_random_work_on_maps() -> None:
    found = [check(each) for each in map_cases(range(30), 8, seed=1)]
    assert all_same(found) == []
    kinds = {m.type for each in found for m in each.case.program.maps}
    assert len(kinds) == 10


@needs_bpf
@pytest.mark.parametrize("chunk", [0, 1])
def test_generated_programs(chunk: int) -> None:
    found = [check(each) for each in generated_cases(chunk, 10, seed=1)]
    assert all_same(found) == []
    assert sum(each.pairs for each in found) == 10 * len(found) >= 100


@needs_bpf
@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
def test_compiled_programs(path: Path) -> None:
    for program in load(path):
        for each in file_cases(program, path.stem, seed=1, count=24):
            found = check(each)
            if program.type.value == "kprobe":
                assert found.agreement is Agreement.NOT_RUN
                assert "ENOTSUPP" in found.why
            else:
                assert all_same([found]) == []
                assert found.pairs >= 18


@needs_bpf
def test_the_programs_that_show_one_rule() -> None:
    found = [
        check(each)
        for path in TEXTS
        for program in load(path)
        for each in file_cases(program, path.stem, seed=1, count=12)
    ]
    rejected = [each for each in found if each.agreement is Agreement.REJECTED]
    assert all_same([each for each in found if each not in rejected]) == []
    assert len(rejected) == 53
    assert len(found) - len(rejected) >= 45


def every_opcode() -> set[tuple[int, int]]:
    """The opcodes of RFC 9669 (appendix A), each with 0 or the signed form's 1 as offset."""
    found = set()
    for opcode in range(256):
        for offset in (0, 1):
            shapes = (
                Instruction(opcode, dst, src, offset, imm)
                for dst, src, imm in product((0, 1), (0, 1), (0, 1, 16, 0xE1))
            )
            if any(problem(insn) is None for insn in shapes):
                found.add((opcode, offset))
    return found


def test_every_instruction_of_the_rfc_is_tried() -> None:
    tried = [insn for trial in trials() for insn in trial.slots if insn is not None]
    opcodes = {insn.opcode for insn in tried}
    packet_loads_of_rfc = {size | mode for size in (0x00, 0x08, 0x10) for mode in (0x20, 0x40)}
    exit_and_linux_only = {0x95, 0xE5}
    missing = {opcode for opcode, _ in every_opcode()} - opcodes
    assert missing == packet_loads_of_rfc | exit_and_linux_only
    loaded = {insn.opcode for each in packet_loads() for _, insn in each.program.instructions()}
    assert packet_loads_of_rfc <= loaded
    atomics = {insn.imm for insn in tried if insn.opcode in (0xC3, 0xDB)}
    assert atomics == {0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xA0, 0xA1, 0xE1, 0xF1}
    swaps = Counter((insn.opcode, insn.imm) for insn in tried if insn.opcode in (0xD4, 0xDC, 0xD7))
    assert len(swaps) == 9
    extended = {(insn.opcode, insn.offset) for insn in tried if insn.opcode in (0xBC, 0xBF)}
    narrow, wide = {(0xBC, bits) for bits in (0, 8, 16)}, {(0xBF, bits) for bits in (0, 8, 16, 32)}
    assert extended == narrow | wide
    signed = {insn.opcode for insn in tried if insn.is_alu and insn.offset == 1}
    assert signed == {0x34, 0x3C, 0x37, 0x3F, 0x94, 0x9C, 0x97, 0x9F}


def test_cases_are_the_same_for_the_same_seed() -> None:
    def cases(seed: int) -> list[list[Case]]:
        return [
            list(straight_cases(range(3), 2, seed)),
            list(map_cases(range(3), 2, seed)),
            list(xdp_cases(range(3), 2, seed)),
            list(skb_cases(range(3), 2, seed)),
            list(generated_cases(1, 2, seed)),
            list(edge_cases(7, 400, most=3, seed=seed)),
        ]

    first, again, other = cases(1), cases(1), cases(2)
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))


def test_a_generated_program_reads_its_numbers_from_a_map() -> None:
    program = next(iter(generated_cases(0, 1, 5))).program
    assert program.maps[-1].name == "numbers"
    loads = [i for _, i in program.instructions() if i.opcode == 0x61 and i.src == 1]
    assert not [insn for insn in loads if insn.offset in (12, 16)]
    assert len(fed(program)) > len(program)
