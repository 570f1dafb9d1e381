"""Which values have mattered: backtracking from where one does (``mark_chain_precision``).

A value matters when an access, an argument or a decided branch depends on it.  The path is
walked back from there, instruction by instruction, to what the value was computed from; in
every checkpoint on the way these registers and stack slots are marked precise.  What is
not marked may be anything when states are compared.
"""

from __future__ import annotations

from collections.abc import Callable

from bpfsmt.domain import RegType
from bpfsmt.domain.state import SPILL
from bpfsmt.isa import (
    FETCH,
    TAIL_CALL,
    AluOp,
    AtomicOp,
    CallSrc,
    Class,
    Instruction,
    JmpOp,
    Mode,
    Size,
)
from bpfsmt.rules import Duties
from bpfsmt.verifier.linux.flow import is_local_call
from bpfsmt.verifier.linux.path import Checkpoint, Past, Path

_ARGUMENTS = 0b111110
_FP = 10


class NotTracked(Exception):
    """The way a value came is not followed: all numbers on the path matter then."""


class Backtrack:
    """Sets of registers and stack slots to look for, one of each for every frame."""

    def __init__(self, frame: int) -> None:
        self.frame = frame
        self.regs = [0] * (frame + 1)
        self.slots = [0] * (frame + 1)

    @property
    def empty(self) -> bool:
        """Nothing is left to look for."""
        for mask in self.regs:
            if mask:
                return False
        return not any(self.slots)

    def has(self, number: int) -> bool:
        """Whether a register of the current frame is looked for."""
        return bool(self.regs[self.frame] >> number & 1)

    def add(self, number: int) -> None:
        """Look for a register of the current frame."""
        if number != _FP:
            self.regs[self.frame] |= 1 << number

    def drop(self, number: int) -> None:
        """Look no longer for a register of the current frame."""
        self.regs[self.frame] &= ~(1 << number)

    def link(self, past: Past | None) -> None:
        """If one of several linked numbers is looked for, all are."""
        if past is None or not past.linked:
            return
        masks = (self.regs, self.slots)
        places = [p for p in past.linked if p[0] < len(self.regs)]
        if any(masks[stack][frame] >> n & 1 for frame, stack, n in places):
            for frame, stack, n in places:
                masks[stack][frame] |= 1 << n

    def enter(self) -> None:
        """Back into a function that had returned."""
        self.frame += 1
        if self.frame >= len(self.regs):
            self.regs.append(0)
            self.slots.append(0)

    def leave(self) -> None:
        """Back to the caller; its arguments were the callee's."""
        passed = self.regs[self.frame] & _ARGUMENTS
        self.regs[self.frame] = 0
        self.slots[self.frame] = 0
        self.frame -= 1
        if self.frame < 0:
            raise NotTracked
        self.regs[self.frame] |= passed


