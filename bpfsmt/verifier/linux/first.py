"""What is wrong with a program before any state is looked at."""

from __future__ import annotations

from bpfsmt.isa import Class, Instruction, JmpOp, LdImm64Src
from bpfsmt.isa.opcodes import AluOp
from bpfsmt.program.program import Program
from bpfsmt.rules import Policy
from bpfsmt.verifier.reasons import Rejection

_WITH_ADDRESS = ("array",)


def check_program(program: Program, policy: Policy) -> None:
    """Reject a length that is not admitted, unknown opcodes, and references to no map."""
    if not 0 < len(program) <= policy.max_insns:
        raise Rejection(
            "program-length",
            f"program length {len(program)} is not in 1..{policy.max_insns}",
            f"The program has {len(program)} instructions; 1 to {policy.max_insns} are admitted.",
            pc=0,
        )
    for pc, insn in program.instructions():
        if not _known(insn):
            raise Rejection(
                "bad-instruction",
                f"unknown opcode {insn.opcode:02x}",
                f"No instruction has the opcode {insn.opcode:#04x}.",
                pc=pc,
            )
        if insn.is_ld_imm64 and insn.src in (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_VALUE):
            _check_reference(program, pc, insn)


def _known(insn: Instruction) -> bool:
    """Whether there is such an opcode (kernel ``bpf_opcode_in_insntable``)."""
    if insn.is_alu:
        return insn.opcode & 0xF0 in set(AluOp)
    if insn.is_jmp:
        return insn.opcode & 0xF0 in set(JmpOp)
    return insn.cls is not Class.LD or insn.opcode & 0xE0 in (0x00, 0x20, 0x40)


def _check_reference(program: Program, pc: int, insn: Instruction) -> None:
    if not 0 <= insn.imm < len(program.maps):
        raise Rejection(
            "bad-map-reference",
            f"fd {insn.imm} is not pointing to valid bpf_map",
            f"There is no map {insn.imm}: the program has {len(program.maps)} maps.",
            pc=pc,
        )
    if insn.src == LdImm64Src.MAP_BY_FD:
        return
    m, offset = program.maps[insn.imm], insn.next_imm & 0xFFFFFFFF
    if m.type not in _WITH_ADDRESS or m.max_entries != 1:
        message = f"invalid access to map value pointer, value_size={m.value_size} off={offset}"
    elif offset >= m.value_size:
        message = f"direct value offset of {offset} is not allowed"
    else:
        return
    raise Rejection("bad-map-reference", message, f"Map {m.name}: {message}.", pc=pc)
