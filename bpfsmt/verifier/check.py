"""The first pass: what is wrong with a program whatever the registers hold (paper, 3.3).

Control flow stays inside and has no cycle, every instruction is reached, none is of a
kind that is not known.
"""

from __future__ import annotations

from bpfsmt.cfg import (
    ControlFlow,
    back_edges,
    build_cfg,
    recursive_functions,
    unreachable,
)
from bpfsmt.errors import DecodeError, UnsupportedError
from bpfsmt.isa import HELPER_NAMES, CallSrc, Class, Instruction, JmpOp, LdImm64Src, validate
from bpfsmt.program.program import Program
from bpfsmt.rules import Policy
from bpfsmt.semantics.helpers import HELPERS
from bpfsmt.verifier.reasons import Rejection, unsupported

_PROBLEMS = {
    "empty": ("program-length", "empty program"),
    "bad-function": ("bad-jump", "function does not start at an instruction"),
    "out-of-range": ("bad-jump", "jump out of range"),
    "into-ld-imm64": ("bad-jump", "jump into the middle of ldimm64 insn"),
    "out-of-function": ("bad-jump", "jump out of range"),
    "falls-off": ("falls-off", "last insn is not an exit or jmp"),
}


def check(program: Program, policy: Policy) -> ControlFlow:
    """The program's control flow, if the first pass finds nothing wrong.

    Raises `Rejection` naming the pc.
    """
    _check_length(program, policy)
    for pc, insn in program.instructions():
        _check_instruction(program, policy, pc, insn)
    try:
        cfg = build_cfg(program, strict=False)
    except UnsupportedError as error:
        raise unsupported(str(error)) from None
    if cfg.problems:
        problem = cfg.problems[0]
        kind, words = _PROBLEMS[problem.kind]
        raise Rejection(kind, f"{words} from insn {problem.pc}", problem.message, pc=problem.pc)
    _check_cycles(cfg, policy)
    for pc in unreachable(cfg):
        reason = f"No path leads to the instruction at {pc}; remove it."
        raise Rejection("unreachable", f"unreachable insn {pc}", reason, pc=pc)
    return cfg


def _check_length(program: Program, policy: Policy) -> None:
    if 0 < len(program) <= policy.max_insns:
        return
    raise Rejection(
        "program-length",
        f"program length {len(program)} is not in 1..{policy.max_insns}",
        f"The program has {len(program)} instructions; 1 to {policy.max_insns} are admitted.",
        pc=0,
    )


def _check_cycles(cfg: ControlFlow, policy: Policy) -> None:
    edges = back_edges(cfg)
    if edges and not policy.loops:
        pc, target = edges[0].pc, edges[0].target
        reason = f"The jump at {pc} goes back to {target}; loops must be unrolled."
        raise Rejection("back-edge", f"back-edge from insn {pc} to {target}", reason, pc=pc)
    for group in recursive_functions(cfg):
        inside = cfg.calls.subgraph(group)
        pc = min(site for _, _, sites in inside.edges(data="sites") for site in sites)
        name = cfg.calls.nodes[group[0]]["name"]
        reason = (
            f"The call at {pc} is part of a recursion through {name}; a loop cannot be bounded."
        )
        raise Rejection("recursion", f"recursive call from insn {pc}", reason, pc=pc)


def _check_instruction(program: Program, policy: Policy, pc: int, insn: Instruction) -> None:
    try:
        validate(insn, pc)
    except DecodeError as error:
        message = f"unknown opcode {insn.opcode:02x}"
        raise Rejection("bad-instruction", message, f"{error}.", pc=pc) from None
    if insn.is_ld_imm64:
        _check_reference(program, pc, insn)
    elif insn.cls is Class.LD:
        raise unsupported("a legacy packet load", pc=pc)
    elif insn.is_jmp and insn.jmp_op is JmpOp.JCOND:
        raise unsupported("may_goto", pc=pc)
    elif insn.is_jmp and insn.jmp_op is JmpOp.CALL:
        _check_call(program, policy, pc, insn)


def _check_reference(program: Program, pc: int, insn: Instruction) -> None:
    """What an ld_imm64 refers to: a map, or a place in the only value of an array."""
    if insn.src == LdImm64Src.IMM:
        return
    if insn.src not in (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_VALUE):
        raise unsupported(f"ld_imm64 of kind {LdImm64Src(insn.src).name}", pc=pc)
    if not 0 <= insn.imm < len(program.maps):
        message = f"fd {insn.imm} is not pointing to valid bpf_map"
        reason = f"There is no map {insn.imm}: the program has {len(program.maps)} maps."
        raise Rejection("bad-map-reference", message, reason, pc=pc)
    if insn.src == LdImm64Src.MAP_BY_FD:
        return
    m, offset = program.maps[insn.imm], insn.next_imm & 0xFFFFFFFF
    if m.type != "array" or m.max_entries != 1:
        message = "no support for direct value access of this map"
        reason = f"Map {m.name} is no array of one entry, so its value has no fixed address."
    elif offset >= m.value_size:
        message = f"direct value offset of {offset} is not allowed"
        reason = f"The value of map {m.name} has {m.value_size} bytes; there is none at {offset}."
    else:
        return
    raise Rejection("bad-map-reference", message, reason, pc=pc)


def _check_call(program: Program, policy: Policy, pc: int, insn: Instruction) -> None:
    if insn.src == CallSrc.KFUNC:
        raise unsupported("a kfunc call", pc=pc)
    if insn.src == CallSrc.LOCAL:
        if not policy.calls:
            reason = "This rule set admits no calls of local functions; inline them."
            raise Rejection("local-calls", "function calls are not allowed", reason, pc=pc)
        return
    helper, name = HELPERS.get(insn.imm), HELPER_NAMES.get(insn.imm)
    if name is None:
        message, reason = f"invalid func unknown#{insn.imm}", f"There is no helper {insn.imm}."
        raise Rejection("unknown-helper", message, reason, pc=pc)
    if helper is None:
        raise unsupported(f"helper {name}#{insn.imm}", pc=pc)
    if helper.types and program.type not in helper.types:
        message = f"program of this type cannot use helper {name}#{insn.imm}"
        reason = f"A program of type {program.type.value} cannot call {name}."
        raise Rejection("unknown-helper", message, reason, pc=pc)
