"""Calls of local functions and of helpers, and the end of a function."""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType, State, Tnum
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.state import Frame
from bpfsmt.isa import CallSrc, Instruction
from bpfsmt.program.program import ProgramType
from bpfsmt.verifier.env import Arm, Env, read_reg
from bpfsmt.verifier.reasons import Rejection, unsupported
from bpfsmt.verifier.step.helper import call_helper

MAX_FRAMES = 8
"""Functions that may be active at once (kernel MAX_CALL_FRAMES)."""

_FIRST_SAVED = 6
_LOST = (NOT_INIT,) * _FIRST_SAVED


def call(env: Env, state: State, pc: int, insn: Instruction) -> Arm:
    """The state after a helper, or at the beginning of a local function."""
    if insn.src == CallSrc.HELPER:
        return Arm("next", pc + 1, call_helper(env, state, insn.imm))
    if insn.src == CallSrc.LOCAL:
        return Arm("call", pc + 1 + insn.imm, _enter(env, state, pc))
    raise unsupported("a kfunc call")


def _enter(env: Env, state: State, pc: int) -> State:
    """Push a frame: R1 to R5 are passed, the caller keeps R6 to R9 (RFC 9669, 2)."""
    if len(state.frames) >= MAX_FRAMES:
        raise Rejection(
            "call-depth",
            f"the call stack of {len(state.frames) + 1} frames is too deep !",
            f"At most {MAX_FRAMES} functions may be active at once.",
        )
    caller = state.frames[-1]
    kept = _LOST + tuple(
        reg if env.live[pc + 1] >> number & 1 or number == 10 else NOT_INIT
        for number, reg in enumerate(caller.regs[_FIRST_SAVED:], start=_FIRST_SAVED)
    )
    callee = env.frame(len(state.frames), pc)
    regs = (NOT_INIT, *caller.regs[1:_FIRST_SAVED], *callee.regs[_FIRST_SAVED:])
    frames = (*state.frames[:-1], Frame(kept, caller.stack, caller.callsite))
    return State((*frames, callee._replace(regs=regs)))


def leave(env: Env, state: State) -> tuple[Arm, ...]:
    """``exit``: back to the caller with R0, or the end of the program."""
    if len(state.frames) == 1:
        _check_result(env, read_reg(state, 0))
        return ()
    callee, caller = state.frames[-1], state.frames[-2]
    result = callee.regs[0]
    if result.type is RegType.PTR_TO_STACK:
        raise Rejection(
            "stack-pointer-escape",
            "cannot return stack pointer to the caller",
            f"R0 is {env.show(result)}: a function cannot return a pointer into a stack.",
            reg=0,
        )
    regs = (result, *caller.regs[1:])
    frames = (*state.frames[:-2], Frame(regs, caller.stack, caller.callsite))
    return (Arm("return", callee.callsite + 1, State(frames)),)


def _check_result(env: Env, result: Reg) -> None:
    """Programs of some types may only return certain numbers (``check_return_code``)."""
    if env.program.type is not ProgramType.CGROUP_SKB:
        return
    verdicts = Tnum(0, 1)
    if not result.is_pointer and env.ints.tnum_in(verdicts, result.scalar.var_off):
        return
    var = result.scalar.var_off
    raise Rejection(
        "return-value",
        f"At program exit the register R0 has value ({var.value:#x}; {var.mask:#x}) "
        f"should have been in (0x0; 0x1)",
        f"R0 is {env.show(result)}: a program of type cgroup_skb must return 0 or 1.",
        reg=0,
    )
