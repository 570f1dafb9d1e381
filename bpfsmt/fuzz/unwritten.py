"""Programs that read stack bytes which they never wrote: what these hold is chance.

Linux lets a privileged program do so.  Decided from all that the verifier knew at each visit,
as `bpfsmt.fuzz.addresses` is.
"""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.domain.analysis import Analysis, Visit
from bpfsmt.domain.reg import Reg, RegType
from bpfsmt.domain.state import EMPTY_SLOT, INVALID, SLOT_SIZE, STACK_SIZE, State
from bpfsmt.isa.opcodes import Class, Mode
from bpfsmt.program.program import MapDef, Program
from bpfsmt.semantics.helpers import HELPERS, Arg


def reads_unwritten(analysis: Analysis) -> bool:
    """Whether some instruction or helper may read such bytes."""
    program = analysis.program
    return any(
        _unwritten(visit.state, pointer, off, size)
        for visit in analysis.visits
        for pointer, off, size in _read(program, visit)
        if pointer.type is RegType.PTR_TO_STACK
    )


def _read(program: Program, visit: Visit) -> Iterator[tuple[Reg, int, int]]:
    """The memory that an instruction reads: pointer, offset from it, size in bytes at most."""
    insn, regs = program[visit.pc], visit.state.regs
    if insn.cls is Class.LDX:
        yield regs[insn.src], insn.offset, insn.size.bytes
    elif insn.cls is Class.STX and insn.mode is Mode.ATOMIC:
        yield regs[insn.dst], insn.offset, insn.size.bytes
    elif insn.helper in HELPERS:
        yield from _handed_over(program.maps, regs, HELPERS[insn.imm].args)


def _handed_over(
    maps: tuple[MapDef, ...], regs: tuple[Reg, ...], args: tuple[Arg, ...]
) -> Iterator[tuple[Reg, int, int]]:
    for n, arg in enumerate(args, start=1):
        if arg in (Arg.MAP_KEY, Arg.MAP_VALUE):
            of = maps[next(regs[m + 1].map for m, a in enumerate(args) if a is Arg.MAP)]
            yield regs[n], 0, of.key_size if arg is Arg.MAP_KEY else of.value_size
        elif arg in (Arg.MEM, Arg.MEM_OR_NULL):
            yield regs[n], 0, min(regs[n + 1].scalar.umax, STACK_SIZE)


def _unwritten(state: State, pointer: Reg, off: int, size: int) -> bool:
    """Whether one of the bytes that may be meant was never written."""
    stack, at = state.frames[pointer.frame].stack, pointer.off + off
    low = max(at + pointer.scalar.smin, -STACK_SIZE)
    high = min(at + pointer.scalar.smax + size, 0)
    return any(
        stack.get(-(byte + 1) // SLOT_SIZE, EMPTY_SLOT).kinds[-(byte + 1) % SLOT_SIZE] == INVALID
        for byte in range(low, high)
    )
