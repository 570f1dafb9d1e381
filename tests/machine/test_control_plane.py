"""Maps in the hands of user space."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Environment, MapError, PerfBuffer, UserMap
from bpfsmt.machine.maps import MapState
from bpfsmt.program import MapDef

from .programs import answer, asm, run_asm

EPERM, ENOENT, E2BIG, EEXIST, ENODEV, EINVAL, EOVERFLOW = 1, 2, 7, 17, 19, 22, 75


def user_map(kind: str, key: int = 4, value: int = 4, entries: int = 4, **more: object) -> UserMap:
    definition = MapDef("m", kind, key, value, entries, **more)  # type: ignore[arg-type]
    return Environment(cpus=2).map(definition)


def errno_of(operation: Callable[[], object]) -> int:
    with pytest.raises(MapError) as error:
        operation()
    return error.value.errno


def test_entries_come_and_go() -> None:
    m = user_map("hash")
    m.update(b"key1", b"abcd")
    m.update(2, 5)
    assert m.lookup(b"key1") == b"abcd" and m.number(2) == 5 and m.lookup(3) is None
    assert m.entries() == {b"key1": b"abcd", b"\x02\0\0\0": b"\x05\0\0\0"}
    assert sorted(m) == sorted(m.keys()) and len(m) == 2
    assert m.take(2) == b"\x05\0\0\0" and m.take(2) is None
    assert m.delete(b"key1") and not m.delete(b"key1")


def test_what_the_kernel_would_refuse() -> None:
    m = user_map("hash", entries=1)
    m.update(1, 1)
    assert errno_of(lambda: m.update(2, 2)) == E2BIG
    assert errno_of(lambda: m.update(1, 2, 1)) == EEXIST
    assert errno_of(lambda: m.update(2, 2, 2)) == ENOENT
    assert errno_of(lambda: m.update(1, 2, 5)) == EINVAL
    frozen = user_map("array", frozen=True)
    assert errno_of(lambda: frozen.update(0, 1)) == EPERM and frozen.lookup(0) == bytes(4)
    assert errno_of(lambda: user_map("hash", flags=1 << 3).update(0, 1)) == EPERM
    assert errno_of(lambda: user_map("hash", flags=1 << 4).lookup(0)) == EPERM
    assert errno_of(lambda: user_map("lpm_trie", key=8, flags=1).take(bytes(8))) == 524


def test_errors_say_which_map_and_key() -> None:
    array, percpu = user_map("array"), user_map("percpu_array")
    program = asm("r0 = 0\nexit")
    wrong: dict[Callable[[], object], str] = {
        lambda: array.update(9, 1): "update of 09000000: E2BIG",
        lambda: array.lookup(b"abc"): "a key of 3 bytes, not 4",
        lambda: array.update(0, b"abc"): "a value of 3 bytes, not 4",
        lambda: percpu.update(0, b"abc"): "a value of 3 bytes, not 4 or 8",
        lambda: array.update(0, 1 << 32): "4294967296 is no value of 4 bytes",
        lambda: array.update(0, "text"): "a value must be bytes or a number",
        lambda: array.consume(): "is no ring buffer",
        lambda: array.listen(): "is no perf_event_array",
        lambda: array.update(0, 1, program=program): "its entries have no programs",
    }
    for operation, message in wrong.items():
        with pytest.raises(BpfsmtError) as error:
            operation()
        assert str(error.value) == f"map m: {message}"


def test_values_of_every_cpu() -> None:
    m = user_map("percpu_array", value=4)
    m.update(0, 7)
    assert m.lookup(0) == b"\x07\0\0\0" * 2 and m.number(0) == 14
    m.update(0, b"\x01\0\0\0\x02\0\0\0")
    assert m.number(0) == 3
    text = """
        .map m type=percpu_hash key=4 value=4 entries=4
        *(u32 *)(r10 - 4) = 1
        *(u32 *)(r10 - 8) = 9
        r1 = map[m]
        r2 = r10
        r2 += -4
        r3 = r10
        r3 += -8
        r4 = 0
        call bpf_map_update_elem
        r1 = map[m]
        r2 = r10
        r2 += -4
        r3 = 1
        call bpf_map_lookup_percpu_elem
        r0 = *(u32 *)(r0 + 0)
        exit
    """
    env = Environment(cpu=0, cpus=2)
    assert answer(text, env=env) == 0  # a new key is zero on the other CPU
    env.cpu = 1
    assert answer(text, env=env) == 9
    assert env.map("m").lookup(1) == b"\x09\0\0\0" * 2


def test_programs_in_a_map() -> None:
    m = user_map("prog_array")
    program = asm("r0 = 0\nexit")
    m.update(1, program)
    assert m.lookup(1) is program and m.lookup(0) is None
    assert errno_of(lambda: m.update(4, program)) == E2BIG
    assert errno_of(lambda: m.update(0, program, 1)) == EINVAL
    assert errno_of(lambda: m.update(0, asm(".type sched_cls\nr0 = 0\nexit"))) == EINVAL
    assert errno_of(lambda: m.delete(4)) == E2BIG
    assert m.delete(1) and not m.delete(1)
    with pytest.raises(BpfsmtError, match="a prog_array holds no bytes"):
        m.update(0, 5)


TAIL = """
    .map m type=prog_array key=4 value=4 entries=4
    r2 = map[m]
    r3 = 1
    call bpf_tail_call
    r0 = 7
    exit
