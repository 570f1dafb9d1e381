"""Programs from files, on frames of every kind, with maps that they find something in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from bpfsmt.conformance.case import Case
from bpfsmt.conformance.chance import ANSWERS, has_chance, without_chance
from bpfsmt.conformance.learn import Curious, with_entries
from bpfsmt.conformance.ours import SKB
from bpfsmt.conformance.values import frames
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.kernel.testrun import NOT_RUN
from bpfsmt.program import Program, ProgramType, load_asm

FRAMES = 240
"""Inputs of one program (of one constant in place of chance)."""

_METADATA = (b"", b"", b"", bytes(4), bytes(range(8)), bytes(16))
_MARKS = (0, 1, 77, 0xFFFFFFFF)

_CALLED = load_asm("r0 = *(u32 *)(r1 + 4)\nr0 = 1\nexit", "called")
"""What a tail call leads to."""

_SLOTS = 2
"""So many programs are put into a prog_array."""


def file_cases(program: Program, name: str, seed: int, count: int = FRAMES) -> Iterator[Case]:
    """One case, or where there is chance one for each of `ANSWERS` in place of it.

    A program of a type without test runs gets one input, for the kernel to refuse.
    """
    if program.type in NOT_RUN:
        yield Case("files", name, program, (RunInput(),))
        return
    if not has_chance(program):
        yield _case(program, name, seed, count)
        return
    for answer in ANSWERS:
        constant = without_chance(program, answer)
        yield _case(constant, f"{name} (chance: {answer})", seed, count)


def _case(program: Program, name: str, seed: int, count: int) -> Case:
    rng = random.Random(f"file {seed} {name}")
    inputs = [_input(program, frame, rng) for frame in islice(frames(rng), count)]
    arrays = [m for m in program.maps if m.type == "prog_array"]
    if arrays:  # half of the inputs find nothing there
        called = replace(_CALLED, type=program.type)
        filled = {m.name: dict.fromkeys(range(min(_SLOTS, m.max_entries)), called) for m in arrays}
        inputs[count // 2] = replace(inputs[count // 2], programs=filled)
    return Case("files", name, program, tuple(with_entries(program, inputs, rng, Curious())))


def _input(program: Program, frame: bytes, rng: random.Random) -> RunInput:
    if program.type in SKB:
        return RunInput(frame, {"mark": rng.choice(_MARKS), "priority": rng.choice(_MARKS)})
    if program.type is ProgramType.XDP:
        return RunInput(frame, data_meta=rng.choice(_METADATA))
    return RunInput(frame)
