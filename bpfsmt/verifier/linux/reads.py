"""What is read on the paths that are walked (``mark_reg_read``, Linux before 6.15).

Linux 6.12 keeps of a finished state only what some path from it has read before writing it:
what only arms read that are never taken is forgotten, too.  A set of registers and stack
slots of all frames is a mask; what one instruction reads and writes is known beforehand.

A callee's arguments are its caller's registers until they are written.  Where it is not
followed which function a mark is of, more counts as read than is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

from bpfsmt.domain import State
from bpfsmt.domain.analysis import Edge, Visit
from bpfsmt.isa import JmpOp
from bpfsmt.program.program import Program
from bpfsmt.verifier.linux.flow import is_local_call
from bpfsmt.verifier.linux.path import Checkpoint, Path

_REGS = 16
_FRAME_BITS = _REGS + 64
_FRAME = (1 << _FRAME_BITS) - 1
_ARGUMENTS = 0b111110

Effects: TypeAlias = Sequence[tuple[int, int]]
"""For each slot of the program, what its instruction reads and what it writes, of one frame."""

Live: TypeAlias = tuple[int, int]
"""Of one frame, the registers and the stack slots."""


class Reads:
    """Marks on paths and checkpoints; for each path what it read since its last checkpoint."""

    def __init__(self, program: Program, registers: Effects, slots: Effects) -> None:
        self._effects = [
            (used | slots_used << _REGS, set_ | slots_set << _REGS)
            for (used, set_), (slots_used, slots_set) in zip(registers, slots, strict=True)
        ]
        self._calls: set[int] = set()
        self._exits: set[int] = set()
        for pc, insn in program.instructions():
            if insn.is_jmp and insn.jmp_op is JmpOp.EXIT:
                self._exits.add(pc)
            signature = program.signatures.get(pc + 1 + insn.imm) if is_local_call(insn) else None
            if is_local_call(insn) and not (signature is not None and signature.is_global):
                self._calls.add(pc)
                used, set_ = self._effects[pc]
                self._effects[pc] = used & ~_ARGUMENTS, set_  # whatever the callee reads

    def step(self, path: Path) -> None:
        """The instruction that the path is at."""
        pc, depth = path.pc, len(path.state[0]) - 1
        used, set_ = self._effects[pc]
        shift = depth * _FRAME_BITS
        path.read |= used << shift & ~path.written
        if pc in self._calls:
            self._enter(path, depth)
        path.written |= set_ << shift
        if depth and pc in self._exits:
            self._leave(path, depth)

    def _enter(self, path: Path, depth: int) -> None:
        """Into a function: what was written of its arguments counts as written there."""
        shift = depth * _FRAME_BITS
        below = (1 << shift + _FRAME_BITS) - 1
        written = path.written >> shift & _ARGUMENTS
        if path.parent is not None and len(path.parent.state.frames) > depth + 1:
            path.read |= (_ARGUMENTS & ~written) << shift
        path.written = path.written & below | written << shift + _FRAME_BITS

    def _leave(self, path: Path, depth: int) -> None:
        """Back to the caller: marks of this frame say nothing of the next one at its depth."""
        if path.parent is not None and len(path.parent.state.frames) > depth:
            path.written |= _FRAME << depth * _FRAME_BITS
        else:
            path.read = _folded(path.read, depth)
            path.written &= (1 << depth * _FRAME_BITS) - 1

    def end(self, path: Path) -> None:
        """What the path has read, its checkpoints are read for."""
        at, read = path.parent, path.read
        while at is not None:
            new = _folded(read, len(at.state.frames)) & ~at.read
            if not new:
                return
            at.read |= new
            read, at = new & ~at.written, at.parent

    def checkpoint(self, path: Path, new: Checkpoint) -> None:
        """The path goes on from a new checkpoint, ``new``; its own is still the one before."""
        self.end(path)
        new.written = path.written
        path.read = path.written = 0

    def hit(self, path: Path, old: Checkpoint) -> None:
        """The path ends in a state: what was read from there on is read from here."""
        path.read |= old.read & ~path.written

    def visits(self, visits: Sequence[Visit], edges: Sequence[Edge]) -> list[int]:
        """What is read from each visit on."""
        found = [0] * len(visits)
        leaving: dict[int, list[Edge]] = defaultdict(list)
        for edge in edges:
            leaving[edge.src].append(edge)
        changed = True
        while changed:
            changed = False
            for visit in reversed(visits):
                read = self._before(visit, leaving[visit.index], found)
                changed |= read != found[visit.index]
                found[visit.index] = read
        return found

    def _before(self, visit: Visit, edges: Sequence[Edge], found: Sequence[int]) -> int:
        used, set_ = self._effects[visit.pc]
        frames = len(visit.state.frames)
        shift = (frames - 1) * _FRAME_BITS
        read = passed = 0
        for edge in edges:
            after = found[edge.dst]
            read |= after & (1 << frames * _FRAME_BITS) - 1
            passed |= after >> frames * _FRAME_BITS & _ARGUMENTS
        return read & ~(set_ << shift) | (used | passed) << shift


def frames_of(read: int, state: State) -> list[Live]:
    """A set, frame by frame of a state."""
    each = (read >> f * _FRAME_BITS & _FRAME for f in range(len(state.frames)))
    return [(mask & (1 << _REGS) - 1, mask >> _REGS) for mask in each]


def _folded(read: int, frames: int) -> int:
    """The set for a state of so many frames: of the callee's there are only the arguments."""
    for depth in range(read.bit_length() // _FRAME_BITS, frames - 1, -1):
        shift = depth * _FRAME_BITS
        passed = read >> shift & _ARGUMENTS
        read = read & (1 << shift) - 1 | passed << shift - _FRAME_BITS
    return read