class Precision:
    """Marks on a program's checkpoints; ``note`` hears what matters at each visit."""

    def __init__(
        self,
        slots: tuple[Instruction | None, ...],
        is_global: Callable[[int], bool],
        duties: Duties,
        note: Callable[[int, Backtrack], None] | None = None,
    ) -> None:
        self._slots = slots
        self._is_global = is_global
        self._duties = duties
        self._note = note
        self._concerned = [_ALWAYS if insn is None else _concerned(insn) for insn in slots]
        self._alu = [None if insn is None else _origin(insn) for insn in slots]

    def register(self, path: Path, number: int) -> None:
        """The number in a register matters at this instruction."""
        frame = len(path.state.frames) - 1
        if path.state.frames[frame].regs[number].type is not RegType.SCALAR_VALUE:
            return
        bt = Backtrack(frame)
        bt.add(number)
        self.run(path, bt)

    def slot(self, path: Path, frame: int, number: int) -> None:
        """The number in a stack slot matters at this instruction."""
        bt = Backtrack(len(path.state.frames) - 1)
        bt.slots[frame] |= 1 << number
        self.run(path, bt)

    def checkpoint(self, path: Path, old: Checkpoint) -> None:
        """What has mattered after ``old`` matters here, where the path ends in it."""
        bt = Backtrack(len(path.state.frames) - 1)
        outermost = 0 if self._duties.outer_frames else bt.frame
        for frame, (regs, slots) in old.precise.items():
            if outermost <= frame <= bt.frame:
                bt.regs[frame] |= regs
                bt.slots[frame] |= slots
        if not bt.empty:
            self.run(path, bt, arrived=True)

    def run(self, path: Path, bt: Backtrack, *, arrived: bool = False) -> None:
        """Walk back along the path; ``arrived`` says that its instruction is not walked yet."""
        try:
            self._back(path, bt, arrived)
        except NotTracked:
            self._everything(path, path.parent)

    def _back(self, path: Path, bt: Backtrack, arrived: bool) -> None:
        history, trail = path.history, path.trail
        first, parent = path.first, path.parent
        last, subseq, skip = path.pc, -1, True
        while True:
            done = self._stretch(bt, history, trail, first, last, subseq, skip, arrived)
            if done is None:
                return
            skip = arrived = False
            if parent is None:
                break
            self._mark(parent, bt)
            if bt.empty:
                return
            subseq, last, first = first, parent.last, parent.first
            history, trail, parent = parent.history, parent.trail, parent.parent
            if last < 0:
                return
        for frame in range(len(bt.regs)):
            # what a function is given by nobody known: the arguments of a global one
            bt.regs[frame] &= ~_ARGUMENTS if path.entry else -1
        if not bt.empty:
            raise NotTracked

    def _stretch(
        self,
        bt: Backtrack,
        history: list[Past],
        trail: list[int],
        first: int,
        last: int,
        subseq: int,
        skip: bool,
        arrived: bool,
    ) -> bool | None:
        """Back to the beginning of one stretch; `None` if nothing is left to look for."""
        if last < 0:
            return True
        at, end, visit = last, len(history), len(trail)
        concerned, note, slots, alu = self._concerned, self._note, self._slots, self._alu
        changed = True
        while True:
            past = history[end - 1] if end and history[end - 1][0] == at else None
            if skip:
                skip = False
            elif (
                bt.regs[bt.frame] & concerned[at]
                or concerned[at] < 0
                or (past is not None and (past[2] is not None or past[4]))
            ):
                from_ = alu[at]
                if from_ is not None and (past is None or not past[4]):
                    bt.regs[bt.frame] = bt.regs[bt.frame] & from_[0] | from_[1]
                else:
                    self._step(bt, at, subseq, past)
                changed = True
            if note is not None and not arrived:
                visit -= 1
                if visit >= 0:
                    note(trail[visit], bt)
            arrived = False
            if changed:
                if bt.empty:
                    return None
                changed = False
            subseq = at
            if at == first and (end == 0 or (end == 1 and history[0].pc == at)):
                return True
            if past is not None:
                end -= 1
                at = past[1]
            else:
                at -= 1
                if at >= 0 and slots[at] is None:
                    at -= 1
            if at < 0:
                return True

    def _mark(self, state: Checkpoint, bt: Backtrack) -> None:
        """Mark the checkpoint, and stop looking for what is no number or marked already."""
        for number in range(bt.frame, -1, -1):
            frame = state.state.frames[number]
            for n in _bits(bt.regs[number]):
                if frame.regs[n].type is not RegType.SCALAR_VALUE or state.is_precise(
                    number, n, stack=False
                ):
                    bt.regs[number] &= ~(1 << n)
                else:
                    state.mark(number, n, stack=False)
            for n in _bits(bt.slots[number]):
                slot = frame.stack.get(n)
                spilled = slot is not None and slot.spill is not None and slot.kinds[7] == SPILL
                number_there = (
                    spilled
                    and slot is not None
                    and slot.spill is not None
                    and slot.spill.type is RegType.SCALAR_VALUE
                )
                if not number_there or state.is_precise(number, n, stack=True):
                    bt.slots[number] &= ~(1 << n)
                else:
                    state.mark(number, n, stack=True)

    def _everything(self, path: Path, at: Checkpoint | None) -> None:
        """All numbers matter in every checkpoint of the path."""
        self._note_everything(path.trail, path)
        while at is not None:
            for f, frame in enumerate(at.state.frames):
                for n, reg in enumerate(frame.regs):
                    if reg.type is RegType.SCALAR_VALUE:
                        at.mark(f, n, stack=False)
                for n, slot in frame.stack.items():
                    if slot.spill is not None and slot.spill.type is RegType.SCALAR_VALUE:
                        at.mark(f, n, stack=True)
            self._note_everything(at.trail, path)
            at = at.parent

    def _note_everything(self, trail: list[int], path: Path) -> None:
        if self._note is not None:
            bt = Backtrack(len(path.state.frames) - 1)
            bt.regs, bt.slots = [-1] * 8, [-1] * 8
            for visit in trail:
                self._note(visit, bt)

    def _step(self, bt: Backtrack, at: int, subseq: int, past: Past | None) -> None:
        """From what is looked for after an instruction to what is looked for before it."""
        insn, duties = self._slots[at], self._duties
        assert insn is not None
        if duties.linked_numbers:
            bt.link(past)
        match insn.cls:
            case Class.ALU | Class.ALU64:
                _alu(bt, insn)
            case Class.LDX:
                _load(bt, insn.dst, self._followed(insn, past))
            case Class.STX if duties.fetches and _fetches(insn):
                _load(bt, 0 if insn.imm == AtomicOp.CMPXCHG | FETCH else insn.src, past)
            case Class.STX | Class.ST:
                _store(bt, insn, self._followed(insn, past))
            case Class.JMP | Class.JMP32:
                if self._jump(bt, insn, at, subseq, past):
                    return
            case Class.LD:
                if not insn.is_ld_imm64 and bt.has(0):
                    raise NotTracked
                if insn.is_ld_imm64:
                    bt.drop(insn.dst)
        if duties.linked_numbers:
            bt.link(past)

    def _followed(self, insn: Instruction, past: Past | None) -> Past | None:
        """What is known of a spill or fill, if it is followed at all."""
        return past if self._duties.narrow_slots or insn.size is Size.DW else None

    def _jump(
        self, bt: Backtrack, insn: Instruction, at: int, subseq: int, past: Past | None
    ) -> bool:
        """A jump, call or exit; whether that is all."""
        if is_local_call(insn):
            if self._is_global(at + 1 + insn.imm):
                bt.drop(0)
            else:
                bt.leave()
            return True
        if insn.jmp_op is JmpOp.CALL:
            if insn.src == CallSrc.KFUNC:
                raise NotTracked
            bt.drop(0)
            if insn.imm == TAIL_CALL and subseq != at + 1:
                bt.enter()  # another program ran to its end, and what follows is in the caller
                return True
        elif insn.jmp_op is JmpOp.EXIT:
            wanted = bt.has(0)
            bt.drop(0)
            bt.enter()
            if wanted:
                bt.add(0)
            return True
        elif insn.uses_reg and (bt.has(insn.dst) or bt.has(insn.src)):
            pointers = past.stack_operands if past is not None else 0
            if not self._duties.both_compared:
                return False
            if not pointers & 2:
                bt.add(insn.src)
            if not pointers & 1:
                bt.add(insn.dst)
        return False


