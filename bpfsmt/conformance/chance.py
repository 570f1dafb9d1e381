"""Programs without chance: what no two runs can agree on becomes a constant.

The clock, random numbers, who runs the program and the kernel's routing table differ from
run to run, or from machine to kernel.  A call of such a helper is replaced by a constant for
R0, in the program that both sides then run: as if the helper had answered that.
"""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.isa.helper_ids import HELPER_IDS
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, CallSrc, Class, JmpOp
from bpfsmt.program.program import Program

CHANCE = frozenset(
    HELPER_IDS[name]
    for name in (
        "bpf_ktime_get_ns", "bpf_ktime_get_boot_ns", "bpf_ktime_get_coarse_ns",
        "bpf_ktime_get_tai_ns", "bpf_jiffies64", "bpf_get_prandom_u32",
        "bpf_get_current_pid_tgid", "bpf_get_current_uid_gid", "bpf_fib_lookup",
    )
    if name in HELPER_IDS
)  # fmt: skip

ANSWERS = (0, 1, 2, 1_000_000_000, (1 << 31) - 1, -1)
"""What they are made to answer, one after another."""


def has_chance(program: Program) -> bool:
    """Whether a program calls a helper whose answer is chance."""
    return any(_is_chance(insn) for _, insn in program.instructions())


def without_chance(program: Program, answer: int) -> Program:
    """The program with ``answer`` (signed, 32 bits) in place of what is chance."""
    constant = Instruction(Class.ALU64 | AluOp.MOV, 0, imm=answer)
    slots = (constant if s is not None and _is_chance(s) else s for s in program.slots)
    return replace(program, slots=tuple(slots))


def _is_chance(insn: Instruction) -> bool:
    is_call = insn.opcode == Class.JMP | JmpOp.CALL and insn.src == CallSrc.HELPER
    return is_call and insn.imm in CHANCE
