"""One instruction as Linux walks it: the walk's state is changed, arms are kept for later."""

from __future__ import annotations

from bpfsmt.errors import DecodeError
from bpfsmt.isa import CallSrc, Class, Instruction, JmpOp, Mode, validate
from bpfsmt.verifier.linux.flow import jump_target
from bpfsmt.verifier.linux.step.alu import alu
from bpfsmt.verifier.linux.step.branch import branch
from bpfsmt.verifier.linux.step.calls import call_local, leave
from bpfsmt.verifier.linux.step.helper import call_helper
from bpfsmt.verifier.linux.step.loops import may_goto
from bpfsmt.verifier.linux.step.memory import atomic, load, load_imm64, load_packet, store
from bpfsmt.verifier.linux.walk import Walk
from bpfsmt.verifier.reasons import unsupported


def step(w: Walk, insn: Instruction) -> int | None:
    """Where the path goes on; `None` if it ends.  Raises `Rejection`."""
    pc = w.path.pc
    if pc not in w.env.valid:
        try:
            validate(insn, pc)
        except DecodeError as error:
            w.reject("bad-instruction", f"invalid instruction {insn.opcode:02x}", f"{error}.")
        w.env.valid.add(pc)
    match insn.cls:
        case Class.ALU64 | Class.ALU:
            alu(w, insn)
        case Class.LDX:
            load(w, insn)
        case Class.STX if insn.mode is Mode.ATOMIC:
            atomic(w, insn)
        case Class.STX | Class.ST:
            store(w, insn)
        case Class.LD if insn.is_ld_imm64:
            load_imm64(w, insn)
            return pc + 2
        case Class.LD:
            return load_packet(w, insn)
        case _:
            w.jumps += 1
            return _jump(w, insn, pc)
    return pc + 1


def _jump(w: Walk, insn: Instruction, pc: int) -> int | None:
    match insn.jmp_op:
        case JmpOp.JA:
            return jump_target(pc, insn)
        case JmpOp.CALL:
            if insn.src == CallSrc.KFUNC:
                raise unsupported("a kfunc call")
            if w.path.state.lock and not (insn.src == CallSrc.HELPER and insn.imm == 94):
                w.reject("lock-held", "function calls are not allowed while holding a lock")
            if insn.src == CallSrc.LOCAL:
                return call_local(w, insn, pc)
            call_helper(w, insn.imm)
            return pc + 1
        case JmpOp.EXIT:
            return leave(w)
        case JmpOp.JCOND:
            return may_goto(w, insn, pc)
        case _:
            return branch(w, insn, pc)
