"""Numbers of one id are linked: what a compare tells of one it tells of all.

Kernel ``collect_linked_regs`` and ``sync_linked_regs``.
"""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.domain.reg import ADD_CONST
from bpfsmt.domain.state import SPILL
from bpfsmt.isa import Instruction
from bpfsmt.verifier.linux.path import Place
from bpfsmt.verifier.linux.walk import Walk

_MOST = 6
"""More than this many linked numbers are not kept together (kernel LINKED_REGS_MAX)."""


def linked_to(state: State, *ids: int) -> tuple[Place, ...]:
    """Where the numbers linked by these ids are, the current frame first."""
    found: list[Place] = []
    for id_ in ids:
        base = id_ & ~ADD_CONST
        if not base:
            continue
        for f in range(len(state.frames) - 1, -1, -1):
            frame = state.frames[f]
            for n, reg in enumerate(frame.regs[:10]):
                if _of(reg, base) and (f, False, n) not in found:
                    found.append((f, False, n))
            for n in sorted(frame.stack):
                slot = frame.stack[n]
                there = slot.spill is not None and slot.kinds[7] == SPILL and _of(slot.spill, base)
                if there and (f, True, n) not in found:
                    found.append((f, True, n))
    return tuple(found[:_MOST])


def _of(reg: Reg, base: int) -> bool:
    return reg.type is RegType.SCALAR_VALUE and reg.id & ~ADD_CONST == base


def narrow_linked(w: Walk, state: State, insn: Instruction, places: tuple[Place, ...]) -> State:
    """The state in which all linked numbers know what the compared ones now know."""
    top = len(state.frames) - 1
    numbers = (insn.src, insn.dst) if insn.uses_reg else (insn.dst,)
    for number in numbers:
        known = state.frames[top].regs[number]
        if known.type is not RegType.SCALAR_VALUE or not known.id:
            continue
        for place in places:
            if place != (top, False, number):
                state = _narrow(w, state, place, known)
    return state


def _narrow(w: Walk, state: State, place: Place, known: Reg) -> State:
    f, stack, n = place
    frame = state.frames[f]
    slot = frame.stack[n] if stack else None
    reg = slot.spill if slot is not None else frame.regs[n]
    assert reg is not None
    if not _of(reg, known.id & ~ADD_CONST):
        return state
    both = (reg.id | known.id) & ADD_CONST
    distance = (reg.off if reg.id & ADD_CONST else 0) - (known.off if known.id & ADD_CONST else 0)
    if not both or reg.off == known.off:
        new = known
    else:
        scalar = w.env.ints.alu64_add(known.scalar, w.env.const(distance & 0xFFFFFFFFFFFFFFFF))
        new = reg._replace(scalar=scalar)
    if slot is not None:
        return state.with_slot(f, n, slot._replace(spill=new))
    regs = (*frame.regs[:n], new, *frame.regs[n + 1 :])
    frames = (*state.frames[:f], frame._replace(regs=regs), *state.frames[f + 1 :])
    return state._replace(frames=frames)
