"""Numbers of one id are linked: what a compare tells of one it tells of all.

Linux keeps only a few of them together (kernel ``collect_linked_regs``); the others lose their
id and so are linked no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from bpfsmt.domain.reg import ADDED, Reg, RegType
from bpfsmt.domain.state import SPILL, State

Place: TypeAlias = tuple[int, bool, int]
"""A register or stack slot: frame, whether on the stack, number."""

MOST_LINKED = 6
"""So many are kept together (kernel ``LINKED_REGS_MAX``)."""

FRAME_POINTER = 10


def linked(state: State, ids: Iterable[int], live: Sequence[int] = ()) -> tuple[Place, ...]:
    """Where the numbers linked by these ids are, the current frame first.

    If two ids are of one link, all are found twice, as the kernel does it.  Of the registers
    of frame ``n`` only those in the mask ``live[n]``, if it is given (Linux 6.18).
    """
    found: list[Place] = []
    for base in filter(None, (id_ & ~ADDED for id_ in ids)):
        for f in range(len(state.frames) - 1, -1, -1):
            frame = state.frames[f]
            mask = live[f] if live else -1
            for n, reg in enumerate(frame.regs[:FRAME_POINTER]):
                if mask >> n & 1 and _of(reg, base):
                    found.append((f, False, n))
            for n in sorted(frame.stack):
                slot = frame.stack[n]
                if slot.spill is not None and slot.kinds[-1] == SPILL and _of(slot.spill, base):
                    found.append((f, True, n))
    return tuple(found)


def _of(reg: Reg, base: int) -> bool:
    return reg.type is RegType.SCALAR_VALUE and reg.id & ~ADDED == base


def unlinked(state: State, places: Iterable[Place]) -> State:
    """The state in which the numbers at these places are linked to none."""
    for f, stack, n in places:
        frame = state.frames[f]
        if stack:
            slot = frame.stack[n]
            assert slot.spill is not None
            alone = slot._replace(spill=slot.spill._replace(id=0, off=0))
            state = state.with_slot(f, n, alone)
        else:
            regs = (*frame.regs[:n], frame.regs[n]._replace(id=0, off=0), *frame.regs[n + 1 :])
            frames = (*state.frames[:f], frame._replace(regs=regs), *state.frames[f + 1 :])
            state = state._replace(frames=frames)
    return state
