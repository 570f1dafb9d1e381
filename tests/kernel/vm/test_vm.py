"""A booted kernel: verdicts, logs, runs and maps, over the one machine for all of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel import KernelMap, LoadFlag, RunInput
from bpfsmt.kernel.vm import VmOracle, frames, vm_oracle
from bpfsmt.kernel.vm.frames import Operation
from bpfsmt.program import load_asm

from .common import needs_vm

pytestmark = needs_vm("6.12")

PASS = load_asm("r0 = 2\nexit", "pass")

COUNTS = load_asm(
    """
.type xdp
.map counts type=percpu_array key=4 value=4 entries=2
.map seen type=hash key=4 value=8 entries=16
.map order type=queue key=0 value=4 entries=4
.map ring type=ringbuf key=0 value=0 entries=4096
    r6 = *(u32 *)(r1 + 4)
    r2 = *(u32 *)(r1 + 0)
    r6 -= r2                        ; the packet's length
    *(u32 *)(r10 - 4) = 1
    r2 = r10
    r2 += -4
    r1 = map[counts]
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r1 = *(u32 *)(r0 + 0)
    r1 += 1
    *(u32 *)(r0 + 0) = r1
    *(u32 *)(r10 - 4) = r6
    *(u64 *)(r10 - 16) = r6
    r1 = map[seen]
    r2 = r10
    r2 += -4
    r3 = r10
    r3 += -16
    r4 = 0
    call bpf_map_update_elem
    r1 = map[order]
    r2 = r10
    r2 += -4
    r3 = 0
    call bpf_map_push_elem
    r1 = map[ring]
    r2 = r10
    r2 += -16
    r3 = 8
    r4 = 0
    call bpf_ringbuf_output
out:
    r0 = r6
    exit
""",
    "counts",
)

WRITES = load_asm(
    """
    r2 = *(u32 *)(r1 + 0)
    r3 = *(u32 *)(r1 + 4)
    r4 = r2
    r4 += 14
    r0 = 1
    if r4 > r3 goto out
    *(u16 *)(r2 + 12) = 0x1234
    r0 = 3
out:
    exit
""",
    "writes",
)


@pytest.fixture(scope="module")
def kernel() -> Iterator[VmOracle]:
    with vm_oracle("6.12", keep=False) as found:
        yield found


def test_accepted(kernel: VmOracle) -> None:
    result = kernel.load(PASS)
    assert (result.accepted, result.errno, result.complete) == (True, 0, True)
    assert result.release == kernel.release
    assert result.release.startswith("6.12")
    assert "0: (b7) r0 = 2 " in result.log
    assert result.stats is not None
    assert (result.stats.insns_processed, result.stats.stack_depth) == (2, (0,))


def test_rejected(kernel: VmOracle) -> None:
    text = "r2 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r2 + 0)\nexit"
    result = kernel.load(load_asm(text, "unchecked"))
    assert (result.accepted, result.errno) == (False, errno.EACCES)
    assert "invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)" in result.log


def test_flags_reach_the_kernel(kernel: VmOracle) -> None:
    text = "r1 = 1\n*(u64 *)(r10 - 16) = r1\n*(u32 *)(r10 - 14) = r1\nr0 = 2\nexit"
    program = load_asm(text, "unaligned")
    assert kernel.load(program, flags=LoadFlag.STRICT_ALIGNMENT).errno == errno.EACCES
    assert "misaligned" in kernel.load(program, flags=LoadFlag.STRICT_ALIGNMENT).log


def test_a_packet_comes_back_changed(kernel: VmOracle) -> None:
    packet = bytes(range(64))
    found = kernel.run(WRITES, [RunInput(packet), RunInput(packet[:14]), RunInput(bytes(13))])
    assert [(run.errno, run.retval) for run in found] == [(0, 3), (0, 3), (errno.EINVAL, 0)]
    assert found[0].packet == packet[:12] + b"\x34\x12" + packet[14:]
    assert len(found[1].packet) == 14


def test_maps_before_and_after(kernel: VmOracle) -> None:
    one = (1).to_bytes(4, "little")
    before = {"counts": {one: (41).to_bytes(4, "little")}}
    runs = kernel.run(COUNTS, [RunInput(bytes(20), maps=before), RunInput(bytes(30))])
    assert [run.retval for run in runs] == [20, 30]
    lengths = [number.to_bytes(4, "little") for number in (20, 30)]
    assert runs[0].maps["counts"][one] == (42).to_bytes(4, "little")
    after = runs[1].maps
    assert after["counts"] == {bytes(4): bytes(4), one: (43).to_bytes(4, "little")}
    assert after["seen"] == {each: each + bytes(4) for each in lengths}
    assert list(after["order"].values()) == lengths
    assert list(after["ring"].values()) == [each + bytes(4) for each in lengths]


def test_a_rejected_program_is_not_run(kernel: VmOracle) -> None:
    with pytest.raises(OracleError, match=r"bad: the kernel does not accept it: .*EACCES"):
        kernel.run(load_asm("exit", "bad"), [RunInput()])


def test_a_map_that_cannot_be_made(kernel: VmOracle) -> None:
    program = load_asm(
        ".map m type=hash key=4 value=8 entries=4294967295\nr1 = map[m]\nr0 = 2\nexit", "huge"
    )
    with pytest.raises(OracleError, match=r"map m \(hash\): creating: "):
        kernel.load(program)
    assert kernel.load(PASS).accepted


def test_what_the_kernel_says_on_its_console(kernel: VmOracle) -> None:
    text = """
