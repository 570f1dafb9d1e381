"""Which earlier visit the kernel let stand for a state: the log only says that one does.

The kernel compares a state with earlier ones at the same place (``states_equal``), but not
numbers that nothing was concluded from (not marked *precise*), nor what is never read
again.  So an earlier state may do although it does not contain the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from bpfsmt.domain.analysis import Visit
from bpfsmt.domain.order import Place, missing
from bpfsmt.domain.state import State
from bpfsmt.kernel.log.alive import bit

_NUMBER, _OTHER, _NEVER = 1, 100, 10_000
"""What it costs that a number, anything else, a precise number is not contained."""


def best_cover(
    earlier: Sequence[Visit],
    state: State,
    matters: Callable[[int], int],
    precise: Mapping[int, Collection[Place]],
) -> Visit:
    """The visit that most likely stands for ``state``: of those that come closest the latest.

    ``matters`` gives the mask (`bit`) of what of a visit may be read again, ``precise`` says
    what was marked precise in visits.
    """
    best, least = earlier[-1], -1
    for visit in reversed(earlier):
        cost, mask = 0, matters(visit.index)
        for place, number in missing(visit.state, state):
            if not mask & bit(place):
                continue
            if not number:
                cost += _OTHER
            else:
                cost += _NEVER if place in precise.get(visit.index, ()) else _NUMBER
        if least < 0 or cost < least:
            best, least = visit, cost
        if cost == 0:
            break
    return best
