"""One instruction as Linux walks it: the walk's state is changed, arms are kept for later.

Instructions are walked again and again: what their fields say is looked up once, and what is
left is a function on the walk.
"""

from __future__ import annotations

from bpfsmt.errors import DecodeError
from bpfsmt.isa import TAIL_CALL, CallSrc, Class, Instruction, JmpOp, Mode, validate
from bpfsmt.verifier.linux.env import Env
from bpfsmt.verifier.linux.flow import jump_target
from bpfsmt.verifier.linux.step.alu import alu
from bpfsmt.verifier.linux.step.branch import branch
from bpfsmt.verifier.linux.step.calls import call_local, leave, tail_called
from bpfsmt.verifier.linux.step.helper import call_helper
from bpfsmt.verifier.linux.step.loops import may_goto
from bpfsmt.verifier.linux.step.memory import atomic, load, load_imm64, load_packet, store
from bpfsmt.verifier.linux.walk import Effect, Step, Walk
from bpfsmt.verifier.reasons import unsupported


def step(env: Env, pc: int) -> Step:
    """What the instruction at ``pc`` does, with all that its fields say looked up.

    Run, it gives where the path goes on, `None` if it ends, or raises `Rejection`.
    """
    insn = env.slots[pc]
    assert insn is not None
    try:
        validate(insn, pc)
    except DecodeError as error:
        return _invalid(insn, f"{error}.")
    match insn.cls:
        case Class.ALU64 | Class.ALU:
            return _then(alu(env, insn), pc + 1)
        case Class.LDX:
            return _then(load(env, insn), pc + 1)
        case Class.STX if insn.mode is Mode.ATOMIC:
            return _then(lambda w: atomic(w, insn), pc + 1)
        case Class.STX | Class.ST:
            return _then(store(env, insn), pc + 1)
        case Class.LD if insn.is_ld_imm64:
            return _then(lambda w: load_imm64(w, insn), pc + 2)
        case Class.LD:
            return lambda w: load_packet(w, insn)
    return _jump(env, insn, pc)


def _then(effect: Effect, after: int) -> Step:
    """An instruction that always goes on to the one behind it."""

    def run(w: Walk) -> int:
        effect(w)
        return after

    return run


def _invalid(insn: Instruction, why: str) -> Step:
    message = f"invalid instruction {insn.opcode:02x}"
    return lambda w: w.reject("bad-instruction", message, why)


def _jump(env: Env, insn: Instruction, pc: int) -> Step:
    match insn.jmp_op:
        case JmpOp.JA:
            target = jump_target(pc, insn)
            return _counted(lambda w: target)
        case JmpOp.CALL:
            return _counted(lambda w: _call(w, insn, pc))
        case JmpOp.EXIT:
            return _counted(leave)
        case JmpOp.JCOND:
            return _counted(lambda w: may_goto(w, insn, pc))
    return _counted(branch(env, insn, pc))


def _counted(jump: Step) -> Step:
    """Jumps are counted: after some of them a state is kept (kernel ``jmps_processed``)."""

    def run(w: Walk) -> int | None:
        w.jumps += 1
        return jump(w)

    return run


def _call(w: Walk, insn: Instruction, pc: int) -> int | None:
    if insn.src == CallSrc.KFUNC:
        raise unsupported("a kfunc call")
    if w.path.state.lock and not (insn.src == CallSrc.HELPER and insn.imm == 94):
        w.reject("lock-held", "function calls are not allowed while holding a lock")
    if insn.src == CallSrc.LOCAL:
        return call_local(w, insn, pc)
    call_helper(w, insn.imm)
    inside = len(w.path.state.frames) > 1
    if insn.imm == TAIL_CALL and inside and w.env.policy.duties.tail_calls_return:
        return tail_called(w, pc)
    return pc + 1