"""


def test_a_program_is_replaced_between_two_packets() -> None:
    env = Environment()
    program = asm(TAIL)
    env.load(program)
    table = env.map("m")
    assert answer(TAIL, env=env) == 7
    for n in (3, 4, 5):
        table.update(1, asm(f"r0 = {n}\nexit"))
        assert answer(TAIL, env=env) == n
    table.delete(1)
    assert answer(TAIL, env=env) == 7


def test_devmaps_and_cpumaps() -> None:
    ports = user_map("devmap", value=8)
    ports.update(0, 5)
    assert ports.lookup(0) == b"\x05" + bytes(7)
    ports.update(0, 6, program=asm("r0 = 2\nexit"))
    assert ports.lookup(0) == b"\x06\0\0\0\x01\0\0\0"
    assert errno_of(lambda: ports.update(0, 5 | 9 << 32)) == EINVAL  # no such program
    ports.update(0, 0)
    assert ports.lookup(0) is None
    assert errno_of(lambda: user_map("devmap").update(0, 5, program=asm("exit"))) == EINVAL
    cpus = user_map("cpumap", entries=8)
    assert errno_of(lambda: cpus.update(2, 192)) == ENODEV
    assert errno_of(lambda: cpus.update(1, 16385)) == EOVERFLOW
    sockets = user_map("xskmap")
    sockets.update(1, 9, 1)
    assert errno_of(lambda: sockets.update(1, 8, 1)) == EEXIST
    assert errno_of(lambda: sockets.update(2, 8, 2)) == ENOENT
    sockets.update(1, 9, 1)  # the same one again is no change


INNER = MapDef("inner", "array", 4, 8, 2)


@pytest.mark.parametrize("kind", ["array_of_maps", "hash_of_maps"])
def test_maps_in_maps(kind: str) -> None:
    env = Environment()
    outer = env.map(MapDef("outer", kind, 4, 4, 4, inner=INNER))
    one = env.map(MapDef("one", "array", 4, 8, 2))
    one.update(1, 55)
    outer.update(3, one)
    found = outer.lookup(3)
    assert isinstance(found, MapState) and found is one.state
    other = env.map(MapDef("other", "array", 4, 4, 2))
    assert errno_of(lambda: outer.update(0, other)) == EINVAL
    text = f"""
        .map inner type=array key=4 value=8 entries=2
        .map outer type={kind} key=4 value=4 entries=4 inner=inner
        *(u32 *)(r10 - 4) = 3
        r1 = map[outer]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto null
        r1 = r0
        *(u32 *)(r10 - 4) = 1
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto null
        r1 = *(u64 *)(r0 + 0)
        r1 += 1
        *(u64 *)(r0 + 0) = r1
        r0 = r1
        exit
    null:
        r0 = -1
        exit
    """
    assert [answer(text, env=env) for _ in range(3)] == [56, 57, 58]
    assert one.number(1) == 58
    assert outer.delete(3)
    assert answer(text, env=env) == (1 << 64) - 1


def test_queues_and_stacks() -> None:
    for kind, order in (("queue", [1, 2, 3]), ("stack", [3, 2, 1])):
        m = user_map(kind, key=0, entries=3)
        for n in (1, 2, 3):
            m.push(n)
        assert errno_of(lambda m=m: m.push(4)) == E2BIG  # type: ignore[misc]
        assert m.number() == order[0] and len(m) == 3
        assert [m.pop() for _ in range(4)] == [*(n.to_bytes(4, "little") for n in order), None]


def test_pins_are_shared_by_name() -> None:
    pins: dict[str, MapState] = {}
    counts = MapDef("counts", "array", 4, 8, 1)
    one, two = Environment(pins=pins), Environment(pins=pins)
    one.map(counts).update(0, 5)
    one.pin("counts")
    assert two.map("counts").number(0) == 5 and two.map(counts).number(0) == 5
    two.map(counts).update(0, 6)
    assert one.map("counts").number(0) == 6
    assert Environment().map(counts).number(0) == 0
    with pytest.raises(BpfsmtError, match="two different maps are called counts"):
        Environment(pins=pins).map(MapDef("counts", "array", 4, 8, 2))
    with pytest.raises(BpfsmtError, match=r"no map 'x' \(there are: counts\)"):
        two.map("x")


def test_loading_makes_the_maps() -> None:
    env = Environment()
    env.load(asm(TAIL))
    assert [m.definition.name for m in env.user_maps()] == ["m"]


PERF = """
    .map m type=perf_event_array key=4 value=4 entries=4
    r6 = r1
    *(u32 *)(r10 - 8) = 0x01020304
    r2 = map[m]
    r3 = {flags} ll
    r4 = r10
    r4 += -8
    r5 = 4
    call bpf_perf_event_output
    exit
