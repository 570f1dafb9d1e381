"""What compares tell about packet pointers, and what makes them stale."""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.verifier.env import Env, map_regs
from bpfsmt.verifier.step.pointer import PACKET_TYPES


def learn_less(env: Env, state: State, low: Reg, high: Reg, *, strict: bool) -> State:
    """The state once ``low <= high`` is known (``<`` if strict), about packet pointers.

    Kernel ``find_good_pkt_pointers``: every copy of ``low``, which has its id, learns how
    many bytes after the common variable part are in the packet.
    """
    if not _bounds(env, low, high):
        return state
    known = env.ints.packet_range(low.scalar, low.off, int(strict))

    def learn(reg: Reg) -> Reg:
        if reg.type is low.type and reg.id == low.id and reg.range < known:
            return reg._replace(range=known)
        return reg

    return map_regs(state, learn) if known else state


def _bounds(env: Env, low: Reg, high: Reg) -> bool:
    """``high`` is the end of the area that ``low`` points into."""
    if low.type is RegType.PTR_TO_PACKET:
        return high.type is RegType.PTR_TO_PACKET_END
    # The metadata ends where the packet begins: at an unmoved data pointer.
    start = high.type is RegType.PTR_TO_PACKET and high.id == 0 and high.off == 0
    return low.type is RegType.PTR_TO_PACKET_META and start and high.scalar == env.zero


def forget_packet(state: State) -> State:
    """The state after the packet moved: old packet pointers are mere numbers."""
    unknown = Reg(RegType.SCALAR_VALUE)
    stale = (*PACKET_TYPES, RegType.PTR_TO_PACKET_END)
    return map_regs(state, lambda reg: unknown if reg.type in stale else reg)
