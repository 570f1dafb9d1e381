"""A program that shows a wrong rule: its text, and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bpfsmt.domain.analysis import Analysis
from bpfsmt.program import Program

PROLOGUE = ("call bpf_ktime_get_ns", "r6 = r0", "call bpf_ktime_get_ns", "r7 = r0")
"""Two numbers of which nothing is known."""


@dataclass(frozen=True)
class Poc:
    """A program, the two numbers with which it shows the fault, and what it shows.

    ``violation`` says which claim of the verifier the run contradicts; ``length`` counts
    the instructions after the prologue and before the exit.  It returns 1 in this run, which
    the verifier believes it never does.
    """

    operation: str
    text: str
    program: Program
    numbers: tuple[int, int]
    violation: str
    length: int
    analysis: Analysis = field(repr=False)
    seconds: float = 0.0


def program_text(title: str, lines: Sequence[str], numbers: Sequence[int]) -> str:
    """The program as assembly text that says with which numbers it shows the fault."""
    x, y = (hex(n) for n in numbers)
    body = "\n".join(f"    {line}" for line in (*PROLOGUE, *lines))
    return (
        f"; Returns 1 with r6 = {x} and r7 = {y}, which the verifier believes it never does.\n"
        f'.title "{title}"\n.type xdp\n{body}\nout:\n    r0 = 0\n    exit\n'
        "wrong:\n    r0 = 1\n    exit\n"
    )
