"""Second half of a layered drawing, part two: the wires between the rows.

A wire leaves its box at a *port* on the bottom side, runs straight down or up through the
knots of its edge, and arrives at a port on the top side of the other box.  All sideways
movement happens in the gaps between rows, so that wires never cross boxes; there every wire
has a *track* (a y) that no wire near it has.  Wires that end at the same knot or port share
a track: that is how bundled edges merge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bpfsmt.cfg.columns import spread
from bpfsmt.cfg.layers import Edge, Layers

Point = tuple[float, float]

PORT_GAP = 14.0
"""The least distance of two ports on a side, where the box is wide enough."""
TRACK_GAP = 9.0
LEAD = 14.0
"""How far a wire runs straight from a box before it may turn; arrow heads need it too."""


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of an edge: from one vertex of its path to the next, inside one gap.

    ``gap`` g lies between the rows g - 1 and g.  ``net`` names what the piece ends at;
    ``turns`` is "down" for a piece between two bottoms (an edge that starts to climb), "up"
    for one between two tops (which has climbed), else empty.
    """

    gap: int
    start: float
    end: float
    net: Hashable
    turns: str


def ports(
    layers: Layers, edges: Mapping[Edge, Hashable], xs: Sequence[float], widths: Mapping[int, float]
) -> tuple[dict[Edge, float], dict[Edge, float]]:
    """The x at which every edge leaves its tail, and the x at which it reaches its head.

    Edges that arrive at a box in the same bundle (``edges`` maps to it) share a port.
    """
    out_wants: dict[int, dict[Hashable, tuple[float, float]]] = defaultdict(dict)
    in_wants: dict[int, dict[Hashable, tuple[float, float]]] = defaultdict(dict)
    for edge, path in layers.paths.items():
        tail, after, before, head = path[0], path[1], path[-2], path[-1]
        out_wants[tail][edge] = (xs[after], _towards(xs, widths, tail, after))
        in_wants[head][edges[edge]] = (xs[before], _towards(xs, widths, head, before))
    out_ports = {box: _settle(want, xs[box], widths[box]) for box, want in out_wants.items()}
    for edge, path in layers.paths.items():  # what lies under its tail's port arrives straight
        tail, head = path[0], path[-1]
        leave = out_ports[tail][edge]
        if len(path) == 2 and abs(leave - xs[head]) < _reach(widths[head]):
            in_wants[head][edges[edge]] = (leave, leave)
    in_ports = {box: _settle(want, xs[box], widths[box]) for box, want in in_wants.items()}
    leaves = {edge: out_ports[path[0]][edge] for edge, path in layers.paths.items()}
    arrives = {edge: in_ports[path[-1]][edges[edge]] for edge, path in layers.paths.items()}
    return leaves, arrives


def _reach(width: float) -> float:
    """How far from the middle of a side a port may be."""
    return max(width / 2 - PORT_GAP / 2, 0.0)


def _towards(xs: Sequence[float], widths: Mapping[int, float], box: int, other: int) -> float:
    """Where on the side of ``box`` an edge to ``other`` would best be."""
    middle, target = xs[box], xs[other]
    distance = target - middle
    if other not in widths and abs(distance) < _reach(widths[box]):
        return target  # straight into the knot
    sideways = min(widths[box] / 4, 36.0)
    return middle + max(-sideways, min(sideways, distance / 2))


def _settle(
    wants: Mapping[Hashable, tuple[float, float]], middle: float, width: float
) -> dict[Hashable, float]:
    """Ports in the order of where they lead, near where each wants to be, within the side."""
    names = sorted(wants, key=lambda name: wants[name])
    reach = _reach(width)
    gap = min(PORT_GAP, 2 * reach / max(1, len(names) - 1))
    places = spread([wants[n][1] for n in names], [1.0] * len(names), [gap] * (len(names) - 1))
    low, high = middle - reach, middle + reach
    # Clamping keeps the gaps when the i-th port leaves room for those on either side of it.
    last = len(names) - 1
    return {
        name: min(max(place, low + gap * i), high - gap * (last - i))
        for i, (name, place) in enumerate(zip(names, places, strict=True))
    }


def steps_of(
    layers: Layers, edge: Edge, bundle: Hashable, leave: float, arrive: float, xs: Sequence[float]
) -> list[Step]:
    """The pieces of one edge, in the order of the path."""
    path = layers.paths[edge]
    places = [leave, *(xs[knot] for knot in path[1:-1]), arrive]
    steps = []
    for i, ((first, second), (start, end)) in enumerate(
        zip(pairwise(path), pairwise(places), strict=True)
    ):
        here, there = layers.row_of[first], layers.row_of[second]
        port = ("port", second, bundle) if i == len(path) - 2 else None
        if second in layers.lanes:
            steps.append(Step(here + 1, start, end, ("lane", second), ""))
        elif first in layers.lanes:
            steps.append(Step(there, start, end, port, ""))
        elif here < there:
            steps.append(Step(there, start, end, port or ("top", second), ""))
        elif here > there:
            steps.append(Step(here, start, end, ("bottom", second), ""))
        elif port:
            steps.append(Step(here, start, end, port, "up"))
        else:
            steps.append(Step(here + 1, start, end, ("bottom", second), "down"))
    return steps


def tracks(steps: Sequence[Step]) -> tuple[dict[tuple[int, Hashable], int], dict[int, int]]:
    """A track for every net that moves sideways, and how many tracks every gap has.

    Track 0 is the highest.  Edges that start to climb turn nearest to their boxes, those
    that arrive from below nearest to theirs; between these, nets that go the same way are
    nested so that they do not cross each other.
    """
    spans: dict[tuple[int, Hashable], list[Step]] = defaultdict(list)
    for step in steps:
        spans[step.gap, step.net].append(step)
    by_gap: dict[int, list[tuple[tuple[int, float], float, float, Hashable]]] = defaultdict(list)
    for (gap, net), pieces in spans.items():
        low = min(min(piece.start, piece.end) for piece in pieces)
        high = max(max(piece.start, piece.end) for piece in pieces)
        if high > low:
            by_gap[gap].append((_nesting(pieces), low, high, net))
    result: dict[tuple[int, Hashable], int] = {}
    counts: dict[int, int] = {}
    for gap, nets in by_gap.items():
        placed: list[tuple[float, float, int]] = []
        for _, low, high, net in sorted(nets, key=lambda item: item[:3]):
            near = (t for a, b, t in placed if a < high + TRACK_GAP and low < b + TRACK_GAP)
            track = 1 + max(near, default=-1)
            placed.append((low, high, track))
            result[gap, net] = track
        counts[gap] = 1 + max(track for _, _, track in placed)
    return result, counts


def _nesting(pieces: Sequence[Step]) -> tuple[int, float]:
    """The order in which nets of a gap get their tracks, from the top."""
    turns = {piece.turns for piece in pieces}
    starts = [piece.start for piece in pieces]
    if "down" in turns:
        return 0, abs(starts[0] - pieces[0].end)
    if "up" in turns:
        return 2, -abs(starts[0] - pieces[0].end)
    rightwards = pieces[0].end > sum(starts) / len(starts)
    return 1, -max(starts) if rightwards else min(starts)