_ALWAYS = -1


def _concerned(insn: Instruction) -> int:
    """The registers of which one must be looked for, or the instruction does not matter.

    `_ALWAYS` for what has to be gone through whatever is looked for.  What the history says
    of an instruction (a stack slot, linked numbers) may make it matter besides.
    """
    match insn.cls:
        case Class.ALU | Class.ALU64:
            return 1 << insn.dst if insn.uses_reg or insn.alu_op is AluOp.MOV else 0
        case Class.LDX:
            return 1 << insn.dst
        case Class.STX | Class.ST:
            return 1 << insn.dst | 1 << insn.src | 1
        case Class.LD:
            return 1 << insn.dst if insn.is_ld_imm64 else 1
    if insn.jmp_op is JmpOp.CALL:
        return 1 if insn.src == CallSrc.HELPER and insn.imm != TAIL_CALL else _ALWAYS
    if insn.jmp_op is JmpOp.EXIT:
        return _ALWAYS
    return 1 << insn.dst | 1 << insn.src if insn.uses_reg else 0


def _alu(bt: Backtrack, insn: Instruction) -> None:
    origin = _origin(insn)
    if origin is not None and bt.has(insn.dst):
        bt.regs[bt.frame] = bt.regs[bt.frame] & origin[0] | origin[1]


def _origin(insn: Instruction) -> tuple[int, int] | None:
    """What an arithmetic instruction's result comes from, if it is looked for.

    A mask of the registers that are still looked for, and of those that are looked for now.
    """
    if insn.cls not in (Class.ALU, Class.ALU64):
        return None
    moves = insn.alu_op is AluOp.MOV
    from_register = insn.uses_reg and insn.alu_op not in (AluOp.END, AluOp.NEG)
    found = 1 << insn.src if from_register and insn.src != _FP else 0
    return (~(1 << insn.dst) if moves else -1), found


def _load(bt: Backtrack, register: int, past: Past | None) -> None:
    if not bt.has(register):
        return
    bt.drop(register)
    if past is not None and past.slot is not None:
        frame, number = past.slot
        bt.slots[frame] |= 1 << number


def _fetches(insn: Instruction) -> bool:
    return insn.mode is Mode.ATOMIC and bool(insn.imm & FETCH)


def _store(bt: Backtrack, insn: Instruction, past: Past | None) -> None:
    if bt.has(insn.dst):
        raise NotTracked
    if past is None or past.slot is None:
        return
    frame, number = past.slot
    if bt.slots[frame] >> number & 1:
        bt.slots[frame] &= ~(1 << number)
        if insn.cls is Class.STX:
            bt.add(insn.src)


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
