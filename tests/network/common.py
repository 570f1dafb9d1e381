"""Programs to load into nodes, and how frames are looked at."""

from __future__ import annotations

from pathlib import Path

from bpfsmt.network.journey import Journey
from bpfsmt.program import Program, ProgramType, load, load_asm

PROGRAMS = Path(__file__).parents[2] / "bench_programs"


def compiled(name: str) -> Program:
    """One of bench_programs, "xdp/xdp_drop"."""
    (program,) = load(PROGRAMS / f"{name}.o").programs
    return program


def asm(text: str, type_: ProgramType = ProgramType.XDP, name: str = "asm") -> Program:
    """A program from text."""
    return load_asm(text, name, type=type_)


def u32(number: int) -> bytes:
    """As a map has it."""
    return number.to_bytes(4, "little")


def ends(journey: Journey) -> list[tuple[str, str]]:
    """Where a frame ended, without the frame."""
    return [(end.kind, end.where) for end in journey.ends]
