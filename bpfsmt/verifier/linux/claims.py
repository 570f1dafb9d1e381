"""What a walk claims once it is over: its states, without what has never mattered.

A path ends where an explored state stands for it, and there only what has mattered is
compared.  So the explored state claims no more than that: registers that nothing reads any
more and numbers whose values decided nothing are forgotten, in every visit between the
places where they came from and where they would have been used.  What is left is a claim
that every edge must carry on, pruned ones too; if what was thought not to matter does
matter, some edge does not, and the checkers find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bpfsmt.domain import Reg, RegType, Slot, State
from bpfsmt.domain.analysis import Analysis, Visit
from bpfsmt.domain.state import INVALID, MISC, SPILL, Frame
from bpfsmt.verifier.linux.prune import only_live
from bpfsmt.verifier.linux.reads import Live

Needed = tuple[list[int], list[int]]
"""By frame, the registers and the stack slots whose values mattered."""

Alive = Callable[[Visit], Sequence[Live]]
"""By frame, the registers and the stack slots that are read from a visit on."""

_NOTHING: Needed = ([0] * 8, [0] * 8)
_ANY = Reg(RegType.SCALAR_VALUE)


def forget(analysis: Analysis, alive: Alive, needed: dict[int, Needed]) -> None:
    """Let the analysis claim only what the walk has used."""
    visits, edges = analysis.visits, analysis.edges
    live = [alive(visit) for visit in visits]
    for n, visit in enumerate(visits):
        state = _without(visit.state, live[n], needed.get(n, _NOTHING))
        visits[n] = replace(visit, state=state)
    for n, edge in enumerate(edges):
        if edge.pruned:
            state = _without(edge.state, live[edge.dst], needed.get(edge.dst, _NOTHING))
        else:
            state = visits[edge.dst].state
        edges[n] = replace(edge, state=state)


def _without(state: State, live: Sequence[Live], needed: Needed) -> State:
    frames = []
    for f, frame in enumerate(state.frames):
        kept = only_live(frame, *live[f])
        frames.append(_frame(kept, needed[0][f], needed[1][f]))
    return state._replace(frames=tuple(frames))


def _frame(frame: Frame, regs: int, slots: int) -> Frame:
    kept = tuple(_reg(reg, regs >> n & 1) for n, reg in enumerate(frame.regs))
    stack = {n: _slot(slot, slots >> n & 1) for n, slot in frame.stack.items()}
    return Frame(kept, stack, frame.callsite)


def _reg(reg: Reg, matters: int) -> Reg:
    return _ANY if reg.type is RegType.SCALAR_VALUE and not matters else reg


def _slot(slot: Slot, matters: int) -> Slot:
    """Bytes of anything claim nothing: a privileged program may read what it never wrote."""
    spill = slot.spill
    if spill is not None and spill.type is RegType.SCALAR_VALUE and matters:
        return Slot(slot.kinds.replace(MISC, INVALID), spill)
    if spill is not None and spill.type.is_pointer and slot.kinds == SPILL * 8:
        return slot
    return Slot(slot.kinds.replace(MISC, INVALID).replace(SPILL, INVALID))
