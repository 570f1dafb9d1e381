"""Arithmetic and compares alone, on many pairs of numbers that a claim admits.

The cheapest question about a step: only its operands are looked at, nothing around them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bpfsmt.domain.analysis import Edge, Visit
from bpfsmt.domain.reg import ADDED, Reg, RegType
from bpfsmt.domain.scalar import COMPONENTS, component
from bpfsmt.domain.state import State
from bpfsmt.fuzz.members import contains, members
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import JmpOp
from bpfsmt.machine import Code, Fault
from bpfsmt.machine.code import Op

PAIRS = 40
"""So many pairs of operands of one step, or as many as it takes for each operand to be in one."""

_OTHER = (JmpOp.CALL, JmpOp.EXIT, JmpOp.JA, JmpOp.JCOND)


class Wrong(NamedTuple):
    """A step that leaves its claims: where to, of which register, and in which component.

    ``register`` is -1 where the step goes to what was never explored; ``to`` is -1 where it
    goes nowhere.
    """

    to: int
    register: int
    part: str
    text: str


class Left:
    """Stands for the interpreter where code that was put in for a division ends the program."""

    def leave(self) -> int:
        """No pc."""
        return -1


def operands(code: Code, visit: Visit, edges: Sequence[Edge], name: str) -> Iterator[Wrong]:
    """The first pair of operands at this visit whose step is outside of its edges."""
    insn = code.program[visit.pc]
    chosen = _chosen(insn, visit, name)
    if chosen is None:
        return
    op, regs = code.ops[visit.pc], [0] * 11
    for x, y in chosen:
        regs[insn.src], regs[insn.dst] = y, x
        wrong = _wrong(op, insn, edges, regs)
        if wrong is not None:
            yield wrong._replace(text=f"{wrong.text} (operands {x:#x}, {y:#x})")
            return


def _chosen(insn: Instruction, visit: Visit, name: str) -> list[tuple[int, int]] | None:
    """Pairs for the two operands; `None` if this is no step on numbers that are independent."""
    if not insn.is_alu and (not insn.is_jmp or insn.jmp_op in _OTHER):
        return None
    dst, src = visit.state.regs[insn.dst], visit.state.regs[insn.src]
    writes_only = insn.is_alu and insn.alu_op.name == "MOV"
    first = (0,) if writes_only else _numbers(dst)
    second = _numbers(src) if insn.uses_reg else (0,)
    if not first or not second:
        return None
    rng = random.Random(name)
    if insn.uses_reg and insn.dst == insn.src:
        both = _numbers(src)
        return [(n, n) for n in rng.sample(both, min(PAIRS, len(both)))] if both else None
    if insn.uses_reg and not _apart(insn, dst, src) and not writes_only:
        return None
    if len(first) * len(second) <= PAIRS:
        return [(x, y) for x in first for y in second]
    return _pairs(first, second, rng)


def _pairs(
    first: Sequence[int], second: Sequence[int], rng: random.Random
) -> list[tuple[int, int]]:
    """Pairs by chance, with each number of both in one."""
    count = max(PAIRS, len(first), len(second))
    columns = []
    for numbers in (first, second):
        every = [*numbers, *(rng.choice(numbers) for _ in range(count - len(numbers)))]
        rng.shuffle(every)
        columns.append(every)
    return list(zip(*columns, strict=True))


def on_numbers(insn: Instruction, state: State) -> bool:
    """Whether `operands` asks all there is to ask of a step: none of its operands is a pointer,
    and nothing is linked to them."""
    if not insn.is_alu and (not insn.is_jmp or insn.jmp_op in _OTHER):
        return False
    regs = [state.regs[insn.dst], *([state.regs[insn.src]] if insn.uses_reg else [])]
    moved = insn.is_alu and insn.alu_op.name == "MOV"
    if any(reg.is_pointer for reg in (regs[1:] if moved else regs)):
        return False
    return not any(reg.id for reg in regs)


def _numbers(reg: Reg) -> Sequence[int]:
    return members(reg.scalar) if reg.type is RegType.SCALAR_VALUE else ()


def _apart(insn: Instruction, dst: Reg, src: Reg) -> bool:
    """Whether the operands have nothing to do with each other."""
    return insn.dst == insn.src or not dst.id or (dst.id ^ src.id) & ~ADDED != 0


def _wrong(op: Op, insn: Instruction, edges: Sequence[Edge], regs: list[int]) -> Wrong | None:
    """What is wrong with one step; code that was put in for a division may end the program."""
    try:
        to = op(Left(), regs)  # type: ignore[arg-type]
    except Fault as error:
        return Wrong(-1, -1, "fault", str(error))
    if to < 0:
        return Wrong(-1, -1, "unreached", "leaves the function, never explored")
    return _outside(insn, edges, to, regs)


def _outside(
    insn: Instruction, edges: Sequence[Edge], to: int, regs: Sequence[int]
) -> Wrong | None:
    found: Wrong | None = None
    ways = [edge for edge in edges if edge.pc == to]
    for edge in ways:
        found = _not_in(insn, edge, regs)
        if found is None:
            return None
    return found or Wrong(to, -1, "unreached", f"goes to {to}, never explored")


def _not_in(insn: Instruction, edge: Edge, regs: Sequence[int]) -> Wrong | None:
    for n in {insn.dst, insn.src if insn.uses_reg else insn.dst}:
        reg = edge.state.regs[n]
        if reg.type is RegType.SCALAR_VALUE and not contains(reg.scalar, regs[n]):
            part = next(c for c in COMPONENTS if not contains(component(reg.scalar, c), regs[n]))
            return Wrong(edge.pc, n, part, f"R{n} is {regs[n]:#x}, outside the claimed numbers")
    return None
