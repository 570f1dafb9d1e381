"""What ran beside what the verifier claims: each step, with the registers that are new in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bpfsmt.crosscheck.concrete import TraceCheck, Violation
from bpfsmt.domain.analysis import Analysis
from bpfsmt.domain.printing import format_reg
from bpfsmt.domain.reg import NOT_INIT, Reg, RegType
from bpfsmt.isa.disasm import disassemble
from bpfsmt.machine import Step, Trace
from bpfsmt.program.program import MapDef, Program

_SMALL = 10
"""Numbers below that look the same in decimal and in hexadecimal."""


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """A register as the machine has it, and what the claim says of it ("" for nothing)."""

    name: str
    value: str
    claim: str


@dataclass(frozen=True, slots=True)
class StepView:
    """The machine before one instruction.

    ``registers`` are those whose value or claim is not that of the step before; ``wrong``
    is what of the claims is false here.
    """

    number: int
    pc: int
    depth: int
    instruction: str
    registers: tuple[RegisterLine, ...]
    wrong: tuple[Violation, ...]


def steps(trace: Trace, analysis: Analysis) -> Iterator[StepView]:
    """Every step of a trace of the analysis's program.

    >>> from bpfsmt.machine import Inputs, run
    >>> from bpfsmt.program import load_asm
    >>> from bpfsmt.rules import rule_set
    >>> from bpfsmt.verifier import verify
    >>> program = load_asm("r0 = *(u32 *)(r1 + 12)\\nr0 &= 3\\nexit", "x")
    >>> trace = run(program, Inputs(ctx={"ingress_ifindex": 6}), trace=True).trace
    >>> for step in steps(trace, verify(program, rule_set("xdp-paper"))):
    ...     print(step.pc, step.instruction, *(f"{r.name}={r.value} {r.claim}"
    ...           for r in step.registers if r.name == "R0"))
    0 r0 = *(u32 *)(r1 +12)
    1 r0 &= 3 R0=6 scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))
    2 exit R0=2 scalar(smin=0,smax=umax=3,var_off=(0x0; 0x3))
    """
    check = TraceCheck(analysis)
    before: tuple[int, tuple[RegisterLine, ...]] | None = None
    for index, step in enumerate(trace.steps):
        visit, wrong = check.at(trace, index)
        claims = visit.state.regs if visit is not None else ()
        lines = tuple(_lines(trace, step, analysis.program, claims))
        depth = len(step.frames)
        known = before[1] if before is not None and before[0] == depth else ()
        new = tuple(line for line in lines if _is_news(line, known))
        text = _instruction(analysis.program, step.pc)
        yield StepView(index, step.pc, depth, text, new, tuple(wrong))
        before = depth, lines


def _is_news(line: RegisterLine, known: Sequence[RegisterLine]) -> bool:
    """Another value or another claim; that nothing is claimed any more is no news."""
    forgotten = any(old.name == line.name and old.value == line.value for old in known)
    return line not in known and not (forgotten and not line.claim)


def _instruction(program: Program, pc: int) -> str:
    return disassemble(program[pc], maps=[each.name for each in program.maps])


def _lines(
    trace: Trace, step: Step, program: Program, claims: Sequence[Reg]
) -> Iterator[RegisterLine]:
    for n, value in enumerate(step.regs):
        claim = claims[n] if n < len(claims) else NOT_INIT
        claimed = claim.type is not RegType.NOT_INIT
        if claimed or step.written >> n & 1:
            text = format_reg(claim, program.maps) if claimed else ""
            yield RegisterLine(f"R{n}", _value(trace, step, value, program.maps), text)


def _value(trace: Trace, step: Step, value: int, maps: Sequence[MapDef]) -> str:
    """A number, or where it points.

    The end of the packet is called so, although it is a place in the packet as well.
    """
    if value == step.data_end:
        return "packet end"
    place = trace.locate(step, value)
    if place is None:
        return str(value) if value < _SMALL else f"{value:#x}"
    kind, number, offset = place
    if kind == "stack":
        frame = "" if number == len(step.frames) - 1 else f"[{number}]"
        return f"fp{frame}{offset:+d}" if offset else f"fp{frame}0"
    if kind in ("map", "map_value") and 0 <= number < len(maps):
        return (
            f"map {maps[number].name}" if kind == "map" else f"{maps[number].name} value{offset:+d}"
        )
    return str(place)
