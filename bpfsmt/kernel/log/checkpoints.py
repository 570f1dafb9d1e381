"""Which of the states that it walks a kernel keeps, to compare others with.

The log does not say it, but it follows from counts (``is_state_visited``, the same from
Linux 5.3 to 6.18): a state is kept where paths may meet, if since the last one that was
kept two jumps and eight instructions have been walked.  Since Linux 6.9 one is kept as well
if the path from the last one has a long *history*: instructions that the kernel notes
because it could not find its way back without (``push_insn_history``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bpfsmt.domain.reg import Reg, RegType
from bpfsmt.domain.state import SLOT_SIZE, SPILL, Slot, State
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import CallSrc, Class, JmpOp, Mode
from bpfsmt.kernel.log.carry import is_conditional, links_of, read_later, stack_place
from bpfsmt.program.program import Program

_JUMPS, _INSNS = 2, 8
_LOOP_JUMPS, _LOOP_INSNS = 20, 100
_LONG_HISTORY = 40
_PATIENCE = 3


@dataclass(slots=True)
class _Kept:
    """A visit whose state is kept, and how often it did and did not stand for another."""

    visit: int
    hits: int = 0
    misses: int = 0


Key: TypeAlias = tuple[int, int]
"""Where states are compared: the pc, and where its function was called."""


class Checkpoints:
    """Counts along with the walk; ``total`` says how many states were kept in all.

    ``is_open`` says of a visit that there are paths from it that were not walked yet, ``live``
    which registers are read later, as far as the log says.
    """

    def __init__(
        self,
        program: Program,
        live: Mapping[int, int],
        is_open: Callable[[int], bool],
        *,
        by_history: bool,
    ) -> None:
        self.program = program
        self.total = 0
        self.history = 0
        """What is noted since the last state that was kept, on the path that is walked."""
        self._is_open = is_open
        self._live = live
        self._by_history = by_history
        self._points, self._noted = _points(program)
        self._at: dict[Key, list[_Kept]] = {}
        self._insns = self._jumps = self._last_insns = self._last_jumps = 0

    def kept(self, key: Key) -> list[int]:
        """The visits with which a state is compared, in the order in which it is."""
        return [each.visit for each in self._at.get(key, ())]

    def walked(self, visit: int, key: Key) -> None:
        """A visit to an instruction: no state that is kept stood for it."""
        self._insns += 1
        pc = key[0]
        if pc in self._points and self._compare(key, None):
            self._at.setdefault(key, []).insert(0, _Kept(visit))
            self.total += 1
            self.history = 0
            self._last_jumps, self._last_insns = self._jumps, self._insns
        if pc in self._noted:
            self.history += 1
        self._jumps += self.program[pc].is_jmp

    def pruned(self, key: Key, by: int) -> None:
        """The walk came to a place, but visit ``by`` stands for it."""
        self._insns += 1
        self._compare(key, by)

    def _compare(self, key: Key, hit: int | None) -> bool:
        """Count hits and misses, forget what seldom helps; whether this state is kept."""
        forced = self._by_history and self.history > _LONG_HISTORY
        jumps, insns = self._jumps - self._last_jumps, self._insns - self._last_insns
        add = forced or (jumps >= _JUMPS and insns >= _INSNS)
        known = self._at.get(key, [])
        for each in list(known):
            if each.visit == hit:
                each.hits += 1
                break
            if self._is_open(each.visit) and not forced:
                add = add and (jumps >= _LOOP_JUMPS or insns >= _LOOP_INSNS)
            each.misses += add
            if each.misses > _PATIENCE * each.hits + _PATIENCE:
                known.remove(each)
        return add

    def forget(self) -> None:
        """Begin another function: nothing is kept of the one before."""
        self._at.clear()
        self.history = 0

    def left(self, pc: int, before: State, after: State) -> None:
        """The instruction at ``pc`` was walked: it may be one that is noted for itself."""
        if pc not in self._noted and _spills(
            self.program[pc], before, after, read_later(self._live, before, pc)
        ):
            self.history += 1


def _points(program: Program) -> tuple[frozenset[int], frozenset[int]]:
    """Where the kernel compares states, and what it notes of jumps.

    ``mark_prune_point`` and ``mark_jmp_point``.
    """
    compared: set[int] = set()
    noted: set[int] = set()
    for pc, insn in program.instructions():
        if not insn.is_jmp or insn.jmp_op is JmpOp.EXIT:
            continue
        if insn.jmp_op is JmpOp.CALL:
            noted.add(pc + 1)
            if insn.src == CallSrc.LOCAL:
                noted.add(pc + 1 + insn.imm)
                compared.add(pc)
        elif insn.jmp_op is JmpOp.JA:
            far = insn.imm if insn.cls is Class.JMP32 else insn.offset
            noted.add(pc + 1 + far)
        else:
            compared.add(pc)
            noted.add(pc + 1 + insn.offset)
    return frozenset(compared | noted), frozenset(noted)


def _spills(insn: Instruction, before: State, after: State, live: Sequence[int]) -> bool:
    """A register saved on the stack or fetched from there, or a compare of linked numbers."""
    if insn.cls in (Class.ST, Class.STX) and insn.mode is not Mode.ATOMIC:
        slot = _slot(after, before.regs[insn.dst], insn.offset)
        return slot is not None and slot.spill is not None
    if insn.cls is Class.LDX:
        slot = _slot(before, before.regs[insn.src], insn.offset)
        if slot is None or slot.spill is None:
            return False
        return slot.kinds.count(SPILL) <= insn.size.bytes
    return is_conditional(insn) and _linked(insn, before, live)


def _slot(state: State, ptr: Reg, off: int) -> Slot | None:
    where = stack_place(ptr, off)
    if where is None:
        return None
    return state.frames[ptr.frame].stack.get((-where - 1) // SLOT_SIZE)


def _linked(insn: Instruction, state: State, live: Sequence[int]) -> bool:
    """More than one number has the id of an operand; or an operand points to the stack."""
    operands = [state.regs[n] for n in ((insn.dst, insn.src) if insn.uses_reg else (insn.dst,))]
    if any(reg.type is RegType.PTR_TO_STACK for reg in operands):
        return True
    return len(links_of(state, insn, live)) > 1
