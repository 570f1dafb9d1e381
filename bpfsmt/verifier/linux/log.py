"""The log of a walk, in the words of Linux."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.cfg import reads, registers, writes
from bpfsmt.domain import RegType, State, format_reg, format_state
from bpfsmt.domain.printing import format_slot
from bpfsmt.domain.state import EMPTY_SLOT
from bpfsmt.errors import UnsupportedError
from bpfsmt.isa import Instruction, JmpOp, disassemble
from bpfsmt.verifier.linux.path import Path
from bpfsmt.verifier.reasons import Rejection

if TYPE_CHECKING:
    from bpfsmt.verifier.linux.walk import Walk

_COMMENT_COLUMN = 40
_COLUMN_STEP = 8


class Log:
    """Lines collected during a walk; a log that is not wanted stays empty."""

    def __init__(self, *, wanted: bool) -> None:
        self.lines: list[str] = []
        self.wanted = wanted

    def safe(self, path: Path, fresh: bool) -> None:
        """The path ends, for an explored state stands for it."""
        if self.wanted:
            self.lines.append(
                f"from {path.prev} to {path.pc}: safe" if fresh else f"{path.pc}: safe"
            )

    def before(self, w: Walk, path: Path, insn: Instruction, fresh: bool) -> None:
        """An instruction is about to be walked; the state, where the path begins."""
        if not self.wanted:
            return
        if fresh:
            state = format_state(path.state, w.env.maps)
            if path.prev >= 0 and path.kind != "call":
                self.lines += ["", f"from {path.prev} to {path.pc}: {state}"]
            if path.kind != "return":
                self.lines.append(f"{path.pc}: {state}")
        names = [m.name for m in w.env.program.maps]
        self.lines.append(f"{path.pc}: {disassemble(insn, path.pc, 'kernel', maps=names)}")

    def _changed_frame(self, w: Walk, before: State, after: State) -> None:
        """Into a function, or back from it: both frames."""
        if len(after.frames) > len(before.frames):
            caller = after._replace(frames=after.frames[:-1])
            for what, state in (("caller", caller), ("callee", after)):
                self.lines += [f"{what}:", f" {format_state(state, w.env.maps)}"]
        else:
            shown = format_state(before, w.env.maps), format_state(after, w.env.maps)
            self.lines += ["returning from callee:", f" {shown[0]}"]
            self.lines += [f"to caller at {before.frames[-1].callsite + 1}:", f" {shown[1]}"]

    def after(self, w: Walk, before: State, pc: int, insn: Instruction) -> None:
        """An instruction was walked: what it read and wrote, as it is now."""
        if not self.wanted:
            return
        if len(before.frames) != len(w.path.state.frames):
            self._changed_frame(w, before, w.path.state)
            return
        comment = self._changes(w, before, insn)
        if comment and self.lines:
            line = self.lines[-1]
            column = max(_COMMENT_COLUMN, len(line) + 1 + _COLUMN_STEP // 2)
            column = -(-column // _COLUMN_STEP) * _COLUMN_STEP
            self.lines[-1] = f"{line:<{column - 2}}; {comment}"

    def precise(self, w: Walk, number: int) -> None:
        """A number matters."""

    def _changes(self, w: Walk, before: State, insn: Instruction) -> str:
        after = w.path.state
        try:
            written, read = writes(insn), reads(insn)
        except UnsupportedError:
            return ""
        named = read | written
        if insn.is_jmp and insn.jmp_op in (JmpOp.CALL, JmpOp.EXIT):
            named = 1 if insn.jmp_op is JmpOp.CALL else 0
        parts = []
        depth = len(after.frames) - 1
        for n in registers(named):
            reg = after.regs[n]
            if reg.type is not RegType.NOT_INIT:
                parts.append(f"R{n}={format_reg(reg, w.env.maps, depth)}")
        for number, slot in sorted(after.stack.items()):
            if slot != before.stack.get(number, EMPTY_SLOT):
                parts.append(f"fp-{8 * (number + 1)}={format_slot(slot, w.env.maps, depth)}")
        return " ".join([f"frame{depth}:", *parts] if depth and parts else parts)

    def rejected(self, rejection: Rejection) -> None:
        """The walk, or the first pass, ends here."""
        if self.wanted:
            self.lines.append(rejection.message)

    def finished(self, walked: int, limit: int) -> None:
        """The last line: how much was walked."""
        if self.wanted:
            self.lines.append(f"processed {walked} insns (limit {limit})")
