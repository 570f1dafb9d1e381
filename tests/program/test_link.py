"""Relocations and calls, on objects built by hand: what no compiler makes, too."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from bpfsmt.errors import LoadError
from bpfsmt.program import link as linker
from bpfsmt.program import load_elf

from .build import (
    CALL_LOCAL,
    EXIT,
    LD_IMM64,
    OBJECT,
    R0_IS_0,
    R_64_32,
    R_64_64,
    SECTION,
    Elf,
    code,
    one_program,
)


def reason(elf: Elf) -> str:
    """Why the object's first program does not load."""
    with pytest.raises(LoadError) as caught:
        load_elf(elf.bytes(), "x.o")
    message = str(caught.value)
    assert message.startswith("x.o: ") and "\n" not in message
    return message.removeprefix("x.o: ").removeprefix("xdp: main: ").removeprefix("function main: ")


def legacy_map(elf: Elf, count: int = 2) -> int:
    """A section with some hash maps in it."""
    section = elf.section("maps", struct.pack("<IIIII", 1, 4, 8, 16, 0) * count)
    for index in range(count):
        elf.symbol(f"map{index}", section, 20 * index, 20, OBJECT)
    return section


@pytest.mark.parametrize(("addend", "name"), [(0, "map0"), (20, "map1")])
def test_a_map_by_the_symbol_of_its_section(addend: int, name: str) -> None:
    elf = one_program("xdp", replace(LD_IMM64, imm=addend), EXIT)
    symbol = elf.symbol("", legacy_map(elf), 0, 0, SECTION, local=True)
    elf.relocate(1, 0, symbol, R_64_64)
    (program,) = load_elf(elf.bytes(), "x.o")
    assert [m.name for m in program.maps] == [name]
    assert (program[0].src, program[0].imm, program[0].next_imm) == (1, 0, 0)


def test_the_middle_of_a_map() -> None:
    elf = one_program("xdp", replace(LD_IMM64, imm=4), EXIT)
    elf.relocate(1, 0, elf.symbol("", legacy_map(elf), 0, 0, SECTION), R_64_64)
    assert reason(elf) == "instruction 0: no map or variable at byte 4 of section maps"


@pytest.mark.parametrize(("value", "addend", "fits"), [(4, 3, True), (4, 4, False), (0, -1, False)])
def test_a_place_in_global_data(value: int, addend: int, fits: bool) -> None:
    elf = one_program("xdp", replace(LD_IMM64, imm=addend), EXIT)
    data = elf.section(".data.mine", bytes(range(8)))
    elf.relocate(1, 0, elf.symbol("variable", data, value, 4, OBJECT), R_64_64)
    if fits:
        (program,) = load_elf(elf.bytes(), "x.o")
        assert program.maps[0].data == bytes(range(8))
        assert (program[0].src, program[0].imm, program[0].next_imm) == (2, 0, value + addend)
    else:
        place = value + addend
        assert reason(elf) == (
            f"instruction 0: no map or variable at byte {place} of section .data.mine"
        )


def test_a_section_that_holds_neither_maps_nor_data() -> None:
    elf = one_program("xdp", LD_IMM64, EXIT)
    elf.relocate(1, 0, elf.symbol("x", elf.section("other", bytes(8)), 0, 8, OBJECT), R_64_64)
    assert reason(elf) == "instruction 0: no map or variable at byte 0 of section other"


@pytest.mark.parametrize("kind", [0, 2, 3, 4, 77])
def test_unknown_relocations(kind: int) -> None:
    elf = one_program("xdp", LD_IMM64, EXIT)
    elf.relocate(1, 0, elf.symbol("x", elf.section(".data", bytes(8)), 0, 8, OBJECT), kind)
    assert reason(elf) == f"instruction 0: relocation type {kind} is not known"


@pytest.mark.parametrize(
    ("offset", "kind", "message"),
    [
        (0, R_64_32, "instruction 0: the relocation is for a call of a function, and here is none"),
        (8, R_64_64, "instruction 1: the relocation is for a 64-bit immediate, and here is none"),
        (16, R_64_64, "instruction 2: the relocation is for a 64-bit immediate, and here is none"),
        (4, R_64_64, "relocation inside instruction 0"),
    ],
)
def test_relocations_of_the_wrong_place(offset: int, kind: int, message: str) -> None:
    elf = one_program("xdp", LD_IMM64, EXIT)
    elf.relocate(1, offset, elf.symbol("x", elf.section(".data", bytes(8)), 0, 8, OBJECT), kind)
    assert reason(elf) == message


def test_two_relocations_of_one_instruction() -> None:
    elf = one_program("xdp", LD_IMM64, EXIT)
    symbol = elf.symbol("x", elf.section(".data", bytes(8)), 0, 8, OBJECT)
    for _ in range(2):
        elf.relocate(1, 0, symbol, R_64_64)
    assert reason(elf) == "relocation inside instruction 0"


def test_an_extern() -> None:
    elf = one_program("xdp", CALL_LOCAL, EXIT)
    elf.relocate(1, 0, elf.symbol("bpf_dynptr_slice", 0, 0, 0), R_64_32)
    assert reason(elf).startswith("instruction 0: extern bpf_dynptr_slice (of the kernel")


