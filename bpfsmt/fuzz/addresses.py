"""Programs whose runs show addresses: these differ from one machine to the next.

Decided from what the verifier knew at each visit, and generously: what is in doubt shows one.
"""

from __future__ import annotations

from bpfsmt.domain.analysis import Analysis, Edge, Visit
from bpfsmt.domain.reg import Reg, RegType
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp

_PACKET = frozenset({RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META, RegType.PTR_TO_PACKET_END})


def shows_addresses(analysis: Analysis) -> bool:
    """Whether some run may return, store or compare an address, or make a number of one."""
    program = analysis.program
    if any(_uses(visit, program[visit.pc]) for visit in analysis.visits):
        return True
    return any(_makes_number(analysis, edge) for edge in analysis.edges)


def _uses(visit: Visit, insn: Instruction) -> bool:
    """A pointer that is returned, written where others read it, or compared."""
    regs = visit.state.regs
    dst, src = regs[insn.dst], regs[insn.src]
    if insn.is_jmp:
        if insn.jmp_op is JmpOp.EXIT:
            return regs[0].is_pointer
        if insn.jmp_op in (JmpOp.JA, JmpOp.CALL, JmpOp.JCOND):
            return False
        return _compares(insn, dst, src)
    if insn.cls is Class.STX:
        return src.is_pointer and dst.type is not RegType.PTR_TO_STACK
    return False


def _compares(insn: Instruction, a: Reg, b: Reg) -> bool:
    if insn.uses_reg:
        both = a.type in _PACKET and b.type in _PACKET
        return (a.is_pointer or b.is_pointer) and not both
    null_check = insn.imm == 0 and insn.jmp_op in (JmpOp.JEQ, JmpOp.JNE)
    return a.is_pointer and not null_check


def _makes_number(analysis: Analysis, edge: Edge) -> bool:
    """Arithmetic on a pointer, or a load of a part of one, that leaves a number."""
    before = analysis.visits[edge.src]
    insn = analysis.program[before.pc]
    regs = before.state.regs
    if insn.is_alu:
        pointer = regs[insn.dst].is_pointer or (insn.uses_reg and regs[insn.src].is_pointer)
        return pointer and not edge.state.regs[insn.dst].is_pointer and not _is_constant(insn)
    if insn.cls is not Class.LDX or regs[insn.src].type is not RegType.PTR_TO_STACK:
        return False
    saved = before.state.frames[regs[insn.src].frame].stack.values()
    kept = edge.state.regs[insn.dst].is_pointer
    return not kept and any(s.spill is not None and s.spill.is_pointer for s in saved)


def _is_constant(insn: Instruction) -> bool:
    """A move that has nothing of the old value."""
    return insn.alu_op.name == "MOV" and not insn.uses_reg
