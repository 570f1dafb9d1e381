"""Programs into the running kernel: verdict, error number, log, counts, nothing left open."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel import LoadFlag, RunInput, load_program, oracle
from bpfsmt.kernel.load import LOG_FULL
from bpfsmt.kernel.stats import last_words, read_stats
from bpfsmt.kernel.types import PROGRAM_TYPES, attach_type, load_flags
from bpfsmt.program import Program, ProgramType, load
from bpfsmt.program.program import Param, Signature

from .common import asm, needs_bpf, open_files

BENCH = Path(__file__).parents[2] / "bench_programs"
FILES = sorted([*BENCH.glob("*/*.o"), *BENCH.glob("*/*.bpfasm")])
DIFFERS = "Linux 6.18 accepts it"
"""What the comment of a program says where Linux knows more than the paper's rules."""

ACCEPTED = asm("r0 = 2\nexit")
REJECTED = asm("r1 += r10\nr0 = 0\nexit")
LONG = asm("r0 = 0\n" + "r0 += 1\n" * 500 + "exit")


def expected(path: Path, program: Program) -> bool:
    comment = "" if path.suffix == ".o" else path.read_text().replace("\n; ", " ")
    return program.expect is None or program.expect.verdict == "accept" or DIFFERS in comment


@needs_bpf
@pytest.mark.parametrize("folder", ["xdp", "other", "rules"])
def test_every_program_is_judged_as_its_file_says(folder: str) -> None:
    wrong = []
    before = open_files()
    kernel = oracle("kernel")
    for path in FILES:
        for program in load(path) if path.parent.name == folder else ():
            result = kernel.load(program)
            assert result.stats is not None or "processed" not in result.log
            if result.accepted != expected(path, program):
                wrong.append((path.name, result.accepted, result.log[-200:]))
    assert wrong == []
    assert open_files() == before


def test_the_bench_has_its_differences() -> None:
    texts = [path.read_text().replace("\n; ", " ") for path in FILES if path.suffix == ".bpfasm"]
    assert len(texts) >= 98
    assert sum(DIFFERS in text for text in texts) == 8


@needs_bpf
def test_an_accepted_program() -> None:
    result = oracle("kernel").load(ACCEPTED)
    assert (result.accepted, result.errno, result.complete) == (True, 0, True)
    assert "0: (b7) r0 = 2" in result.log
    assert result.stats is not None
    assert result.insns_processed == 2
    assert result.stats.microseconds is not None
    assert result.stats.stack_depth == (0,)


@needs_bpf
def test_a_rejected_program_says_why_and_cannot_run() -> None:
    with load_program(REJECTED) as loaded:
        assert not loaded.accepted
        assert loaded.result.errno == errno.EACCES
        assert last_words(loaded.log) == "R1 pointer += pointer prohibited"
        with pytest.raises(OracleError, match="did not accept"):
            loaded.run()
    with pytest.raises(OracleError, match=r"test: the kernel does not accept it: .*EACCES"):
        oracle("kernel").run(REJECTED, [])


@needs_bpf
def test_a_log_grows_until_it_fits() -> None:
    with load_program(LONG, max_log=1 << 20) as loaded:
        whole = loaded.log
    assert whole.count("r0 += 1") >= 500
    with load_program(LONG, max_log=1024) as loaded:
        assert loaded.accepted, "the verdict does not depend on the log"
        assert not loaded.result.complete
        assert len(loaded.log) < 1024
    huge = asm("r0 = 0\n" + "r0 += 1\n" * 20000 + "exit")  # more than the first buffer
    with load_program(huge, log_level=LOG_FULL) as loaded:
        assert loaded.result.complete
        assert len(loaded.log) > 1 << 20
        assert loaded.log.startswith("func#0 @0")
        assert loaded.result.insns_processed == 20002


@needs_bpf
def test_no_log_if_none_is_wanted() -> None:
    with load_program(REJECTED, log_level=0) as loaded:
        assert (loaded.accepted, loaded.log, loaded.result.stats) == (False, "", None)


