"""Calls of the program's own functions, and the end of a function."""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.state import Frame
from bpfsmt.isa import Instruction
from bpfsmt.program.program import Param, ProgramType
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.refs import check_none_held
from bpfsmt.verifier.linux.step.packet import forget_packet
from bpfsmt.verifier.linux.walk import Walk
from bpfsmt.verifier.reasons import unsupported

MAX_FRAMES = 8
"""Functions that may be active at once (kernel MAX_CALL_FRAMES)."""


def call_local(w: Walk, insn: Instruction, pc: int) -> int:
    """Into a static function; a global one is only checked against its signature."""
    start = pc + 1 + insn.imm
    if w.is_global(start):
        return _call_global(w, start, pc)
    state = w.path.state
    if len(state.frames) >= MAX_FRAMES:
        n = len(state.frames) + 1
        w.reject(
            "call-depth",
            f"the call stack of {n} frames is too deep",
            f"At most {MAX_FRAMES} functions may be active at once.",
        )
    caller = state.frames[-1]
    kept = (*[NOT_INIT] * 6, *caller.regs[6:])
    callee = w.env.frame(len(state.frames), pc)
    regs = (NOT_INIT, *caller.regs[1:6], *callee.regs[6:])
    frames = (
        *state.frames[:-1],
        Frame(kept, caller.stack, caller.callsite),
        callee._replace(regs=regs),
    )
    w.path.state = state._replace(frames=frames)
    w.path.kind = "call"
    return start


def _call_global(w: Walk, start: int, pc: int) -> int:
    from bpfsmt.verifier.linux.step.helper import check_parameter

    signature = w.env.program.signatures[start]
    for n, param in enumerate(signature.params, start=1):
        check_parameter(w, n, w.read(n), param)
    if start not in w.called:
        w.called.append(start)
    if w.env.policy.duties.after_functions and w.env.changes_packet(start):
        w.path.state = forget_packet(w.path.state)
    w.clobber(ANY)
    w.path.kind = "over"
    return pc + 1


def leave(w: Walk) -> int | None:
    """``exit``: back to the caller with R0, or the end of the program."""
    state = w.path.state
    if len(state.frames) == 1:
        _check_end(w)
        return None
    callee, caller = state.frames[-1], state.frames[-2]
    result = callee.regs[0]
    if result.type is RegType.PTR_TO_STACK:
        w.reject(
            "stack-pointer-escape",
            "cannot return stack pointer to the caller",
            f"R0 is {w.env.show(result)}: a function cannot return a pointer into a stack.",
            0,
        )
    regs = (result, *caller.regs[1:])
    frames = (*state.frames[:-2], Frame(regs, caller.stack, caller.callsite))
    w.path.state = state._replace(frames=frames)
    w.path.kind = "return"
    return callee.callsite + 1


def tail_called(w: Walk, pc: int) -> int | None:
    """Behind the call of this function, if another program ran in its place; later on, if none did.

    What that program gives is a number, and it may have changed the packet (Linux 6.19).
    """
    w.push(w.path.state, pc + 1, "next")
    w.path.state = forget_packet(w.path.state)
    w.write(0, ANY)
    return leave(w)


def _check_end(w: Walk) -> None:
    check_none_held(w, "BPF_EXIT instruction in main prog")
    entry = w.path.entry
    if entry:
        signature = w.env.program.signatures[entry]
        if not signature.scalar:
            return
    result = w.read(0)
    if entry:
        if result.type is not RegType.SCALAR_VALUE:
            message = (
                f"At subprogram exit the register R0 is not a scalar value ({result.type.value})"
            )
            w.reject("return-value", message, reg=0)
        return
    allowed = _allowed(w)
    if allowed is None:
        return
    low, high = allowed
    if result.type is not RegType.SCALAR_VALUE:
        message = f"At program exit the register R0 is not a known value ({result.type.value})"
        w.reject("return-value", message, reg=0)
    if w.env.policy.returns_tracked:
        w.precise(0)
    if not (low <= result.scalar.smin and result.scalar.smax <= high):
        message = (
            f"At program exit the register R0 has smin={result.scalar.smin} "
            f"smax={result.scalar.smax} should have been in [{low}, {high}]"
        )
        w.reject("return-value", message, f"R0 must lie in {low} to {high}.", 0)


def _allowed(w: Walk) -> tuple[int, int] | None:
    """The numbers that the program may return (``check_return_code``); `None` for any."""
    kind, section = w.env.program.type, w.env.program.section
    if kind is ProgramType.CGROUP_SKB:
        return (0, 3) if section.endswith("/egress") else (0, 1)
    if kind is ProgramType.CGROUP_SOCK:
        return 0, 1
    if kind is ProgramType.CGROUP_SOCK_ADDR:
        what = section.removeprefix("?").partition("/")[2][:-1]
        if what in ("recvmsg", "getpeername", "getsockname"):
            return 1, 1
        return (0, 3) if what == "bind" else (0, 1)
    return None


def start(w: Walk, entry: int) -> State:
    """The state at the start of the program, or of a global function."""
    state = State((w.env.frame(0),))
    if entry == 0:
        return state.with_reg(1, w.env.pointer(RegType.PTR_TO_CTX))
    for n, param in enumerate(w.env.program.signatures[entry].params, start=1):
        state = state.with_reg(n, _given(w, n, param))
    return state


def _given(w: Walk, n: int, param: Param) -> Reg:
    """What a global function may assume of an argument (``btf_prepare_func_args``)."""
    if param.kind == "scalar":
        return ANY
    if param.kind == "ctx":
        return w.env.pointer(RegType.PTR_TO_CTX)
    if param.kind == "mem":
        type_ = RegType.PTR_TO_MEM_OR_NULL if param.nullable else RegType.PTR_TO_MEM
        return w.env.pointer(type_, id=n if param.nullable else 0, mem=param.size)
    if param.kind == "invalid":
        w.reject("signature", f"arg#{n - 1} reference type: {param.text}")
    raise unsupported(f"{param.text} as parameter {n} of a global function")
