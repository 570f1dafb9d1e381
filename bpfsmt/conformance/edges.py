"""Every instruction of RFC 9669 on its own, with operands at the edges.

A program reads its operands from the packet, so that no verifier knows them, runs the one
instruction, and writes what it left into the packet.  Programs with an immediate are one for
each immediate; those that the kernel refuses (shifts as wide as the register, division by a
zero immediate) are told as rejected.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain, islice

from bpfsmt.conformance.case import Case
from bpfsmt.conformance.instructions import Operands, Trial, trials
from bpfsmt.conformance.packet_loads import packet_loads
from bpfsmt.isa.disasm import disassemble
from bpfsmt.isa.instruction import Instruction
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program import Program, ProgramType, load_asm

_BEFORE = """
    r6 = r1
    r0 = 0
    r2 = *(u32 *)(r1 + 0)
    r3 = *(u32 *)(r1 + 4)
    r4 = r2
    r4 += 64
    if r4 <= r3 goto +1
    exit
    r9 = r2
    r7 = *(u64 *)(r9 + 0)
    r8 = *(u64 *)(r9 + 8)
    r0 = *(u64 *)(r9 + 16)
    *(u64 *)(r10 - 8) = r7
"""
"""R7, R8 and R0 are the operands; the stack has R7, too."""

_AFTER = """
    *(u64 *)(r9 + 24) = r7
    *(u64 *)(r9 + 32) = r8
    *(u64 *)(r9 + 40) = r0
    r1 = *(u64 *)(r10 - 8)
    *(u64 *)(r9 + 48) = r1
    r0 = r7
    exit
"""

_FUNCTION = """
    r0 = r1
    r0 *= 3
    r0 += r2
    r6 = 0
    r7 = 0
    *(u64 *)(r10 - 8) = r7
    exit
"""
"""What a local call calls: R6 to R9 and the stack of the caller stay as they are."""


def edge_cases(
    part: int = 0, parts: int = 1, *, most: int | None = None, seed: int = 0
) -> Iterator[Case]:
    """A case for each instruction and immediate, or every ``parts``-th from ``part`` on.

    ``most`` bounds the inputs of each case, which are then drawn by the seed.
    """
    own = (_case(trial, most, seed) for trial in islice(trials(), part, None, parts))
    return chain(own, islice(packet_loads(), part, None, parts))


def _case(trial: Trial, most: int | None, seed: int) -> Case:
    name, operands = _name(trial), list(trial.operands)
    if most is not None and len(operands) > most:
        operands = random.Random(f"edges {seed} {name}").sample(operands, most)
    inputs = tuple(RunInput(_packet(each)) for each in operands)
    return Case("edges", name, _program(trial), inputs)


def _name(trial: Trial) -> str:
    return "; ".join(disassemble(insn) for insn in trial.slots if insn is not None)


def _packet(operands: Operands) -> bytes:
    return b"".join(each.to_bytes(8, "little") for each in operands).ljust(64, b"\xa5")


def _program(trial: Trial) -> Program:
    after, function = load_asm(_AFTER, "after").slots, load_asm(_FUNCTION, "function").slots
    before = load_asm(_BEFORE, "before").slots
    main: tuple[Instruction | None, ...] = (*before, *trial.slots, *after)
    return Program(
        "edge", ProgramType.XDP, (*main, *function) if trial.calls else main,
        functions={0: "main", len(main): "function"} if trial.calls else {0: "main"},
    )  # fmt: skip
