"""Which registers are read later, whatever path is taken (Linux 6.15 ``compute_live_registers``).

Registers that nothing reads any more are forgotten in explored states, so that more paths
end in these.  Linux 6.12 finds them out while it walks (`bpfsmt.verifier.linux.reads`).
"""

from __future__ import annotations

from collections.abc import Sequence

from bpfsmt.cfg import reads, writes
from bpfsmt.errors import UnsupportedError
from bpfsmt.isa import CallSrc, Instruction, JmpOp
from bpfsmt.program.program import Program, ProgramType
from bpfsmt.semantics.prototypes import prototype
from bpfsmt.verifier.linux.flow import jump_target

_ARGUMENTS = 0b111110
_FP = 1 << 10


Ways = list[tuple[int, ...]]
"""For each slot of the program, where its instruction leads inside its function."""


def ways_on(program: Program, *, bit_tests: bool = True) -> Ways:
    """Where each instruction leads; without ``bit_tests`` a branch on ``&`` never jumps."""
    return [() if insn is None else _successors(pc, insn, bit_tests)
            for pc, insn in enumerate(program.slots)]  # fmt: skip


def register_effects(program: Program) -> list[tuple[int, int]]:
    """The registers that each slot's instruction reads and writes, as masks, without R10."""
    return [(0, 0) if insn is None else _effect(program, pc, insn)
            for pc, insn in enumerate(program.slots)]  # fmt: skip


def live_before(effects: Sequence[tuple[int, int]], ways: Ways) -> list[int]:
    """What is used later, given what each instruction uses and what it sets, as masks."""
    count = len(effects)
    live = [0] * (count + 1)
    changed = True
    while changed:
        changed = False
        for pc in range(count - 1, -1, -1):
            after = 0
            for way in ways[pc]:
                after |= live[way] if way <= count else 0
            used, set_ = effects[pc]
            before = after & ~set_ | used
            if before != live[pc]:
                live[pc] = before
                changed = True
    return live


def _successors(pc: int, insn: Instruction, bit_tests: bool) -> tuple[int, ...]:
    target = jump_target(pc, insn)
    if target is not None and (bit_tests or insn.jmp_op is not JmpOp.JSET):
        return (target,) if insn.jmp_op is JmpOp.JA else (pc + 1, target)
    return () if insn.is_jmp and insn.jmp_op is JmpOp.EXIT else (pc + insn.slots,)


def _effect(program: Program, pc: int, insn: Instruction) -> tuple[int, int]:
    """The registers that are read, and those that are written."""
    try:
        used, set_ = reads(insn), writes(insn)
    except (UnsupportedError, ValueError):
        return _ARGUMENTS, 0
    if insn.is_jmp and insn.jmp_op is JmpOp.CALL:
        used = (1 << 1 + _arguments(program, pc, insn)) - 1 & _ARGUMENTS
    return used & ~_FP, set_


def _arguments(program: Program, pc: int, insn: Instruction) -> int:
    if insn.src == CallSrc.LOCAL:
        signature = program.signatures.get(pc + 1 + insn.imm)
        return len(signature.params) if signature is not None and signature.is_global else 5
    found = prototype(ProgramType(program.type), insn.imm) if insn.src == CallSrc.HELPER else None
    return len(found.args) if found is not None else 5
