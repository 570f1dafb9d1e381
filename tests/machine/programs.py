"""Short ways to run a text."""

from __future__ import annotations

from bpfsmt.machine import Environment, Inputs, Result, run
from bpfsmt.program import Program, load_asm


def asm(text: str) -> Program:
    return load_asm(text, "test")


def run_asm(
    text: str,
    packet: bytes = bytes(64),
    env: Environment | None = None,
    *,
    meta: bytes = b"",
    ctx: dict[str, int] | None = None,
    trace: bool = False,
) -> Result:
    return run(asm(text), Inputs(packet, ctx or {}, meta), env, trace=trace)


def answer(text: str, packet: bytes = bytes(64), env: Environment | None = None) -> int:
    """R0 of a run that must end by itself."""
    result = run_asm(text, packet, env)
    assert result.outcome == "exit", result
    assert result.r0 is not None
    return result.r0
