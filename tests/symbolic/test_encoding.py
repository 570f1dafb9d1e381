"""The encoder against the machine: with fixed inputs both compute the same result."""

from __future__ import annotations

import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpfsmt.generate import programs, scalar_programs
from bpfsmt.machine import Inputs, run
from bpfsmt.program.program import Program
from bpfsmt.symbolic.encode import Encoding, encode, place
from bpfsmt.symbolic.step import step

QUIET = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    max_examples=80,
)


def symbolic_result(encoding: Encoding, packet: bytes, ctx: dict[str, int]) -> int | None:
    """R0 at the exit that the inputs reach; lookups in hash maps find nothing."""
    array = z3.Array("packet", z3.BitVecSort(32), z3.BitVecSort(8))
    solver = z3.Solver()
    solver.add(encoding.known, z3.BitVec("packet.len", 64) == len(packet))
    solver.add(z3.BitVec("packet.meta", 64) == 0)
    solver.add(*(z3.Select(array, i) == b for i, b in enumerate(packet)))
    solver.add(*(z3.BitVec(f"ctx.{name}", 64) == value for name, value in ctx.items()))
    solver.add(*(z3.Bool(f"null.{place(p)}") for p in encoding.nodes))
    assert solver.check() == z3.sat
    model = solver.model()
    results = [
        model.eval(node.state.regs[0].bits, model_completion=True).as_long()
        for node in encoding.nodes.values()
        if node.stepped is not None
        and any(a.kind == "exit" for a in node.stepped.arms)
        and z3.is_true(model.eval(node.reach, model_completion=True))
    ]
    assert len(results) <= 1
    return results[0] if results else None


@QUIET
@given(scalar_programs(), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_scalar_programs(program: Program, ifindex: int, queue: int) -> None:
    ctx = {"ingress_ifindex": ifindex, "rx_queue_index": queue}
    result = run(program, Inputs(bytes(14), ctx))
    assert symbolic_result(encode(program), bytes(14), ctx) == result.r0


@QUIET
@given(programs(), st.binary(min_size=14, max_size=80))
def test_programs(program: Program, packet: bytes) -> None:
    ctx = {"ingress_ifindex": 3, "rx_queue_index": 0x80000001}
    result = run(program, Inputs(packet, ctx))
    if result.outcome == "exit":
        assert symbolic_result(encode(program), packet, ctx) == result.r0


def test_a_wrong_encoding_is_noticed() -> None:
    from bpfsmt.program import load_asm

    program = load_asm("r0 = *(u32 *)(r1 +12)\nr0 += 1\nexit\n", "t")
    encoding = encode(program)
    last = encoding.nodes[(), 2]
    wrong = step(program, 1, last.state, "again").arms[0].state
    last.state = wrong  # the increment applied twice
    ctx = {"ingress_ifindex": 7}
    result = run(program, Inputs(bytes(14), ctx))
    assert result.r0 == 8
    assert symbolic_result(encoding, bytes(14), ctx) != result.r0
