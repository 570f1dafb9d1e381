"""Asking the verifier a question that it answers wrongly: a jump that shows its false belief."""

from __future__ import annotations

from bpfsmt.domain.scalar import Scalar
from bpfsmt.poc.operations import Operation, Outcome
from bpfsmt.prover.replay import stands_for

S32 = 1 << 31


def question(operation: Operation, outcome: Outcome) -> tuple[str, ...] | None:
    """Lines that go to ``wrong`` in this run, although the verifier knows better.

    None if the verifier is right about this run.
    """
    if outcome.decided is not None:
        jump = operation.lines[-1]
        if outcome.decided == 0 and outcome.holds:
            return (f"{jump} wrong",)
        if outcome.decided == 1 and not outcome.holds:
            return (f"{jump} out", "goto wrong")
        return None
    if not outcome.given:
        return None
    for reg, known, number in outcome.registers:
        if not stands_for(known, number):
            return (*operation.lines, *_ask(reg, known, number))
    return None


def _ask(reg: str, known: Scalar, number: int) -> tuple[str, ...]:
    """A compare of the register with a bound that it breaks."""
    low = number & 0xFFFF_FFFF
    signed = number - (1 << 64) if number >> 63 else number
    signed32 = low - (1 << 32) if low >> 31 else low
    sub = "w" + reg[1:]
    for broken, left, order, bound in (
        (number > known.umax, reg, ">", known.umax),
        (number < known.umin, reg, "<", known.umin),
        (signed > known.smax, reg, "s>", known.smax),
        (signed < known.smin, reg, "s<", known.smin),
        (low > known.u32max, sub, ">", known.u32max),
        (low < known.u32min, sub, "<", known.u32min),
        (signed32 > known.s32max, sub, "s>", known.s32max),
        (signed32 < known.s32min, sub, "s<", known.s32min),
    ):
        if broken:
            return _compare(left, order, bound, "goto wrong")
    differ = (number ^ known.var_off.value) & ~known.var_off.mask
    bit = differ & -differ
    if number & bit:
        return _compare(reg, "&", bit, "goto wrong")
    return (*_compare(reg, "&", bit, "goto out"), "goto wrong")


def _compare(left: str, order: str, bound: int, then: str) -> tuple[str, ...]:
    """The jump, with the bound in a register where it is no immediate."""
    value = bound if left[0] == "r" else _signed32(bound)
    value = value - (1 << 64) if value >= 1 << 63 else value
    if -S32 <= value < S32:
        return (f"if {left} {order} {value} {then}",)
    return (f"r8 = {value} ll", f"if {left} {order} r8 {then}")


def _signed32(x: int) -> int:
    return x - (1 << 32) if x >= S32 else x
