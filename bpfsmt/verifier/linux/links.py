"""Numbers of one id are linked: what a compare tells of one it tells of all.

Kernel ``collect_linked_regs`` and ``sync_linked_regs``.
"""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.domain.links import Place, linked, unlinked
from bpfsmt.domain.reg import ADD_CONST, ADD_CONST32, ADDED
from bpfsmt.isa import Instruction
from bpfsmt.verifier.linux.walk import Walk


def collect(w: Walk, pc: int, *ids: int) -> tuple[Place, ...]:
    """The numbers linked by these ids that are kept together; the others are linked no more."""
    state, env = w.path.state, w.env
    live: list[int] = []
    if env.policy.live_links:
        live = [env.live[at] for at in (*state.callsites, pc)]
    found = linked(state, ids, live)
    most = env.policy.most_linked or len(found)
    w.path.state = unlinked(state, found[most:])
    return found[:most]


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
    if reg.type is not RegType.SCALAR_VALUE or (reg.id ^ known.id) & ~ADDED:
        return state
    ints = w.env.ints
    widths = _width(reg), _width(known)
    if not ints.links_mix(*widths):
        return state
    off, known_off = (r.off if r.id & ADDED else 0 for r in (reg, known))
    scalar = ints.linked(reg.scalar, known.scalar, off, known_off, *widths)
    new = known if off == known_off else reg._replace(scalar=scalar)
    if slot is not None:
        return state.with_slot(f, n, slot._replace(spill=new))
    regs = (*frame.regs[:n], new, *frame.regs[n + 1 :])
    frames = (*state.frames[:f], frame._replace(regs=regs), *state.frames[f + 1 :])
    return state._replace(frames=frames)


def _width(reg: Reg) -> int:
    """The width of the addition that made the link, 0 for a plain copy."""
    return 64 if reg.id & ADD_CONST else 32 if reg.id & ADD_CONST32 else 0
