"""The log of a walk, in the words of the kernel's (Linux 6.12, log level 2)."""

from __future__ import annotations

from collections.abc import Sequence

from bpfsmt.cfg import reads, registers, writes
from bpfsmt.domain import RegType, State, format_reg, format_slot, format_state
from bpfsmt.domain.analysis import Visit
from bpfsmt.domain.state import EMPTY_SLOT, SLOT_SIZE
from bpfsmt.isa import Class, Instruction, JmpOp, disassemble
from bpfsmt.program.program import Program
from bpfsmt.verifier.env import Arm
from bpfsmt.verifier.reasons import Rejection

_COMMENT_COLUMN = 40
_COLUMN_STEP = 8


class Log:
    """Lines collected during a walk; a log that is not wanted stays empty."""

    def __init__(self, program: Program, *, wanted: bool) -> None:
        self.lines: list[str] = []
        self._program = program
        self._names = tuple(m.name for m in program.maps)
        self._wanted = wanted
        self._pcs: list[int] = []
        self._last = -1

    def arrived(self, src: int, visit: Visit, *, forgotten: bool = False) -> None:
        """A state is walked: printed where the walk did not just come from its source.

        Or where something was ``forgotten`` on the way, so that the log says all of it.
        """
        if not self._wanted:
            return
        if visit.index == 0 or src != self._last or forgotten:
            came = f"from {self._pcs[src]} to {visit.pc}" if src >= 0 else f"{visit.pc}"
            self.lines.append(f"{came}: {format_state(visit.state, self._program.maps)}")
        self._pcs.append(visit.pc)
        self._last = visit.index
        insn = self._program[visit.pc]
        self.lines.append(f"{visit.pc}: {disassemble(insn, visit.pc, 'kernel', maps=self._names)}")

    def pruned(self, src: int, pc: int) -> None:
        """An earlier state stands for this one."""
        if self._wanted:
            came = f"from {self._pcs[src]} to {pc}" if src != self._last else f"{pc}"
            self.lines.append(f"{came}: safe")
            self._last = -1

    def stepped(self, visit: Visit, arms: Sequence[Arm]) -> None:
        """An instruction was walked: what it read and wrote, as it is afterwards."""
        if not self._wanted:
            return
        after = next((arm.state for arm in arms if arm.state is not None), None)
        if after is not None and len(after.frames) != len(visit.state.frames):
            self._frames(visit.state, after)
            return
        comment = self._changes(self._program[visit.pc], visit.state, after) if after else ""
        if comment:
            line = self.lines[-1]
            column = max(_COMMENT_COLUMN, len(line) + 1 + _COLUMN_STEP // 2)
            column = -(-column // _COLUMN_STEP) * _COLUMN_STEP
            self.lines[-1] = f"{line:<{column - 2}}; {comment}"

    def _frames(self, before: State, after: State) -> None:
        """Into a function, or back from it: the frames of both."""
        maps = self._program.maps
        if len(after.frames) > len(before.frames):
            caller = after._replace(frames=after.frames[:-1])
            shown = (("caller", caller), ("callee", after))
        else:
            back = f"to caller at {before.frames[-1].callsite + 1}"
            shown = (("returning from callee", before), (back, after))
        for what, state in shown:
            self.lines += [f"{what}:", f" {format_state(state, maps)}"]

    def _changes(self, insn: Instruction, before: State, after: State) -> str:
        """The registers that the instruction names, and the stack slots that it changed."""
        written = writes(insn)
        if insn.is_jmp and insn.jmp_op is JmpOp.CALL:
            named = 1
        elif insn.is_jmp and insn.jmp_op is JmpOp.JA:
            named = 0
        else:
            named = reads(insn) | written
        maps, depth = self._program.maps, len(after.frames) - 1
        parts = []
        for n in registers(named):
            reg = after.regs[n]
            if reg.type is not RegType.NOT_INIT:
                mark = "_w" if written >> n & 1 else ""
                parts.append(f"R{n}{mark}={format_reg(reg, maps, depth)}")
        stored = _stored(insn, before)
        for number, slot in sorted(after.stack.items()):
            if slot != before.stack.get(number, EMPTY_SLOT) or number == stored:
                parts.append(f"fp-{8 * (number + 1)}={format_slot(slot, maps, depth)}")
        return " ".join([f"frame{depth}:", *parts] if depth and parts else parts)

    def rejected(self, rejection: Rejection) -> None:
        """The walk, or the first pass, ends here."""
        if self._wanted:
            self.lines.append(rejection.message)

    def finished(self, walked: int, limit: int) -> None:
        """The last line: how much was walked."""
        if self._wanted:
            self.lines.append(f"processed {walked} insns (limit {limit})")


def _stored(insn: Instruction, state: State) -> int | None:
    """The stack slot of the current frame that a store writes."""
    if insn.cls not in (Class.ST, Class.STX):
        return None
    ptr = state.regs[insn.dst]
    mine = ptr.type is RegType.PTR_TO_STACK and ptr.frame == len(state.frames) - 1
    return (-(ptr.off + insn.offset) - 1) // SLOT_SIZE if mine else None
