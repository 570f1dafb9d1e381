"""Which of the states that it walks a kernel keeps, to compare others with.

The log does not say it, but it follows from counts (``is_state_visited``, the same from
Linux 5.3 to 6.18): a state is kept where paths may meet, if since the last one that was
kept two jumps and eight instructions have been walked.
"""

from __future__ import annotations

from collections.abc import Sequence

from bpfsmt.isa.opcodes import CallSrc, JmpOp
from bpfsmt.program.program import Program

_JUMPS, _INSNS = 2, 8
_LOOP_JUMPS, _LOOP_INSNS = 20, 100


class Checkpoints:
    """Counts along with the walk; ``kept`` has the visits whose states the kernel keeps."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.kept: set[int] = set()
        self.points = _points(program)
        self._insns = self._jumps = self._last_insns = self._last_jumps = 0

    def walked(self, visit: int, pc: int, open_here: Sequence[int]) -> None:
        """Visit ``visit`` at ``pc``; ``open_here`` are those at ``pc`` on the way to it."""
        self._insns += 1
        if pc in self.points:
            jumps, insns = self._jumps - self._last_jumps, self._insns - self._last_insns
            add = jumps >= _JUMPS and insns >= _INSNS
            in_loop = any(n in self.kept for n in open_here)
            if in_loop and jumps < _LOOP_JUMPS and insns < _LOOP_INSNS:
                add = False
            if add:
                self.kept.add(visit)
                self._last_jumps, self._last_insns = self._jumps, self._insns
        self._jumps += self.program[pc].is_jmp

    def pruned(self) -> None:
        """The walk came to a place, but an earlier state stands for it."""
        self._insns += 1


def _points(program: Program) -> frozenset[int]:
    """Where the kernel compares states (``mark_prune_point``)."""
    found: set[int] = set()
    for pc, insn in program.instructions():
        if not insn.is_jmp or insn.jmp_op is JmpOp.EXIT:
            continue
        if insn.jmp_op is JmpOp.CALL:
            found.add(pc + 1)
            if insn.src == CallSrc.LOCAL:
                found |= {pc, pc + 1 + insn.imm}
        elif insn.jmp_op is JmpOp.JA:
            far = insn.imm if insn.opcode & 7 == 6 else insn.offset
            found.add(pc + 1 + far)
        else:
            found |= {pc, pc + 1 + insn.offset}
    return frozenset(found)
