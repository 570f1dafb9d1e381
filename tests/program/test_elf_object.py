"""Whole objects: which programs there are, of which type, with which maps and lines."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bpfsmt.errors import LoadError
from bpfsmt.isa import disassemble
from bpfsmt.program import MapDef, Object, Program, ProgramType, load, load_elf

from .build import EXIT, FIXTURES, R0_IS_0, Elf, fixture, one_program


@pytest.fixture(scope="module")
def maps() -> Object:
    return load_elf(fixture("maps"), "maps.o")


@pytest.fixture(scope="module")
def calls() -> Object:
    return load_elf(fixture("calls"), "calls.o")


def text(program: Program, pc: int) -> str:
    return disassemble(program[pc], pc)


def test_every_global_function_of_a_program_section_is_a_program(maps: Object) -> None:
    assert [(p.name, p.type, len(p)) for p in maps] == [
        ("target", ProgramType.XDP, 6),
        ("count", ProgramType.XDP, 19),
        ("globals", ProgramType.XDP, 14),
        ("nested", ProgramType.XDP, 18),
    ]
    assert maps.skipped == ()
    assert all(p.license == "Dual BSD/GPL" for p in maps)


def test_only_the_maps_in_use_in_the_order_of_the_object(maps: Object) -> None:
    count, globals_ = maps.program("count"), maps.program("globals")
    flows = MapDef("flows", "hash", key_size=12, value_size=16, max_entries=1024, flags=1)
    limit = MapDef(".rodata", "array", 4, 4, 1, flags=0x80, data=bytes([64, 0, 0, 0]), frozen=True)
    assert count.maps == (flows, limit)
    assert text(count, 7) == "r1 = map[#0]"
    assert text(count, 11) == "r1 = map[#1][0]+0"
    assert [m.name for m in globals_.maps] == [".rodata", ".data", ".bss"]
    data, bss = globals_.maps[1:]
    assert data.data == (1).to_bytes(8, "little") + (2).to_bytes(8, "little")
    assert (bss.data, bss.value_size, bss.frozen) == (bytes(16), 16, False)
    assert text(globals_, 3) == "r3 = map[#1][0]+8"


def test_maps_that_hold_maps_or_programs(maps: Object) -> None:
    (outer,) = maps.program("nested").maps
    inner = MapDef("outer.inner", "array", key_size=4, value_size=16, max_entries=8)
    assert outer == MapDef("outer", "array_of_maps", 4, 4, 2, inner=inner)
    assert maps.program("target").maps == (MapDef("jumps", "prog_array", 4, 4, 3),)


def test_legacy_maps_and_no_license() -> None:
    legacy = load_elf(fixture("legacy"), "legacy.o")
    first = MapDef("first", "hash", key_size=4, value_size=8, max_entries=16, flags=1)
    second = MapDef("second", "array", key_size=4, value_size=12, max_entries=2)
    assert [(p.type, p.maps, p.license) for p in legacy] == [
        (ProgramType.SOCKET_FILTER, (second,), ""),
        (ProgramType.KPROBE, (first, second), ""),
    ]


def test_callees_follow_their_callers_once(calls: Object) -> None:
    program = calls.program("two_levels")
    assert program.functions == {0: "two_levels", 8: "middle", 17: "leaf", 25: "lonely"}
    targets = {pc: pc + 1 + program[pc].imm for pc in (2, 5, 10, 14)}
    assert targets == {2: 8, 5: 25, 10: 17, 14: 17}
    assert all(program[pc].src == 1 for pc in targets)


def test_a_callee_in_the_section_of_its_program(calls: Object) -> None:
    program = calls.program("shared")
    assert program.functions == {0: "shared", 8: "leaf", 16: "neighbour"}
    assert 5 + 1 + program[5].imm == 16
    assert "neighbour" not in [p.name for p in calls]


def test_the_address_of_a_function(calls: Object) -> None:
    program = calls.program("loop")
    assert program.functions == {0: "loop", 8: "body"}
    assert (program[1].src, program[1].imm, program[1].next_imm) == (4, 8 - 1 - 1, 0)


def test_source_lines_follow_their_function(calls: Object) -> None:
    program = calls.program("two_levels")
    assert program.source[8].endswith("calls.c:14: NOINLINE int middle(u32 x)")
    assert program.source[17].endswith("calls.c:10: total += x;")
    assert program.source[25].endswith("calls.c:21: total ^= x;")
    assert all(program.slots[pc] is not None for pc in program.source)


def test_a_program_of_unknown_type_is_reported(calls: Object) -> None:
    assert [p.name for p in calls] == ["two_levels", "shared", "loop"]
    ((where, reason),) = calls.skipped
    assert where == "fentry/do_nothing: unknown_type"
    assert reason == "section fentry/do_nothing names no program type known here"
    with pytest.raises(LoadError, match=r"^x\.o: fentry/do_nothing: unknown_type: section"):
        load_elf(fixture("calls"), "x.o", strict=True)


def test_what_needs_a_running_kernel_is_reported() -> None:
    refused = load_elf(fixture("refused"), "refused.o")
    assert [p.name for p in refused] == ["plain"]
    assert [reason for _, reason in refused.skipped] == [
        "function relocated needs a CO-RE relocation, which takes a running kernel",
        "function symbol: instruction 0: extern kernel_symbol (of the kernel or its "
        "configuration) takes a running kernel",
        "function function: instruction 1: extern kernel_function (of the kernel or its "
        "configuration) takes a running kernel",
    ]


def test_no_program_at_all() -> None:
    elf = Elf()
    elf.symbol("helper", elf.code(".text", R0_IS_0, EXIT), 0, 16)
    with pytest.raises(LoadError, match=r"^x\.o: no program in it"):
        load_elf(elf.bytes(), "x.o")
    with pytest.raises(LoadError, match=r"^x\.o: lsm/open: main: section lsm/open names no"):
        load_elf(one_program("lsm/open").bytes(), "x.o")


def test_a_name_that_the_object_does_not_have(calls: Object) -> None:
    with pytest.raises(LoadError, match=r"no program 'x' \(there are: two_levels, shared, loop\)"):
        calls.program("x")


@pytest.mark.parametrize(
    ("elf", "message"),
    [
        (Elf(machine=62), "x.o: machine is x86-64, not BPF"),
        (Elf(machine=183), "x.o: machine is AArch64, not BPF"),
        (Elf(machine=4242), "x.o: machine is number 4242, not BPF"),
        (Elf(elf_class=1), "x.o: a 32-bit ELF file, BPF objects are 64-bit"),
        (Elf(type=2), "x.o: ELF type is ET_EXEC, not a relocatable object"),
        (
            Elf(byte_order=2),
            "x.o: built for a big-endian machine, bpfsmt models little-endian ones "
            "(compile with -target bpfel)",
        ),
    ],
)
def test_other_kinds_of_elf_files(elf: Elf, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        load_elf(elf.bytes(), "x.o")
    assert str(caught.value) == message


@pytest.mark.skipif(shutil.which("clang") is None, reason="clang is not installed")
@pytest.mark.parametrize("cpu", ["v1", "v2", "v3"])
def test_the_compiler_installed_here(tmp_path: Path, cpu: str) -> None:
    target = tmp_path / "calls.o"
    command = f"clang -O2 -g -target bpf -mcpu={cpu} -w -c calls.c -o".split()
    subprocess.run([*command, str(target)], check=True, cwd=FIXTURES)
    programs = load(target).programs
    assert [sorted(p.functions.values()) for p in programs] == [
        ["leaf", "lonely", "middle", "two_levels"],
        ["leaf", "neighbour", "shared"],
        ["body", "loop"],
    ]
