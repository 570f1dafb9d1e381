"""One instruction: from the state before it to the states after it."""

from __future__ import annotations

from bpfsmt.domain import State
from bpfsmt.isa import Class, Instruction, JmpOp, Mode
from bpfsmt.verifier.env import Arm, Env
from bpfsmt.verifier.reasons import unsupported
from bpfsmt.verifier.step.alu import alu
from bpfsmt.verifier.step.branch import branch
from bpfsmt.verifier.step.calls import call, leave
from bpfsmt.verifier.step.memory import atomic, load, load_imm64, store


def step(env: Env, state: State, pc: int, insn: Instruction) -> tuple[Arm, ...]:
    """All ways on from ``state`` at ``pc``, the one to explore first in front.

    Raises `Rejection` if the instruction may do something unsafe in this state.
    """
    match insn.cls:
        case Class.ALU64 | Class.ALU:
            state = alu(env, state, insn)
        case Class.LDX:
            state = load(env, state, insn)
        case Class.STX if insn.mode is Mode.ATOMIC:
            state = atomic(env, state, insn)
        case Class.STX | Class.ST:
            state = store(env, state, insn)
        case Class.JMP | Class.JMP32:
            return _jump(env, state, pc, insn)
        case Class.LD if insn.is_ld_imm64:
            return (Arm("next", pc + 2, load_imm64(env, state, insn)),)
        case Class.LD:
            raise unsupported("a legacy packet load")
    return (Arm("next", pc + 1, state),)


def _jump(env: Env, state: State, pc: int, insn: Instruction) -> tuple[Arm, ...]:
    match insn.jmp_op:
        case JmpOp.JA:
            distance = insn.imm if insn.cls is Class.JMP32 else insn.offset
            return (Arm("next", pc + 1 + distance, state),)
        case JmpOp.CALL:
            return (call(env, state, pc, insn),)
        case JmpOp.EXIT:
            return leave(env, state)
        case JmpOp.JCOND:
            raise unsupported("may_goto")
        case _:
            return branch(env, state, pc, insn)
