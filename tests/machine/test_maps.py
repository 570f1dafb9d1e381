"""What maps answer, from the outside and from a program."""

from __future__ import annotations

import pytest

from bpfsmt.errors import BpfsmtError, UnsupportedError
from bpfsmt.machine import Environment, MapState
from bpfsmt.machine.maps import ANY, EXIST, NOEXIST, new_state
from bpfsmt.program import MapDef

from .programs import answer, run_asm

ENOENT, E2BIG, EEXIST, EINVAL, ENOSPC = -2, -7, -17, -22, -28


def value(state: MapState, name: bytes) -> bytes | None:
    found = state.lookup(name)
    return None if found is None else bytes(found)


def key(number: int) -> bytes:
    return number.to_bytes(4, "little")


@pytest.mark.parametrize("kind", ["array", "percpu_array"])
def test_array(kind: str) -> None:
    state = new_state(MapDef("a", kind, 4, 8, 2))
    assert value(state, key(1)) == bytes(8)
    assert state.lookup(key(2)) is None
    old = state.lookup(key(0))
    assert state.update(key(0), b"12345678") == 0
    assert (
        old is not None and bytes(old) == b"12345678"
    )  # in place: who looked it up before sees it
    assert state.update(key(2), bytes(8)) == E2BIG
    assert state.update(key(0), bytes(8), NOEXIST) == EEXIST
    assert state.update(key(2), bytes(8), 3) == EINVAL
    assert state.delete(key(0)) == EINVAL


def test_hash() -> None:
    state = new_state(MapDef("h", "hash", 4, 1, 2))
    assert state.lookup(key(1)) is None
    assert state.update(key(1), b"a", EXIST) == ENOENT
    assert state.update(key(1), b"a", NOEXIST) == 0
    assert state.update(key(1), b"b", NOEXIST) == EEXIST
    old = state.lookup(key(1))
    assert state.update(key(1), b"c", EXIST) == 0
    assert old is not None and bytes(old) == b"a"  # replaced, not overwritten
    assert value(state, key(1)) == b"c"
    assert state.update(key(2), b"d") == 0
    assert state.update(key(3), b"e") == E2BIG
    assert state.update(key(2), b"f") == 0
    assert state.update(key(2), b"f", 3) == EINVAL
    assert state.delete(key(1)) == 0
    assert state.delete(key(1)) == ENOENT
    assert state.update(key(3), b"e", ANY) == 0


def test_lru_hash_forgets_what_was_used_longest_ago() -> None:
    state = new_state(MapDef("l", "lru_hash", 4, 1, 2))
    for number in (1, 2):
        state.update(key(number), b"x")
    state.lookup(key(1))
    assert state.update(key(3), b"x") == 0
    assert [state.lookup(key(n)) is not None for n in (1, 2, 3)] == [True, False, True]


def lpm(length: int, *address: int) -> bytes:
    return key(length) + bytes(address)


def test_lpm_trie() -> None:
    state = new_state(MapDef("t", "lpm_trie", 8, 1, 3, flags=1))
    assert state.update(lpm(8, 10, 1, 2, 3), b"a") == 0
    assert state.update(lpm(23, 10, 1, 2, 0), b"b") == 0
    assert value(state, lpm(32, 10, 1, 3, 255)) == b"b"  # the 24th bit is not compared
    assert value(state, lpm(32, 10, 1, 4, 0)) == b"a"
    assert value(state, lpm(16, 10, 1, 2, 0)) == b"a"  # asked for 16 bits only
    assert state.lookup(lpm(32, 11, 1, 2, 0)) is None
    assert state.lookup(lpm(33, 10, 1, 2, 0)) is None
    assert state.update(lpm(33, 0, 0, 0, 0), b"x") == EINVAL
    assert state.update(lpm(8, 10, 9, 9, 9), b"c", NOEXIST) == EEXIST
    assert state.update(lpm(0, 0, 0, 0, 0), b"d") == 0
    assert value(state, lpm(32, 11, 1, 2, 0)) == b"d"
    assert state.update(lpm(1, 0, 0, 0, 0), b"e") == ENOSPC
    assert state.delete(lpm(22, 10, 1, 2, 0)) == ENOENT
    assert state.delete(lpm(23, 10, 1, 2, 0)) == 0


def test_types_that_are_not_modelled() -> None:
    with pytest.raises(UnsupportedError, match="type stack_trace is not modelled"):
        new_state(MapDef("r", "stack_trace", 4, 8, 4096))


LOOKUP = """
    .map m type={kind} key=4 value=8 entries=4
        *(u32 *)(r10 - 4) = 2
        r1 = map[m]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        {use}
    out:
        exit
"""


def test_a_program_changes_the_map_that_the_next_run_sees() -> None:
    env = Environment()
    text = LOOKUP.format(
        kind="array", use="r1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\nr0 = r1"
    )
    assert [answer(text, env=env) for _ in range(3)] == [1, 2, 3]
    assert value(env.maps["m"], key(2)) == b"\x03" + bytes(7)


def test_lookup_in_an_empty_hash_is_null() -> None:
    assert answer(LOOKUP.format(kind="hash", use="r0 = 1")) == 0


def test_two_lookups_alias() -> None:
    use = """
        r6 = r0
        r1 = map[m]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        *(u64 *)(r6 + 0) = 77
        r0 = *(u64 *)(r0 + 0)"""
    assert answer(LOOKUP.format(kind="array", use=use)) == 77


def test_a_value_ends_where_it_ends() -> None:
    result = run_asm(LOOKUP.format(kind="array", use="r0 = *(u32 *)(r0 + 5)"))
    assert result.fault is not None
    assert (result.fault.pc, result.fault.region) == (7, "value of m+5")


def test_a_helper_faults_on_memory_that_is_not_there() -> None:
    text = ".map m type=hash key=8 value=8 entries=4\n"
    text += "r1 = map[m]\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\nexit"
    result = run_asm(text)
    assert result.fault is not None
    assert (result.fault.pc, result.fault.size) == (4, 8)
    wrong = run_asm("r1 = 0\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\nexit")
    assert wrong.fault is not None and "0x0 is no map" in str(wrong.fault)


def test_the_map_itself_is_no_memory() -> None:
    result = run_asm(
        ".map m type=hash key=8 value=8 entries=4\nr1 = map[m]\nr0 = *(u8 *)(r1 + 0)\nexit"
    )
    assert result.fault is not None and result.fault.region == "map m+0"


def test_one_name_is_one_map() -> None:
    env = Environment()
    env.state_of(MapDef("m", "array", 4, 8, 4))
    with pytest.raises(BpfsmtError, match="two different maps are called m"):
        env.state_of(MapDef("m", "array", 4, 8, 5))
