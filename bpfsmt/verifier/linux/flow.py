"""The first pass of Linux: functions, jumps, and where states are compared.

Kernel ``check_subprogs`` and ``check_cfg``: the control flow is searched depth first, the
falling-through way before the jump, and the points found on the way are those at which the
second pass looks for an explored state (prune points) and notes how it came there (jump
points).
"""

from __future__ import annotations

from bisect import bisect_right

from bpfsmt.isa import CallSrc, Class, Instruction, JmpOp, LdImm64Src
from bpfsmt.program.program import Program
from bpfsmt.verifier.reasons import Rejection

_LEAVES = frozenset({JmpOp.EXIT, JmpOp.JA})


class Flow:
    """Functions, prune points and jump points of a program; raises `Rejection`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.slots = program.slots
        self.starts = self._functions()
        self.prune: set[int] = set()
        self.jumps: set[int] = set()
        self.rounds: set[int] = set()
        """Where ``may_goto`` is: every state there is kept."""
        self._check_functions()
        self._search()

    def function(self, pc: int) -> int:
        """The number of the function that the instruction is in."""
        return bisect_right(self.starts, pc) - 1

    def end(self, number: int) -> int:
        """The slot behind the last one of a function."""
        return self.starts[number + 1] if number + 1 < len(self.starts) else len(self.slots)

    def _functions(self) -> list[int]:
        starts = {0}
        for pc, insn in self.program.instructions():
            if is_local_call(insn) or is_function_reference(insn):
                target = pc + 1 + insn.imm
                if not 0 <= target < len(self.slots):
                    raise _bad_jump(pc, f"invalid destination {target} of a call", pc)
                starts.add(target)
        return sorted(starts)

    def _check_functions(self) -> None:
        """Jumps stay inside their function, and every function ends where it should."""
        for number, start in enumerate(self.starts):
            end = self.end(number)
            last: Instruction | None = None
            for pc in range(start, end):
                insn = self.slots[pc]
                if insn is None:
                    continue
                last = insn
                target = jump_target(pc, insn)
                if target is not None and not start <= target < end:
                    raise _bad_jump(pc, f"jump out of range from insn {pc} to {target}", pc)
            if last is None or not (last.is_jmp and last.jmp_op in _LEAVES):
                raise Rejection(
                    "falls-off",
                    "last insn is not an exit or jmp",
                    f"The function at {start} does not end with an exit or a jump.",
                    pc=end - 1,
                )

    def _search(self) -> None:
        """All instructions, depth first from the first one; calls lead into functions."""
        seen: set[int] = set()
        stack = [0]
        while stack:
            pc = stack.pop()
            if pc not in seen:
                seen.add(pc)
                stack += reversed(self._successors(pc))
        for pc, insn in enumerate(self.slots):
            if insn is not None and pc not in seen:
                raise Rejection(
                    "unreachable",
                    f"unreachable insn {pc}",
                    f"No path leads to the instruction at {pc}; remove it.",
                    pc=pc,
                )

    def _successors(self, pc: int) -> list[int]:
        """Where the instruction leads, calls included; marks points on the way."""
        insn = self.slots[pc]
        if insn is None:
            raise _bad_jump(pc, f"jump into the middle of ldimm64 insn {pc - 1}", pc - 1)
        after = pc + insn.slots
        if not insn.is_jmp:
            if is_function_reference(insn):
                return [after, pc + 1 + insn.imm]
            return [after]
        op = insn.jmp_op
        if op is JmpOp.EXIT:
            return []
        if op is JmpOp.CALL:
            self.prune.add(after)
            self.jumps.add(after)
            if insn.src == CallSrc.LOCAL:
                callee = pc + 1 + insn.imm
                self.prune |= {pc, callee}
                self.jumps.add(callee)
                return [after, callee]
            return [after]
        target = jump_target(pc, insn)
        assert target is not None
        self.jumps.add(target)
        self.prune.add(target)
        if op is JmpOp.JA:
            return [target]
        self.prune.add(pc)
        if op is JmpOp.JCOND:
            self.rounds.add(pc)
        return [after, target]


def is_local_call(insn: Instruction) -> bool:
    """A call of a function of the program."""
    return insn.cls is Class.JMP and insn.jmp_op is JmpOp.CALL and insn.src == CallSrc.LOCAL


def is_function_reference(insn: Instruction) -> bool:
    """An ``ld_imm64`` of a function's address."""
    return insn.is_ld_imm64 and insn.src == LdImm64Src.CODE


def jump_target(pc: int, insn: Instruction) -> int | None:
    """Where a jump leads when it is taken; `None` for what is no jump inside a function."""
    if not insn.is_jmp or insn.jmp_op in (JmpOp.CALL, JmpOp.EXIT):
        return None
    far = insn.cls is Class.JMP32 and insn.jmp_op is JmpOp.JA
    return pc + 1 + (insn.imm if far else insn.offset)


def _bad_jump(pc: int, message: str, at: int) -> Rejection:
    return Rejection("bad-jump", message, f"The instruction at {pc}: {message}.", pc=at)