@needs_bpf
def test_nothing_stays_open() -> None:
    before = open_files()
    for program in (ACCEPTED, REJECTED):
        with load_program(program) as loaded:
            pass
        loaded.close()
        assert open_files() == before


SUBPROGRAMS = """
    r1 = 3
    r2 = func[body]
    r3 = 0
    r4 = 0
    call bpf_loop
    call odd.name
    exit
body:
    r0 = 0
    exit
odd.name:
    r0 = 5
    exit
"""


@needs_bpf
def test_callbacks_get_the_types_that_the_kernel_asks_for() -> None:
    program = replace(asm(SUBPROGRAMS), functions={0: "main", 8: "body", 10: "odd.name"})
    with load_program(program) as loaded:
        assert loaded.accepted, loaded.log
        assert loaded.run().retval == 5


GLOBAL_DATA = """
    .map .rodata type=array key=4 value=8 entries=1 flags=0x80 frozen data=0102030405060708
    .map .bss type=array key=4 value=16 entries=1 data=00000000000000000000000000000000
    r1 = map[.rodata][0] + 4
    r1 = *(u32 *)(r1 + 0)
    r2 = map[.bss][0] + 8
    r3 = *(u64 *)(r2 + 0)
    r3 += r1
    *(u64 *)(r2 + 0) = r3
    r0 = r1
    exit
"""


@needs_bpf
def test_global_data_is_where_the_program_reads_and_writes_it() -> None:
    with load_program(asm(GLOBAL_DATA)) as loaded:
        assert loaded.accepted, loaded.log
        loaded.run()
        result = loaded.run()
        assert result.retval == 0x08070605
        assert result.maps[".bss"][bytes(4)] == bytes(8) + (2 * 0x08070605).to_bytes(8, "little")


@needs_bpf
def test_maps_by_index() -> None:
    program = asm("""
        .map a type=array key=4 value=8 entries=1
        .map b type=array key=4 value=8 entries=1
        r1 = map_idx[1][0] + 0
        *(u64 *)(r1 + 0) = 9
        r0 = 0
        exit
    """)
    with load_program(program) as loaded:
        assert loaded.accepted, loaded.log
        maps = loaded.run().maps
    assert [maps[name][bytes(4)][0] for name in "ab"] == [0, 9]


TAIL_CALL = """
    .map jumps type=prog_array key=4 value=4 entries=4
    r2 = map[jumps]
    r3 = 1
    call bpf_tail_call
    r0 = 3
    exit
"""


@needs_bpf
def test_programs_share_maps_and_call_each_other() -> None:
    with load_program(asm(TAIL_CALL)) as first:
        jumps = first.maps["jumps"]
        assert first.run().retval == 3
        with load_program(ACCEPTED, maps={"jumps": jumps}) as second:
            jumps.put_fd((1).to_bytes(4, "little"), second.fd)
        assert first.run().retval == 2
        with load_program(asm(TAIL_CALL), maps={"jumps": jumps}) as third:
            assert third.run().retval == 2
        assert first.run().retval == 2, "shared maps stay open"


@needs_bpf
def test_programs_for_a_prog_array_come_with_the_input() -> None:
    before = open_files()
    into = RunInput(programs={"jumps": {1: ACCEPTED}})
    results = oracle("kernel").run(asm(TAIL_CALL), [RunInput(), into, RunInput()])
    assert [result.retval for result in results] == [3, 2, 2]
    with pytest.raises(OracleError, match="test: the kernel does not accept it"):
        oracle("kernel").run(asm(TAIL_CALL), [RunInput(programs={"jumps": {1: REJECTED}})])
    assert open_files() == before


@needs_bpf
@pytest.mark.parametrize("kind", ProgramType)
def test_every_type_loads(kind: ProgramType) -> None:
    assert set(PROGRAM_TYPES) == set(ProgramType)
    with load_program(replace(asm("r0 = 1\nexit"), type=kind)) as loaded:
        assert loaded.accepted, loaded.log


