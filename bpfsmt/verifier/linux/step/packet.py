"""What compares tell of packet pointers, and what makes them stale."""

from __future__ import annotations

from types import SimpleNamespace

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.isa import Instruction, JmpOp
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.walk import Walk

PACKET_POINTERS = frozenset(
    {RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META, RegType.PTR_TO_PACKET_END}
)
_LESS = (JmpOp.JLT, JmpOp.JLE)
_GREATER = (JmpOp.JGT, JmpOp.JGE)


def at_end(ints: SimpleNamespace, op: JmpOp, a: Reg, b: Reg) -> int:
    """Whether the jump is taken by a pointer known to be at the end (1, 0, or -1: unknown)."""
    flip = {JmpOp.JGT: JmpOp.JLT, JmpOp.JLT: JmpOp.JGT, JmpOp.JGE: JmpOp.JLE, JmpOp.JLE: JmpOp.JGE}
    if b.type is RegType.PTR_TO_PACKET_END:
        pointer = a
    elif a.type is RegType.PTR_TO_PACKET_END:
        pointer, op = b, flip.get(op, op)
    else:
        return -1
    rule = ints.taken_pkt_lt if op in (JmpOp.JLT, JmpOp.JGE) else ints.taken_pkt_le
    if (op not in _LESS and op not in _GREATER) or rule(pointer.range) < 0:
        return -1
    return int(op in _GREATER)


def compare_packet(w: Walk, insn: Instruction, a: Reg, b: Reg, state: State) -> tuple[State, State]:
    """The states where a compare of a packet pointer fails and holds (``try_match_pkt_pointers``).

    Every copy of a pointer before the end learns how many bytes are there; one that is not
    before the end is known to be at or beyond it.
    """
    fallen = taken = state
    op = insn.jmp_op
    if op not in _LESS and op not in _GREATER:
        return fallen, taken
    if _bounds(a, b):
        low, number, less_when_taken = a, insn.dst, op in _LESS
        strict = op in (JmpOp.JLT, JmpOp.JGE)
    elif _bounds(b, a):
        low, number, less_when_taken = b, insn.src, op in _GREATER
        strict = op in (JmpOp.JGT, JmpOp.JLE)
    else:
        return fallen, taken
    before = _learn(w, state, low, strict)
    beyond = state
    if low.type is RegType.PTR_TO_PACKET:
        reg = state.regs[number]._replace(range=w.env.ints.packet_end_range(not strict))
        beyond = state.with_reg(number, reg)
    return (beyond, before) if less_when_taken else (before, beyond)


def _learn(w: Walk, state: State, low: Reg, strict: bool) -> State:
    from bpfsmt.verifier.linux.step.branch import map_state

    known = w.env.ints.packet_range(low.scalar, low.off, int(strict))
    if not known:
        return state

    def learn(reg: Reg) -> Reg:
        if reg.type is low.type and reg.id == low.id and reg.range < known:
            return reg._replace(range=known)
        return reg

    return map_state(state, learn)


def _bounds(low: Reg, high: Reg) -> bool:
    """``high`` is the end of the area that ``low`` points into."""
    if low.type is RegType.PTR_TO_PACKET:
        return high.type is RegType.PTR_TO_PACKET_END
    start = high.type is RegType.PTR_TO_PACKET and high.id == 0 and high.off == 0
    return (
        low.type is RegType.PTR_TO_PACKET_META and start and high.is_const and not high.const_value
    )


def forget_packet(state: State) -> State:
    """The state after the packet moved: old packet pointers are mere numbers."""
    from bpfsmt.verifier.linux.step.branch import map_state

    return map_state(state, lambda reg: ANY if reg.type in PACKET_POINTERS else reg)
