"""What the kernel is told by types: locks in a map's value, functions with early ends."""

import pytest

from bpfsmt.kernel import load_program
from bpfsmt.kernel.btf import describes, key_value_btf
from bpfsmt.kernel.functions import needs_types
from bpfsmt.kernel.syscall import available
from bpfsmt.program import MapDef, Program, ProgramType, load_asm
from bpfsmt.program.btf import Btf, Kind

needs_kernel = pytest.mark.skipif(available() is not None, reason=str(available()))
LOCK = ("bpf_spin_lock", 8, 4)

LOCKED = """
.map m type=array key=4 value=16 entries=1
    *(u32 *)(r10 - 4) = 0
    r2 = r10
    r2 += -4
    r1 = map[m]
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r6 = r0
    r1 = r0
    r1 += 8
    call bpf_spin_lock
    r1 = r6
    r1 += 8
    call bpf_spin_unlock
out:
    r0 = 0
    exit
"""


def locked(*fields: tuple[str, int, int]) -> Program:
    from dataclasses import replace

    program = load_asm(LOCKED, "locked", type=ProgramType.SCHED_CLS)
    maps: tuple[MapDef, ...] = (replace(program.maps[0], fields=fields),)
    return replace(program, maps=maps)


@needs_kernel
def test_a_lock_in_a_value_is_found_by_the_kernel() -> None:
    with load_program(locked(LOCK)) as loaded:
        assert loaded.accepted, loaded.log
    with load_program(locked()) as loaded:
        assert not loaded.accepted
    with load_program(locked(("bpf_spin_lock", 4, 4))) as loaded:
        assert not loaded.accepted  # it is elsewhere


def test_the_value_has_its_parts() -> None:
    blob, key, value = key_value_btf(8, 16, [LOCK, ("bpf_spin_lock", 0, 4)])
    btf = Btf(blob)
    assert btf.size(key) == 8
    assert btf.size(value) == 16
    struct = btf.resolve(value)
    assert [(btf.resolve(m.type_id).name, m.offset) for m in btf.members(struct)] == [
        ("bpf_spin_lock", 64),
        ("bpf_spin_lock", 0),
    ]
    assert btf.resolve(struct.records[0][1]).kind is Kind.STRUCT


def test_what_cannot_be_described() -> None:
    assert describes([LOCK])
    assert not describes([LOCK, ("kptr", 0, 8)])


EARLY = "call f\nr0 = 0\nexit\n.func f\n{}\nr0 = 0\nexit"
LEGACY = "r6 = r1\nr0 = *(u8 *)skb[4]"
TAIL_CALL = (
    ".map a type=prog_array key=4 value=4 entries=1\nr2 = map[a]\nr3 = 0\ncall bpf_tail_call"
)


@pytest.mark.parametrize("body", [LEGACY, TAIL_CALL], ids=["legacy", "tail call"])
@needs_kernel
def test_functions_that_may_end_the_program_have_types(body: str) -> None:
    program = load_asm(EARLY.format(body), "early", type=ProgramType.SCHED_CLS)
    assert needs_types(program)
    with load_program(program) as loaded:
        assert loaded.accepted, loaded.log


def test_others_need_none() -> None:
    assert not needs_types(load_asm(EARLY.format("r1 = 1"), "plain"))
    assert not needs_types(load_asm(f"{LEGACY}\nr0 = 0\nexit", "alone", type=ProgramType.SCHED_CLS))
