"""Files of every kind by `load`; assembly text and raw bytes; section names."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpfsmt.errors import AsmError, LoadError
from bpfsmt.isa import Instruction
from bpfsmt.program import (
    Expectation,
    MapDef,
    ProgramType,
    load,
    load_asm,
    load_elf,
    load_raw,
)
from bpfsmt.program.program import Param, Signature
from bpfsmt.program.sections import program_type

from .build import EXIT, FIXTURES, LD_IMM64, R0_IS_0, code, fixture


def test_an_elf_object_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "maps.bin"
    path.write_bytes(fixture("maps"))
    assert load(path).programs == load_elf(fixture("maps"), "x").programs
    assert load(path).name == str(path)


def test_assembly_text_and_raw_bytes(tmp_path: Path) -> None:
    text, raw = tmp_path / "a.bpfasm", tmp_path / "b.raw"
    text.write_text("r0 = 0\nexit\n")
    raw.write_bytes(code(R0_IS_0, EXIT))
    (first,), (second,) = load(text), load(str(raw), type=ProgramType.SCHED_CLS)
    assert first.slots == second.slots == (R0_IS_0, EXIT)
    assert (first.name, first.type) == ("a", ProgramType.XDP)
    assert (second.name, second.type) == ("b", ProgramType.SCHED_CLS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"r0 = 0", "neither an ELF object nor, by its name, assembly text (.bpfasm) or"),
        ("a.txt", b"", "empty"),
        ("a.o", b"\x7fELF", "damaged ELF: "),
        ("a.bin", b"", "empty"),
        ("a.bin", b"\x95\0\0\0\0\0\0", "instruction 0: cut short: 7 of 8 bytes"),
        ("a.bin", code(LD_IMM64)[:8], "instruction 0: ld_imm64 has no second slot"),
        ("a.bpfasm", b"", "no instruction in it"),
        ("a.bpfasm", b"; nothing", "no instruction in it"),
        ("a.bpfasm", b"r0 = \xff", "not text: byte 5 is no UTF-8"),
    ],
)
def test_files_that_hold_no_program(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LoadError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.o", "No such file or directory"),
        (tmp_path, "not a file"),
        (Path("/dev/zero"), "not a file"),
        (Path("a\0b"), "embedded null byte"),
    ):
        with pytest.raises(LoadError) as caught:
            load(path)
        assert message in str(caught.value)


def test_a_bad_line_of_text_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bpfasm"
    path.write_text("r0 = 0\nr11 = 1\n")
    with pytest.raises(AsmError, match=r"a\.bpfasm:2: "):
        load(path)


def test_everything_that_text_can_say() -> None:
    program = load_asm(
        """
        .title "Looks up a key that is not there"
        .expect reject at 2 "R1 invalid"
        .type sched_cls
        .license MIT
        .map inner type=array key=4 value=8 entries=2
        .map outer type=hash_of_maps key=8 value=4 entries=16 inner=inner
        .map text type=array key=4 value=2 entries=1 flags=0x80 frozen data=6869
        r1 = map[outer]
        call sub
        exit
        .func sub
        r2 = map[text][0]+1
        exit
        """,
        "x",
    )
    inner = MapDef("inner", "array", 4, 8, 2)
    assert program.maps == (
        inner,
        MapDef("outer", "hash_of_maps", 8, 4, 16, inner=inner),
        MapDef("text", "array", 4, 2, 1, flags=0x80, data=b"hi", frozen=True),
    )
    assert program[0] == Instruction(0x18, dst=1, src=1, imm=1)
    assert program[4] == Instruction(0x18, dst=2, src=2, imm=2, next_imm=1)
    assert program.functions == {0: "main", 4: "sub"}
    assert program.source[3] == "exit"
    assert (program.type, program.license) == (ProgramType.SCHED_CLS, "MIT")
    assert program.title == "Looks up a key that is not there"
    assert program.expect == Expectation("reject", 2, "R1 invalid")


def test_what_text_need_not_say() -> None:
    program = load_asm("exit", "x")
    assert (program.type, program.license) == (ProgramType.XDP, "GPL")
    assert (program.title, program.expect, program.maps) == ("", None, ())
    assert load_asm("exit", "x", type=ProgramType.KPROBE).type is ProgramType.KPROBE


@pytest.mark.parametrize(
    ("line", "expectation"),
    [
        ("accept", Expectation("accept")),
        ("reject", Expectation("reject")),
        ('reject "R0 !read_ok"', Expectation("reject", None, "R0 !read_ok")),
        ("reject at 0", Expectation("reject", 0)),
        ("reject at 0 why", Expectation("reject", 0, "why")),
    ],
)
def test_expectations(line: str, expectation: Expectation) -> None:
    assert load_asm(f".expect {line}\nexit", "x").expect == expectation


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".expect maybe", 'line 1: expected ".expect accept" or ".expect reject [at PC] [REASON]"'),
        (".expect", "line 1: expected"),
        (".expect accept now", "line 1: expected"),
        (".expect reject at", "line 1: expected"),
        (".expect reject at x", "line 1: expected"),
        (".expect reject at 9", "line 1: no instruction starts at 9"),
        (".expect accept\n.expect reject", "line 2: .expect is there twice"),
        (".title a\n.title b", "line 2: .title is there twice"),
        (".type lsm", "program type 'lsm' is not known (there are: xdp, sched_cls,"),
        (".map m type=hash key=0 value=4 entries=1", "map m (hash): key_size must be more than 0"),
        (".map m type=mine key=4 value=4 entries=1", "map m (mine): no such map type"),
        (
            ".map m type=array_of_maps key=4 value=4 entries=1 inner=m",
            "map m (array_of_maps): its inner map m is a map of maps, too",
        ),
    ],
)
def test_text_that_says_no_program(text: str, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        load_asm(f"{text}\nexit", "x")
    assert str(caught.value).startswith(f"x: {message}")


def test_raw_bytes_with_maps_and_functions() -> None:
    definition = MapDef("m", "array", 4, 4, 1)
    reference, call = Instruction(0x18, dst=1, src=1), Instruction(0x85, src=1, imm=1)
    data = code(reference, call, EXIT, EXIT)
    program = load_raw(data, "x", ProgramType.XDP, [definition])
    assert (program.maps, program.functions) == ((definition,), {0: "main", 4: "func_4"})
    with pytest.raises(LoadError, match=r"^x: instruction 0: refers to map 0, and there are 0$"):
        load_raw(data, "x")
    with pytest.raises(LoadError, match=r"^x: map m \(array\): key_size must be 4, is 5$"):
        load_raw(data, "x", maps=[MapDef("m", "array", 5, 4, 1)])


def test_raw_bytes_longer_than_any_program() -> None:
    with pytest.raises(LoadError, match=r"^x: more than 1000000 instructions$"):
        load_raw(code(EXIT) * 1_000_001, "x")


@pytest.mark.parametrize(
    ("kind", "sections"),
    [
        (ProgramType.XDP, "xdp xdp/devmap xdp.frags xdp.frags/cpumap xdp1 xdp_filter ?xdp"),
        (ProgramType.SCHED_CLS, "tc classifier classifier/a tc/ingress tcx/egress netkit/peer"),
        (ProgramType.SCHED_ACT, "action action/a"),
        (ProgramType.SOCKET_FILTER, "socket socket1 socket/http"),
        (ProgramType.CGROUP_SKB, "cgroup_skb/ingress cgroup_skb/egress cgroup/skb"),
        (ProgramType.TRACEPOINT, "tracepoint tracepoint/a/b tp/a/b"),
        (ProgramType.KPROBE, "kprobe/x kretprobe/x kprobe.multi/x* uprobe/a:b ksyscall/open"),
        (ProgramType.RAW_TRACEPOINT, "raw_tp/x raw_tracepoint.w/x"),
        (ProgramType.PERF_EVENT, "perf_event"),
        (ProgramType.CGROUP_SOCK, "cgroup/sock_create cgroup/post_bind4"),
        (ProgramType.CGROUP_SOCK_ADDR, "cgroup/bind4 cgroup/recvmsg6"),
        (
            None,
            ".text xdpx tcp tcx tcx/other lsm/x fentry/x cgroup/dev cgroup_skb kprobes "
            "license maps sockops sk_skb iter/task Xdp",
        ),
        (None, " "),
    ],
)
def test_section_names(kind: ProgramType | None, sections: str) -> None:
    for section in sections.split(" "):
        assert program_type(section) is kind, section


def test_the_fixtures_hold_no_path_of_a_machine() -> None:
    for path in FIXTURES.glob("*.o"):
        for program in load(path):
            assert all(line.startswith("./") for line in program.source.values())


def test_global_functions_in_text() -> None:
    text = ".global f ctx scalar\ncall f\nexit\n.func f\nr0 = 0\nexit"
    (found,) = load_asm(text, "x").signatures.items()
    assert found == (2, Signature(True, (Param("ctx"), Param("scalar"))))


@pytest.mark.parametrize("words", ["", "g", "main", "f int", "f ctx ctx ctx ctx ctx ctx"])
def test_no_such_global_function(words: str) -> None:
    with pytest.raises(LoadError, match=r"x: line 1: expected .global, the name of a function"):
        load_asm(f".global {words}\ncall f\nexit\n.func f\nr0 = 0\nexit", "x")


def test_flags_of_the_load() -> None:
    program = load_asm(".flags test_state_freq strict_alignment\nr0 = 0\nexit", "x")
    assert program.flags == 8 | 1
    with pytest.raises(LoadError, match=r"x: line 1: expected .flags and any of strict_alignment"):
        load_asm(".flags often\nr0 = 0\nexit", "x")
