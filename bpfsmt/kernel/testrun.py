"""BPF_PROG_TEST_RUN: a loaded program on one packet, attached to nothing.

What the kernel makes of the input (Linux 6.18, ``net/bpf/test_run.c``):

- The packet has at least 14 bytes, an Ethernet header; else EINVAL.
- An XDP program gets metadata by a context whose ``data`` is its length, a multiple of 4.
  Without ``ingress_ifindex`` the packet comes from the loopback interface (number 1).  What
  does not fit into one page becomes fragments, of which the program sees the first.
- Classifiers see the whole frame; socket filters and cgroup programs see it from behind the
  Ethernet header, whose EtherType becomes ``protocol``, and which comes out as zeros.
- Programs of other types cannot be test-run on a packet: ENOTSUPP.

Live frames (batches that the network stack takes on) are left out on purpose: they would
leave this process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

from bpfsmt.errors import OracleError
from bpfsmt.kernel.attrs import Command, ProgRun
from bpfsmt.kernel.oracle import RunInput, RunResult
from bpfsmt.kernel.syscall import ENOTSUPP, address, bpf, buffer_of, new_buffer
from bpfsmt.program.program import ProgramType
from bpfsmt.semantics.context import LAYOUTS, ContextLayout

NOT_RUN = frozenset(
    {
        ProgramType.KPROBE, ProgramType.TRACEPOINT, ProgramType.RAW_TRACEPOINT,
        ProgramType.PERF_EVENT, ProgramType.CGROUP_SOCK, ProgramType.CGROUP_SOCK_ADDR,
    }
)  # fmt: skip
"""The types without test runs on a packet."""

_GROWTH = 1 << 17  # more than a packet can grow by


def run_once(fd: int, kind: ProgramType, inputs: RunInput) -> RunResult:
    """Run the program of that descriptor; maps are left to the caller.

    Raises `OracleError` if ``inputs.ctx`` names a field that the context does not have.
    """
    if kind in NOT_RUN:
        return RunResult(errno=ENOTSUPP)
    data = inputs.data_meta + inputs.packet
    ctx = _context(kind, inputs)
    ctx_in = None if ctx is None else buffer_of(ctx)
    data_in, data_out = buffer_of(data), new_buffer(len(data) + _GROWTH)
    ctx_out = new_buffer(LAYOUTS[kind].size)
    attr = ProgRun(
        prog_fd=fd, data_in=address(data_in), data_size_in=len(data), data_out=address(data_out),
        data_size_out=len(data_out), ctx_in=address(ctx_in), ctx_size_in=len(ctx or b""),
        ctx_out=address(ctx_out), ctx_size_out=len(ctx_out), repeat=inputs.repeat,
    )  # fmt: skip
    result = bpf(Command.PROG_TEST_RUN, attr)
    if result < 0:
        return RunResult(errno=-result)
    out = ctypes.string_at(data_out, attr.data_size_out)
    after = ctypes.string_at(ctx_out, attr.ctx_size_out)
    meta = int.from_bytes(after[:4], "little") if kind is ProgramType.XDP else 0
    return RunResult(
        retval=attr.retval, packet=out[meta:], data_meta=out[:meta], ctx=after,
        nanoseconds=attr.duration,
    )  # fmt: skip


def _context(kind: ProgramType, inputs: RunInput) -> bytes | None:
    """The context that the kernel is given; `None` to have it make its own."""
    layout = LAYOUTS[kind]
    if kind is ProgramType.XDP:
        length = len(inputs.data_meta) + len(inputs.packet)
        pointers = {"data": len(inputs.data_meta), "data_end": length}
        return _fill(layout, {**inputs.ctx, **pointers})
    if inputs.data_meta:
        raise OracleError(f"a test run of type {kind.value} takes no metadata")
    return _fill(layout, inputs.ctx) if inputs.ctx else None


def _fill(layout: ContextLayout, values: Mapping[str, int]) -> bytes:
    fields = {f.name: f for f in layout.fields}
    data = bytearray(layout.size)
    for name, value in values.items():
        if name not in fields:
            raise OracleError(f"{layout.struct} has no field {name}")
        f = fields[name]
        number = value & ((1 << 8 * f.size) - 1)
        data[f.offset : f.offset + f.size] = number.to_bytes(f.size, "little")
    return bytes(data)
