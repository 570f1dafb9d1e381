"""Which programs are of the core class: what bpfsmt's verifier is meant to decide.

Programs of the types in `ProgramType` that use no function of the kernel (kfunc), no pointer
into the kernel's own structures (BTF pointer), no iterator, no dynptr, no callback, no arena.
"""

from __future__ import annotations

import re

from bpfsmt.isa import HELPER_NAMES, CallSrc, Instruction, LdImm64Src
from bpfsmt.program.program import Program
from bpfsmt.program.sections import program_type

BTF_POINTER = "BTF pointer"

_HELPERS = {
    "callback": re.compile(r"bpf_(for_each_map_elem|loop|find_vma|user_ringbuf_drain|timer_\w+)"),
    "dynptr": re.compile(r"bpf_\w*dynptr\w*"),
    BTF_POINTER: re.compile(
        r"bpf_(kptr_xchg|skc_to_\w+|this_cpu_ptr|per_cpu_ptr|\w+_btf|task_pt_regs"
        r"|(task|inode|cgrp)_storage_\w+)"
    ),
}
_SKIPPED = (
    (re.compile(r"extern \w+ "), "kfunc or variable of the kernel"),
    (re.compile(r"names no program type"), "program type"),
)


def outside_core(program: Program) -> str:
    """Why a program is not of the core class, "" if it is.

    Some pointers into the kernel show only in what a kernel says (`has_btf_pointers`).
    """
    for _, insn in program.instructions():
        if why := _instruction(insn):
            return why
    if any(m.type == "arena" for m in program.maps):
        return "arena"
    if any(m.type == "struct_ops" for m in program.maps):
        return "struct_ops"
    return ""


def skipped_outside_core(section: str, why: str) -> str:
    """The same of a program that did not load because of ``why``."""
    if program_type(section) is None:
        return "program type"
    return next((word for known, word in _SKIPPED if known.search(why)), "")


def _instruction(insn: Instruction) -> str:
    if insn.is_ld_imm64:
        if insn.src == LdImm64Src.CODE:
            return "callback"
        return "variable of the kernel" if insn.src == LdImm64Src.VARIABLE else ""
    if insn.is_call and insn.src == CallSrc.KFUNC:
        return "kfunc"
    if insn.helper is None:
        return ""
    name = HELPER_NAMES.get(insn.helper) or ""
    return next((word for word, names in _HELPERS.items() if names.fullmatch(name)), "")