@needs_bpf
def test_flags_reach_the_verifier() -> None:
    misaligned = asm("""
        r0 = 0
        r2 = *(u32 *)(r1 + 0)
        r3 = *(u32 *)(r1 + 4)
        r4 = r2
        r4 += 16
        if r4 > r3 goto out
        r0 = *(u32 *)(r2 + 1)
    out:
        exit
    """)
    with load_program(misaligned) as loaded:
        assert loaded.accepted
    with load_program(misaligned, flags=LoadFlag.STRICT_ALIGNMENT) as loaded:
        assert "misaligned packet access" in loaded.log


def test_counts_of_a_log_without_time() -> None:
    log = "processed 9 insns (limit 1000000) max_states_per_insn 1 total_states 2 peak_states 3 m"
    stats = read_stats("0: (95) exit\n" + log)
    assert stats is not None
    assert (stats.insns_processed, stats.total_states, stats.microseconds) == (9, 2, None)
    assert read_stats("") is None
    assert last_words("") == ""


GLOBAL = asm("""
    r1 = 5
    r2 = r10
    r2 += -8
    *(u64 *)(r2 + 0) = 7
    call sum
    exit
sum:
    r0 = *(u64 *)(r2 + 0)
    r0 += r1
    exit
""")


def with_signature(*params: Param, scalar: bool = True) -> Program:
    signature = Signature(is_global=True, params=params, scalar=scalar)
    return replace(GLOBAL, signatures={6: signature})


@needs_bpf
@pytest.mark.parametrize(
    ("params", "said"),
    [
        ((Param("scalar"), Param("mem", 8)), ""),
        ((Param("scalar"), Param("mem", 8, nullable=True)), "R2 invalid mem access 'mem_or_null'"),
        ((Param("scalar"), Param("mem", 4)), "invalid access to memory, mem_size=4 off=0 size=8"),
        ((Param("scalar"), Param("scalar")), "R2 is not a scalar"),
        ((Param("scalar"), Param("ctx")), "Caller passes invalid args into func#1"),
        ((Param("scalar"), Param("invalid")), "size cannot be determined"),
    ],
)
def test_a_global_function_is_verified_by_its_signature(
    params: tuple[Param, ...], said: str
) -> None:
    with load_program(with_signature(*params)) as loaded:
        assert loaded.accepted == (not said), loaded.log
        assert said in loaded.log
        if loaded.accepted:
            assert "Validating sum() func#1" in loaded.log
            assert loaded.run().retval == 12


@needs_bpf
def test_a_static_function_is_verified_with_its_callers() -> None:
    with load_program(GLOBAL) as loaded:
        assert loaded.accepted, loaded.log
        assert "Validating" not in loaded.log


@needs_bpf
def test_a_parameter_that_cannot_be_told_is_an_error() -> None:
    before = open_files()
    with pytest.raises(OracleError, match="test: function sum: a parameter cannot be told: a dyn"):
        load_program(with_signature(Param("other", text="a dynptr")))
    assert open_files() == before


def test_where_a_program_would_be_attached_is_in_its_section() -> None:
    program = replace(ACCEPTED, type=ProgramType.CGROUP_SKB)
    assert attach_type(program) == 0
    assert attach_type(replace(program, section="cgroup_skb/egress")) == 1
    assert attach_type(replace(ACCEPTED, section="?xdp/devmap")) == 33
    assert attach_type(replace(ACCEPTED, section="xdp.frags")) == 37


def test_what_a_section_says_about_loading() -> None:
    assert load_flags(replace(ACCEPTED, section="xdp")) == 0
    assert load_flags(replace(ACCEPTED, section="?xdp.frags/devmap", flags=1)) == 1 | 1 << 5
    assert load_flags(replace(ACCEPTED, section="uprobe.s//bin/x:f")) == 1 << 4


@needs_bpf
def test_a_program_for_fragments_says_so_by_its_section() -> None:
    length = asm("r2 = *(u32 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 4)\nr0 -= r2\nexit")
    large = RunInput(bytes(9000))
    assert oracle("kernel").run(replace(length, section="xdp.frags"), [large])[0].retval < 9000
