"""Making a program that shows something as short as possible, instruction by instruction.

Hypothesis shrinks the choices that made a program; what it leaves are instructions that no
single choice removes.  Here they are taken out of the program itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp
from bpfsmt.program.program import Program


def minimise(program: Program, shows: Callable[[Program], bool]) -> Program:
    """The program without every instruction that ``shows`` does not need.

    Only for programs of one function.  ``shows`` must hold of ``program``; it is asked of
    each shorter one, and instructions are removed until no single one can be.

    >>> from bpfsmt.program import load_asm
    >>> p = load_asm("r0 = 1\\nif r0 > 0 goto +1\\nr0 = 2\\nr0 += 3\\nexit", "p")
    >>> len(minimise(p, lambda q: any(i.imm == 3 for _, i in q.instructions())))
    1
    """
    before = None
    while before is not program:
        before = program
        for pc in reversed(range(len(program.slots))):
            shorter = without(program, pc) if program.slots[pc] is not None else None
            if shorter is not None and shows(shorter):
                program = shorter
    return program


def without(program: Program, pc: int) -> Program | None:
    """The program without the instruction at ``pc``, jumps mended; `None` if that is empty.

    A jump to the removed instruction goes to the one behind it.
    """
    gone = program[pc].slots
    kept: list[Instruction | None] = []
    for at, insn in enumerate(program.slots):
        if pc <= at < pc + gone:
            continue
        if insn is not None and _is_jump(insn):
            target = at + 1 + insn.offset
            offset = _moved(target, pc, gone) - _moved(at, pc, gone) - 1
            insn = replace(insn, offset=offset)
        kept.append(insn)
    return replace(program, slots=tuple(kept), source={}) if kept else None


def _is_jump(insn: Instruction) -> bool:
    if not insn.is_jmp or insn.jmp_op in (JmpOp.EXIT, JmpOp.CALL):
        return False
    if insn.cls is Class.JMP32 and insn.jmp_op is JmpOp.JA:
        raise ValueError("gotol is not mended")
    return True


def _moved(pc: int, removed: int, slots: int) -> int:
    return pc if pc <= removed else max(removed, pc - slots)