.type kprobe
    r1 = 0
    *(u64 *)(r10 - 8) = r1
    r2 = r10
    r2 += -8
    r3 = 8
    call 36                         ; bpf_probe_write_user
    r0 = 0
    exit
"""
    result = kernel.load(load_asm(text, "pokes"))
    assert result.accepted
    assert "may corrupt user memory" in result.warnings[0]
    assert kernel.load(PASS).warnings == ()


def test_a_long_log_comes_whole(kernel: VmOracle) -> None:
    lines = ["r0 = 0", "r6 = 2000", "r0 += 1", "r6 += -1", "if r6 != 0 goto -3", "exit"]
    result = kernel.load(load_asm("\n".join(lines), "loop"))
    assert result.accepted
    assert result.complete
    assert len(result.log) > 1 << 20, "more than the first buffer"
    assert result.stats is not None
    assert result.stats.insns_processed == 3 * 2000 + 3


def test_nothing_stays_open_in_the_guest(kernel: VmOracle) -> None:
    """The next descriptor is as low as ever, after loads, rejections and runs."""
    first = _descriptor(kernel)
    kernel.load(COUNTS)
    kernel.load(load_asm("exit", "bad"))
    kernel.run(COUNTS, [RunInput(bytes(20))])
    assert _descriptor(kernel) == first


def _descriptor(kernel: VmOracle) -> int:
    with kernel._asked(PASS), KernelMap(replace(COUNTS.maps[0], name="probe")) as probe:
        return probe.fd


def test_a_forked_process_boots_its_own(kernel: VmOracle) -> None:
    kernel.load(PASS)
    machine = kernel._machine
    assert machine is not None
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if not machine.alive and kernel._machine is machine else 2
            kernel.close()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert kernel.load(PASS).accepted
    assert kernel._machine is machine, "still the same"


def test_a_damaged_request_ends_the_machine(kernel: VmOracle) -> None:
    """The last test here, so that no other has to boot again."""

    def damaged(number: int, operation: Operation, args: tuple[int, ...]) -> bytes:
        frame = bytearray(right(number, operation, args))
        frame[20] ^= 1
        return bytes(frame)

    right = frames.request
    kernel.load(PASS)
    frames.request = damaged
    try:
        with pytest.raises(OracleError, match=r"pass: .* ended during .*a request came damaged"):
            kernel.load(PASS)
    finally:
        frames.request = right
    assert kernel._machine is not None
    assert not kernel._machine.alive