"""
CURRENT, PACKET_BYTES = 0xFFFFFFFF, 3 << 32


def test_perf_events() -> None:
    env = Environment(cpu=1, cpus=2)
    text = PERF.format(flags=CURRENT | PACKET_BYTES)
    packet = b"packet" + bytes(58)
    assert answer(text, packet, env) == -ENOENT & (1 << 64) - 1  # nobody listens
    reader = env.map("m").listen()
    assert answer(text, packet, env) == 0
    assert reader.samples == [(1, b"\x04\x03\x02\x01pac")]
    assert reader.take() and reader.take() == []
    for flags, code in ((0, -95), (9, -7), (2, -2), (1 << 63, -22), (CURRENT | 100 << 32, -14)):
        assert answer(PERF.format(flags=flags), packet, env) == code & (1 << 64) - 1
    own = PerfBuffer(1)
    env.map("m").update(1, own)
    answer(text, packet, env)
    assert len(own.samples) == 1 and reader.samples == []


RING = """
    .map m type=ringbuf key=0 value=0 entries=4096
    r1 = map[m]
    r2 = 4
    r3 = 0
    call bpf_ringbuf_reserve
    r6 = r0
    *(u32 *)(r6 + 0) = {number}
    {then}
    r0 = 0
    exit
"""
SUBMIT = "r1 = r6\nr2 = 0\ncall bpf_ringbuf_submit"


def test_ring_buffers() -> None:
    env = Environment()
    assert answer(RING.format(number=5, then=SUBMIT), env=env) == 0
    assert answer(RING.format(number=6, then=""), env=env) == 0  # never finished
    assert answer(RING.format(number=7, then=SUBMIT), env=env) == 0
    ring = env.map("m")
    assert ring.consume() == [b"\x05\0\0\0"]  # what is behind the unfinished one has to wait
    assert ring.consume() == []


@pytest.mark.parametrize(
    ("then", "problem"),
    [
        (SUBMIT + "\n*(u32 *)(r6 + 0) = 1", "no region"),
        (SUBMIT + "\n" + SUBMIT, "is no reserved record"),
        ("r6 += 1\n" + SUBMIT, "is no reserved record"),
        ("*(u64 *)(r6 + 0) = 1", "record of m+0"),
    ],
)
def test_misuse_of_records(then: str, problem: str) -> None:
    result = run_asm(RING.format(number=1, then=then))
    assert result.outcome == "fault" and problem in result.problem
