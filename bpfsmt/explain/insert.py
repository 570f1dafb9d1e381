"""A program with instructions put in between, every jump and call mended.

What is put before an instruction is also what jumps to that instruction run first.  What is
put at a function's tail stands behind its last instruction, where only jumps lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bpfsmt.isa.asm import is_function_reference
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp
from bpfsmt.isa.unparse import target_distance
from bpfsmt.program.program import Program

FAR = 1 << 15
"""A jump's offset is a signed 16-bit number."""


@dataclass(frozen=True, slots=True)
class Added:
    """One instruction to put before ``pc``, or with ``tail`` behind the function that ends there.

    ``target`` is where its jump goes, a pc of the old program; with ``to_tail`` the jump goes
    to what is added at the tail of the function that ends at ``target``.
    """

    pc: int
    insn: Instruction
    target: int = -1
    tail: bool = False
    to_tail: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """The new program, where its added instructions are, and where old ones went."""

    program: Program
    added: tuple[int, ...]
    moved: Mapping[int, int]


def insert(program: Program, what: Sequence[Added]) -> Changed | None:
    """The program with ``what`` in it, in the order given where several go to one place.

    `None` if a jump would have to reach further than jumps can.

    >>> from bpfsmt.program import load_asm
    >>> p = load_asm("if r1 > 2 goto +1\\nr0 = 1\\nexit", "p")
    >>> changed = insert(p, [Added(1, Instruction(0xB7, dst=2))])
    >>> changed.program[0].offset, changed.added, changed.moved[2]
    (2, (1,), 3)
    """
    places = _Places(program, what)
    slots: list[Instruction | None] = []
    added: list[int] = []
    for pc in range(len(program) + 1):
        for one in places.at(pc):
            added.append(len(slots))
            slots += _spread(places.aimed(one, len(slots)))
        if pc < len(program):
            insn = program.slots[pc]
            slots.append(None if insn is None else places.mended(insn, pc, len(slots)))
    if any(s is not None and not -FAR <= s.offset < FAR for s in slots):
        return None
    changed = replace(
        program,
        slots=tuple(slots),
        functions={places.landing(pc): name for pc, name in program.functions.items()},
        signatures={places.landing(pc): one for pc, one in program.signatures.items()},
        source={},
        expect=None,
    )
    return Changed(changed, tuple(added), {pc: places.own(pc) for pc, _ in program.instructions()})


def _spread(insn: Instruction) -> list[Instruction | None]:
    return [insn] if insn.slots == 1 else [insn, None]


class _Places:
    """Old places to new ones."""

    def __init__(self, program: Program, what: Sequence[Added]) -> None:
        self.program = program
        self.what = sorted(what, key=lambda one: (one.pc, not one.tail))

    def at(self, pc: int) -> list[Added]:
        """What goes before the old place, what ends the function before it first."""
        return [one for one in self.what if one.pc == pc]

    def landing(self, pc: int) -> int:
        """Where a jump to the old place goes: to what was put before it."""
        before = [one for one in self.what if one.pc < pc or (one.pc == pc and one.tail)]
        return pc + sum(one.insn.slots for one in before)

    def own(self, pc: int) -> int:
        """Where the old instruction itself is."""
        return pc + sum(one.insn.slots for one in self.what if one.pc <= pc)

    def tail(self, pc: int) -> int:
        """Where that begins which was added to the function that ends at the old place."""
        return pc + sum(one.insn.slots for one in self.what if one.pc < pc)

    def aimed(self, one: Added, here: int) -> Instruction:
        """An added instruction with its jump's offset filled in."""
        if one.target < 0:
            return one.insn
        there = self.tail(one.target) if one.to_tail else self.landing(one.target)
        return replace(one.insn, offset=there - here - 1)

    def mended(self, insn: Instruction, pc: int, here: int) -> Instruction:
        """An old instruction with its jump or call led to where its target went."""
        distance = target_distance(insn)
        if distance is None or not 0 <= pc + 1 + distance < len(self.program):
            return insn
        moved = self.landing(pc + 1 + distance) - here - 1
        gotol = insn.cls is Class.JMP32 and insn.is_jmp and insn.jmp_op is JmpOp.JA
        if is_function_reference(insn) or gotol:
            return replace(insn, imm=moved)
        return replace(insn, offset=moved)
