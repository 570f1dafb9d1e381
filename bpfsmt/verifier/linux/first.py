"""What is wrong with a program before any state is looked at."""

from __future__ import annotations

from bpfsmt.isa import TAIL_CALL, Class, Instruction, JmpOp, LdImm64Src
from bpfsmt.isa.opcodes import AluOp
from bpfsmt.program.program import Program, ProgramType
from bpfsmt.rules import Policy
from bpfsmt.verifier.reasons import Rejection

_WITH_ADDRESS = ("array",)
_ALU_OPS, _JMP_OPS = frozenset(map(int, AluOp)), frozenset(map(int, JmpOp))


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
        return insn.opcode & 0xF0 in _ALU_OPS
    if insn.is_jmp:
        return insn.opcode & 0xF0 in _JMP_OPS
    return insn.cls is not Class.LD or insn.opcode & 0xE0 in (0x00, 0x20, 0x40)


def _check_reference(program: Program, pc: int, insn: Instruction) -> None:
    if not 0 <= insn.imm < len(program.maps):
        raise Rejection(
            "bad-map-reference",
            f"fd {insn.imm} is not pointing to valid bpf_map",
            f"There is no map {insn.imm}: the program has {len(program.maps)} maps.",
            pc=pc,
        )
    _check_map(program, pc, insn)
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


_TRACING = (
    ProgramType.KPROBE,
    ProgramType.TRACEPOINT,
    ProgramType.PERF_EVENT,
    ProgramType.RAW_TRACEPOINT,
)


def _check_map(program: Program, pc: int, insn: Instruction) -> None:
    """Kernel ``check_map_prog_compatibility``: locks and timers are not for all types."""
    m = program.maps[insn.imm]
    fields = {name for name, _, _ in m.fields}
    if program.type in _TRACING:
        refused, who = fields & {"bpf_spin_lock", "bpf_timer", "bpf_wq"}, "tracing"
    elif program.type is ProgramType.SOCKET_FILTER:
        refused, who = fields & {"bpf_spin_lock"}, "socket filter"
    else:
        return
    if refused:
        raise Rejection(
            "special-field",
            f"{who} progs cannot use {min(refused)} yet",
            f"Map {m.name} has a {min(refused)}, which {program.type.value} programs cannot use.",
            pc=pc,
        )


def check_returns(program: Program, starts: list[int]) -> None:
    """A function that may end early, by a legacy load or a tail call, must return a number."""
    for number, start in enumerate(starts):
        signature = program.signatures.get(start)
        if number == 0 or signature is None or signature.scalar:
            continue
        end = starts[number + 1] if number + 1 < len(starts) else len(program)
        for pc in range(start, end):
            insn = program.slots[pc]
            if insn is None:
                continue
            legacy = insn.cls is Class.LD and not insn.is_ld_imm64
            tail = insn.helper == TAIL_CALL
            if legacy or tail:
                what = "LD_ABS" if legacy else "tail_call"
                message = f"{what} is only allowed in functions that return 'int'."
                raise Rejection("signature", message, f"Function at {start}: {message}", pc=pc)
