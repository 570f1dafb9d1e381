"""The packet's socket on the machine: what is claimed of it, and what must not be done."""

from __future__ import annotations

import pytest

from bpfsmt.crosscheck.concrete import Violation, check_trace
from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Inputs, run
from bpfsmt.machine.socket import NO_QUEUE
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from .programs import asm
from .test_engines import both

READ = """
    .type sched_cls
    r0 = *(u64 *)(r1 + 168)
    if r0 == 0 goto out
    r1 = r0
    call bpf_sk_fullsock
    if r0 == 0 goto out
    r1 = r0
    r0 = *(u{bits} *)(r1 + {at})
    r0 >>= 32
    if r0 == 0 goto out
    r0 = 1
out:
    exit
"""
CLOSED = {"state": 7, "rx_queue_mapping": NO_QUEUE}


def violations(text: str, socket: dict[str, int] | None) -> list[Violation]:
    program = asm(text)
    analysis = verify(program, rule_set("linux-6.18"))
    assert analysis.verdict.accepted, analysis.verdict
    trace = run(program, Inputs(bytes(64), socket=socket), trace=True).trace
    assert trace is not None
    return check_trace(analysis, trace)


@pytest.mark.parametrize("socket", [None, CLOSED, {"state": 6}, {**CLOSED, "rx_queue_mapping": 3}])
def test_claims_of_a_socket_hold(socket: dict[str, int] | None) -> None:
    assert violations(READ.format(bits=32, at=72), socket) == []
    queued = socket is None or socket.get("rx_queue_mapping") != NO_QUEUE
    assert (violations(READ.format(bits=32, at=76), socket) == []) is queued


def test_linux_claims_too_little_of_no_queue() -> None:
    """Linux 6.18 knows 32 bits of what its own code makes -1 in 64."""
    found = violations(READ.format(bits=32, at=76), CLOSED)
    assert found, "Linux claims that nothing is left after the shift"
    assert run(asm(READ.format(bits=32, at=76)), Inputs(bytes(64), socket=CLOSED)).r0 == 1


def test_a_socket_is_no_memory_of_the_program() -> None:
    start = READ.format(bits=32, at=0).partition("r1 = r0\n    r0 =")[0]
    inputs = Inputs(bytes(64), socket=CLOSED)
    for line, why in (("*(u32 *)(r0 + 16) = 1", "it is read-only"),
                      ("r0 = *(u32 *)(r0 + 80)", "bpf_sock has no such field")):  # fmt: skip
        (result,) = both(asm(f"{start}{line}\nout: exit"), [inputs])
        assert result.fault is not None and result.fault.why == why
    wrong = asm(".type sched_cls\nr1 = r10\ncall bpf_sk_fullsock\nexit")
    assert "is no socket" in both(wrong, [inputs])[0].problem


def test_a_field_that_is_none() -> None:
    with pytest.raises(BpfsmtError, match="a socket has no field colour"):
        run(asm(".type sched_cls\nr0 = 0\nexit"), Inputs(bytes(64), socket={"colour": 1}))
    with pytest.raises(BpfsmtError, match="a packet of xdp has no socket"):
        run(asm("r0 = 0\nexit"), Inputs(bytes(64), socket={}))