def test_a_map_reference_without_a_relocation() -> None:
    elf = one_program("xdp", replace(LD_IMM64, src=1), EXIT)
    assert reason(elf) == "instruction 0: ld_imm64 with src 1 has no relocation"


def test_a_call_of_a_kernel_function_by_number() -> None:
    elf = one_program("xdp", replace(CALL_LOCAL, src=2), EXIT)
    assert reason(elf) == "instruction 0: a call of a kernel function takes a running kernel"


@pytest.mark.parametrize("imm", [-2, 1, 100])
def test_a_call_of_no_function(imm: int) -> None:
    elf = one_program("xdp", replace(CALL_LOCAL, imm=imm), R0_IS_0, EXIT)
    place = 8 * (1 + imm)
    assert reason(elf) == f"instruction 0: no function begins at byte {place} of section xdp"


def test_a_recursive_function_is_linked_once() -> None:
    elf = one_program("xdp", CALL_LOCAL, EXIT)
    (program,) = load_elf(elf.bytes(), "x.o")
    assert program.functions == {0: "main"}
    assert program[0].imm == -1


def test_functions_call_each_other_in_order_of_the_calls() -> None:
    """main calls b and a; b calls c; c calls a: as libbpf appends, main b c a."""
    elf = Elf()
    calls = {"main": "ba", "a": "", "b": "c", "c": "a"}
    section = {"main": 1, "a": 2, "b": 2, "c": 2}
    starts, bodies = {}, {name: [*[CALL_LOCAL] * len(to), EXIT] for name, to in calls.items()}
    elf.code("xdp", *bodies["main"])
    elf.code(".text", *bodies["a"], *bodies["b"], *bodies["c"])
    symbols, offset = {}, 0
    for name, body in bodies.items():
        starts[name] = offset if name != "main" else 0
        symbols[name] = elf.symbol(name, section[name], starts[name], 8 * len(body))
        offset += 8 * len(body) if name != "main" else 0
    for name, to in calls.items():
        for index, callee in enumerate(to):
            elf.relocate(section[name], starts[name] + 8 * index, symbols[callee], R_64_32)
    (program,) = load_elf(elf.bytes(), "x.o")
    assert list(program.functions.values()) == ["main", "b", "c", "a"]
    assert [(pc, pc + 1 + i.imm) for pc, i in program.instructions() if i.opcode == 0x85] == [
        (0, 3),
        (1, 7),
        (3, 5),
        (5, 7),
    ]


@pytest.mark.parametrize(
    ("start", "size"), [(0, 8), (8, 16), (4, 8), (0, 12), (0, 0), (2**63, 8), (0, 2**63)]
)
def test_functions_that_overlap_or_do_not_fit(start: int, size: int) -> None:
    elf = one_program()
    elf.symbol("other", 1, start, size)
    assert reason(elf).startswith("function ")
    assert reason(elf).endswith(
        ("overlaps another in section xdp", "does not fit into section xdp")
    )


def test_bytes_that_are_no_instructions() -> None:
    elf = Elf()
    elf.symbol("main", elf.section("xdp", code(R0_IS_0) + b"\xff" * 8, flags=6), 0, 16)
    assert reason(elf).startswith("instruction 1: ")


def test_a_broken_callee_spoils_only_its_callers() -> None:
    elf = one_program("xdp", CALL_LOCAL, EXIT)
    elf.symbol("fine", elf.code("tc", R0_IS_0, EXIT), 0, 16)
    broken = elf.symbol("broken", elf.section(".text", b"\xff" * 8, flags=6), 0, 8)
    elf.relocate(1, 0, broken, R_64_32)
    found = load_elf(elf.bytes(), "x.o")
    assert [p.name for p in found] == ["fine"]
    assert [where for where, _ in found.skipped] == ["xdp: main"]
    assert found.skipped[0][1].startswith("function broken: instruction 0: ")


def test_programs_longer_than_any_kernel_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linker, "MAX_SLOTS", 3)
    load_elf(one_program("xdp", R0_IS_0, R0_IS_0, EXIT).bytes(), "x.o")
    elf = one_program("xdp", R0_IS_0, R0_IS_0, R0_IS_0, EXIT)
    assert reason(elf) == "more than 3 instructions with all its callees"


def test_a_relocation_table_with_addends() -> None:
    elf = one_program()
    table = elf.section(".relaxdp", bytes(24), kind=4)
    name, kind, flags, data, *_ = elf.sections[table - 1]
    elf.sections[table - 1] = (name, kind, flags, data, 3, 1, 24)
    assert reason(elf) == "section .relaxdp: only one table of type REL is supported"


def test_a_relocation_of_a_symbol_beyond_the_last() -> None:
    elf = one_program("xdp", LD_IMM64, EXIT)
    elf.relocate(1, 0, 2, R_64_64)
    assert reason(elf) == "damaged ELF: section .rel1 names a symbol beyond the last"


def test_a_symbol_table_cut_short() -> None:
    elf = one_program()
    data = bytearray(elf.bytes())
    (headers,) = struct.unpack_from("<Q", data, 40)
    struct.pack_into("<Q", data, headers + 2 * 64 + 32, 47)  # sh_size of .symtab, 2 * 24 - 1
    with pytest.raises(LoadError, match=r"^x\.o: damaged ELF: the symbol table is cut short$"):
        load_elf(bytes(data), "x.o")
