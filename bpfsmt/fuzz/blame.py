"""Which rule made a claim that is false: the one that the verifier asks for the instruction.

Names are those of rule sets, so that a finding says the same as an obligation of the prover.
What no rule does is named by what the instruction is.
"""

from __future__ import annotations

from bpfsmt.cfg import writes
from bpfsmt.domain.state import State
from bpfsmt.isa.helper_ids import HELPER_NAMES
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, Class, JmpOp, Mode
from bpfsmt.program.program import Program
from bpfsmt.verifier.step.branch import FAILS, HOLDS

START = "start"
"""The rule of what is claimed before the first instruction."""

PRUNING = "pruning"
"""The rule of what is claimed because an earlier state stands for it."""

LINKED = "linked"
"""The rule of what a compare says of registers that it does not name."""


def rule_of(
    program: Program, pc: int, state: State | None, *, to: int, where: str, part: str = ""
) -> str:
    """The rule behind the step from ``pc`` in ``state`` to ``to``.

    ``where`` is the register or slot whose claim is false there, "" if it is that execution
    comes there at all; ``part`` is the component that is false.
    """
    insn = program[pc]
    if insn.is_alu:
        return _alu(insn, state) if _names(where, writes(insn)) else LINKED
    if insn.is_call:
        return "call" if insn.helper is None else HELPER_NAMES.get(insn.helper, "call")
    if insn.is_jmp and insn.jmp_op in (JmpOp.EXIT, JmpOp.JA, JmpOp.JCOND):
        return {JmpOp.EXIT: "return", JmpOp.JA: "goto", JmpOp.JCOND: "may_goto"}[insn.jmp_op]
    if insn.is_jmp:
        return _branch(insn, state, taken=to == pc + 1 + insn.offset, where=where)
    return _memory(insn, part)


def _names(where: str, mask: int) -> bool:
    """Whether a place is one of the registers of the mask (or is none)."""
    name = where.rpartition(" ")[2]
    return not name.startswith("R") or bool(mask >> int(name[1:]) & 1)


def _is_pointer(state: State | None, register: int) -> bool:
    return state is not None and state.regs[register].is_pointer


def _alu(insn: Instruction, state: State | None) -> str:
    op, bits = insn.alu_op, 64 if insn.cls is Class.ALU64 else 32
    if op is AluOp.MOV:
        if not insn.uses_reg:
            return f"mov{bits}_imm"
        return f"movsx{bits}" if insn.offset else "mov64" if bits == 64 else "zext32"
    if op is AluOp.END:
        return "byte_swap"
    pointers = _is_pointer(state, insn.dst) or (insn.uses_reg and _is_pointer(state, insn.src))
    if pointers and op in (AluOp.ADD, AluOp.SUB):
        return f"pointer_{op.name.lower()}"
    signed = "s" if insn.offset == 1 else ""
    return f"alu{bits}_{signed}{op.name.lower()}"


def _branch(insn: Instruction, state: State | None, *, taken: bool, where: str) -> str:
    bits = 64 if insn.cls is Class.JMP else 32
    name = (HOLDS if taken else FAILS)[insn.jmp_op].name
    if _is_pointer(state, insn.dst) or (insn.uses_reg and _is_pointer(state, insn.src)):
        return f"pointer_{name}"
    if not where:
        asked = HOLDS[insn.jmp_op].name
        return f"taken{bits}_{'eq' if asked == 'ne' else asked}"
    operands = 1 << insn.dst | (1 << insn.src if insn.uses_reg else 0)
    return f"refine{bits}_{name}" if _names(where, operands) else LINKED


def _memory(insn: Instruction, part: str) -> str:
    if insn.is_ld_imm64:
        return "ld_imm64"
    if insn.cls is Class.LD:
        return "packet_load"
    size = 8 * insn.size.bytes
    if insn.cls is Class.LDX:
        signed = "_sext" if insn.mode is Mode.MEMSX else ""
        return f"links_fill{signed}" if part == "id" else f"load{signed}{size}"
    if insn.mode is Mode.ATOMIC:
        return f"atomic{size}"
    return f"store{'_imm' if insn.cls is Class.ST else ''}{size}"
