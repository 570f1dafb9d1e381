"""Programs of `bpfsmt.generate`, fed with numbers that a test run cannot put into a context.

A test run of an XDP program has the same context every time.  So the context's numbers are
read from a map instead, which each input fills: the program is the same, behind a prologue.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bpfsmt.conformance.case import Case
from bpfsmt.conformance.learn import Curious, with_entries
from bpfsmt.conformance.values import frames, words
from bpfsmt.errors import BpfsmtError
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, LdImm64Src, Mode, Size
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program.program import MapDef, Program

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

NUMBERS = MapDef("numbers", "array", 4, 8, 1)
"""What stands in for ``ingress_ifindex`` and ``rx_queue_index``: 32 bits each."""

_FIELDS = {12: -504, 16: -496}
"""Where a context's field goes on the stack, below everything that programs here use."""

CHUNK = 50
"""Programs are drawn in chunks of so many, each with a seed of its own."""


def fed(program: Program) -> Program:
    """The program with `NUMBERS` in place of what the context has."""
    index = len(program.maps)
    word = Class.LDX | Mode.MEM | Size.W
    prologue: list[Instruction | None] = [
        Instruction(0x18, 2, LdImm64Src.MAP_VALUE, imm=index), None,
    ]  # fmt: skip
    for n, place in enumerate(_FIELDS.values()):
        prologue += [
            Instruction(word, 3, 2, 4 * n),
            Instruction(Class.STX | Mode.MEM | Size.DW, 10, 3, place),
        ]
    body = (
        replace(insn, src=10, offset=_FIELDS[insn.offset])
        if insn is not None and insn.opcode == word and insn.src == 1 and insn.offset in _FIELDS
        else insn
        for insn in program.slots
    )
    return replace(program, slots=(*prologue, *body), maps=(*program.maps, NUMBERS), source={})


def generated_cases(chunk: int, inputs: int, seed: int) -> Iterator[Case]:
    """The `CHUNK` programs of a chunk, each with so many inputs; the same for the same seed.

    Even chunks work on numbers alone, odd ones with packet, stack and map.  Raises
    `BpfsmtError` if hypothesis is not installed.
    """
    try:
        from bpfsmt.generate import programs, scalar_programs
    except ModuleNotFoundError:
        raise BpfsmtError("generated programs need hypothesis: install bpfsmt[generate]") from None
    kind = programs() if chunk % 2 else scalar_programs()
    for n, program in enumerate(draw(kind, seed * 1_000_003 + chunk)):
        yield fed_case(program, f"generated {seed}.{chunk}.{n}", inputs)


def fed_case(program: Program, name: str, inputs: int) -> Case:
    """A generated program, fed, with so many inputs; the same for the same name."""
    rng = random.Random(name)
    source = frames(rng)
    wanted = [
        RunInput(next(source), maps={"numbers": {bytes(4): words(rng, 1)}}) for _ in range(inputs)
    ]
    whole = fed(program)
    chosen = with_entries(whole, wanted, rng, Curious())
    return Case("generated", name, whole, tuple(chosen), (len(whole) - len(program), 1))


def draw(strategy: SearchStrategy[Program], number: int) -> Sequence[Program]:
    """The programs of one chunk: `CHUNK` of them, the same for the same number."""
    from bpfsmt.generate.sample import drawn

    return drawn(strategy, number, CHUNK)
