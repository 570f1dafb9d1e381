"""Making a program that shows something as short as possible, instruction by instruction.

Hypothesis shrinks the choices that made a program; what it leaves are instructions that no
single choice removes.  Here they are taken out of the program itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp, LdImm64Src
from bpfsmt.program.program import Program


def minimise(program: Program, shows: Callable[[Program], bool]) -> Program:
    """The program without every instruction that ``shows`` does not need.

    ``shows`` must hold of ``program``; it is asked of each shorter one: without a function,
    without half of it, a quarter and so on, and in the end without each single instruction,
    until none can be removed.

    >>> from bpfsmt.program import load_asm
    >>> p = load_asm("r0 = 1\\nif r0 > 0 goto +1\\nr0 = 2\\nr0 += 3\\nexit", "p")
    >>> len(minimise(p, lambda q: any(i.imm == 3 for _, i in q.instructions())))
    1
    """
    for entry in sorted(program.functions, reverse=True)[:-1]:
        program = _tried(program, list(_function(program, entry)), shows)
    size = len(program.slots) // 2
    while size > 1:
        for start in reversed(range(0, len(program.slots), size)):
            program = _tried(program, range(start, start + size), shows)
        size //= 2
    before = None
    while before is not program:
        before = program
        for pc in reversed(range(len(program.slots))):
            program = _tried(program, [pc], shows)
    return program


def needed_maps(program: Program) -> Program:
    """The program with those of its maps only that an instruction names."""
    named = [i for _, i in program.instructions() if i.is_ld_imm64 and i.src in _MAPS]
    kept = sorted({i.imm for i in named})
    slots = (
        replace(i, imm=kept.index(i.imm))
        if i is not None and i.is_ld_imm64 and i.src in _MAPS
        else i
        for i in program.slots
    )
    return replace(program, slots=tuple(slots), maps=tuple(program.maps[n] for n in kept))


_MAPS = (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_VALUE)


def _tried(program: Program, pcs: Iterable[int], shows: Callable[[Program], bool]) -> Program:
    """The program without the instructions at these slots if that shows it, else as it is."""
    shorter: Program | None = program
    for pc in sorted(pcs, reverse=True):
        if shorter is not None and pc < len(shorter.slots) and shorter.slots[pc] is not None:
            shorter = without(shorter, pc)
    if shorter is None or shorter is program or not shows(shorter):
        return program
    return shorter


def _function(program: Program, entry: int) -> Iterator[int]:
    """The slots of a function, and of the calls of it."""
    end = min((e for e in program.functions if e > entry), default=len(program.slots))
    yield from range(entry, end)
    for pc, insn in program.instructions():
        outside = not entry <= pc < end
        if outside and insn.calls_local and pc + 1 + insn.imm == entry:
            yield pc


def without(program: Program, pc: int) -> Program | None:
    """The program without the instruction at ``pc``, jumps and calls mended; `None` if that is
    empty.

    A jump to the removed instruction goes to the one behind it.
    """
    gone = program[pc].slots
    kept: list[Instruction | None] = []
    for at, insn in enumerate(program.slots):
        if pc <= at < pc + gone:
            continue
        if insn is not None and (_is_jump(insn) or insn.calls_local):
            distance = insn.imm if insn.calls_local else insn.offset
            new = _moved(at + 1 + distance, pc, gone) - _moved(at, pc, gone) - 1
            insn = replace(insn, imm=new) if insn.calls_local else replace(insn, offset=new)
        kept.append(insn)
    if not kept:
        return None
    functions = {_moved(at, pc, gone): name for at, name in program.functions.items()}
    functions = {at: name for at, name in functions.items() if at < len(kept)}
    signatures = {_moved(at, pc, gone): s for at, s in program.signatures.items()}
    signatures = {at: s for at, s in signatures.items() if at in functions}
    return replace(
        program, slots=tuple(kept), source={}, functions=functions, signatures=signatures
    )


def _is_jump(insn: Instruction) -> bool:
    if insn.is_ld_imm64 and insn.src == LdImm64Src.CODE:
        raise ValueError("a reference to a function is not mended")
    if not insn.is_jmp or insn.jmp_op in (JmpOp.EXIT, JmpOp.CALL):
        return False
    if insn.cls is Class.JMP32 and insn.jmp_op is JmpOp.JA:
        raise ValueError("gotol is not mended")
    return True


def _moved(pc: int, removed: int, slots: int) -> int:
    return pc if pc <= removed else max(removed, pc - slots)
