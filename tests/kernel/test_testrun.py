"""Test runs: what goes in and out of BPF_PROG_TEST_RUN, for each type of program."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel import RunInput, load_program, oracle
from bpfsmt.kernel.syscall import ENOTSUPP
from bpfsmt.program import ProgramType

from .common import asm, needs_bpf

pytestmark = needs_bpf

FRAME = bytes.fromhex("020000000001 020000000002 0800") + bytes(range(50))
U32 = (1 << 32) - 1

WRITES = asm("""
    r2 = *(u32 *)(r1 + 0)
    r3 = *(u32 *)(r1 + 4)
    r0 = r3
    r0 -= r2
    r4 = r2
    r4 += 14
    if r4 > r3 goto out
    *(u16 *)(r2 + 12) = 0x1234
out:
    exit
""")


def test_the_packet_comes_back_changed() -> None:
    with load_program(WRITES) as loaded:
        result = loaded.run(RunInput(FRAME))
    assert (result.errno, result.retval) == (0, len(FRAME))
    assert result.packet == FRAME[:12] + b"\x34\x12" + FRAME[14:]
    assert result.data_meta == b""


@pytest.mark.parametrize("length", [0, 1, 13])
def test_a_packet_without_ethernet_header_is_refused(length: int) -> None:
    with load_program(WRITES) as loaded:
        result = loaded.run(RunInput(bytes(length)))
    assert result == replace(result, errno=errno.EINVAL, retval=0, packet=b"")


def test_the_shortest_packet_runs() -> None:
    with load_program(WRITES) as loaded:
        assert loaded.run(RunInput(bytes(14))).retval == 14


def test_a_large_packet_has_fragments_for_programs_that_take_them() -> None:
    large = bytes(range(256)) * 40
    with load_program(WRITES, flags=1 << 5) as loaded:
        result = loaded.run(RunInput(large))
    assert result.errno == 0
    assert 0 < result.retval < len(large), "the program sees the first fragment"
    assert len(result.packet) == len(large)
    assert result.packet[14:] == large[14:]


META = asm("""
    r6 = r1
    r0 = *(u32 *)(r1 + 0)
    r2 = *(u32 *)(r1 + 8)
    r0 -= r2                        ; how much there is
    r2 = -4
    r7 = r0
    call bpf_xdp_adjust_meta
    r2 = *(u32 *)(r6 + 8)
    r3 = *(u32 *)(r6 + 0)
    r4 = r2
    r4 += 4
    if r4 > r3 goto out
    *(u32 *)(r2 + 0) = 0x44434241
out:
    r0 = r7
    exit
""")


@pytest.mark.parametrize("meta", [b"", b"meta", b"metadata"])
def test_metadata_goes_in_and_out(meta: bytes) -> None:
    with load_program(META) as loaded:
        result = loaded.run(RunInput(FRAME, data_meta=meta))
    assert result.retval == len(meta)
    assert result.data_meta == b"ABCD" + meta
    assert result.packet == FRAME


def test_metadata_of_a_wrong_length_is_refused() -> None:
    with load_program(META) as loaded:
        assert loaded.run(RunInput(FRAME, data_meta=b"abc")).errno == errno.EINVAL


def test_the_packet_grows_and_shrinks() -> None:
    text = "r2 = {by}\ncall bpf_xdp_adjust_head\nr0 = 2\nexit"
    for by in (-200, -4, 4, 50):
        with load_program(asm(text.format(by=by))) as loaded:
            assert len(loaded.run(RunInput(FRAME)).packet) == len(FRAME) - by


SKB = """
    .type {kind}
    r0 = *(u32 *)(r1 + {offset})
    exit
"""


@pytest.mark.parametrize(
    ("kind", "offset", "wanted"),
    [
        ("sched_cls", 0, len(FRAME)),  # len
        ("socket_filter", 0, len(FRAME) - 14),
        ("sched_cls", 16, 8),  # protocol, in network order
        ("sched_cls", 8, 77),  # mark
        ("sched_cls", 32, 5),  # priority
        ("socket_filter", 8, 77),
    ],
)
def test_the_context_of_an_skb(kind: str, offset: int, wanted: int) -> None:
    with load_program(asm(SKB.format(kind=kind, offset=offset))) as loaded:
        result = loaded.run(RunInput(FRAME, {"mark": 77, "priority": 5}))
    assert (result.errno, result.retval) == (0, wanted)
    assert int.from_bytes(result.ctx[8:12], "little") == 77
    header = FRAME[:14] if kind == "sched_cls" else bytes(14)
    assert result.packet == header + FRAME[14:]


def test_a_context_that_the_kernel_does_not_take_is_refused() -> None:
    with load_program(asm(SKB.format(kind="sched_cls", offset=0))) as loaded:
        assert loaded.run(RunInput(FRAME, {"napi_id": 1})).errno == errno.EINVAL
        with pytest.raises(OracleError, match="__sk_buff has no field marc"):
            loaded.run(RunInput(FRAME, {"marc": 1}))
        with pytest.raises(OracleError, match="takes no metadata"):
            loaded.run(RunInput(FRAME, data_meta=b"meta"))


@pytest.mark.parametrize("kind", ["kprobe", "tracepoint"])
def test_tracing_programs_cannot_be_run(kind: str) -> None:
    program = replace(asm("r0 = 0\nexit"), type=ProgramType(kind))
    with load_program(program) as loaded:
        assert loaded.run().errno == ENOTSUPP


COUNT = asm("""
    .map n type=array key=4 value=8 entries=1
    r1 = map[n][0] + 0
    r2 = 1
    lock *(u64 *)(r1 + 0) += r2
    r0 = *(u32 *)(r1 + 0)
    exit
""")


def test_repetitions_and_maps_live_on_from_run_to_run() -> None:
    start = {"n": {bytes(4): (10).to_bytes(8, "little")}}
    inputs = [RunInput(repeat=5), RunInput(), RunInput(maps=start), RunInput()]
    results = oracle("kernel").run(COUNT, inputs)
    assert [result.retval for result in results] == [5, 6, 11, 12]
    assert [result.maps["n"][bytes(4)][0] for result in results] == [5, 6, 11, 12]
    assert results[0].nanoseconds < 1_000_000


def test_entries_for_a_map_that_is_not_there() -> None:
    with pytest.raises(OracleError, match=r"no map 'm' \(there are: n\)"):
        oracle("kernel").run(COUNT, [RunInput(maps={"m": {}}), RunInput(maps={"m": {b"": b""}})])
