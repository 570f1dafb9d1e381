"""A layered drawing of any directed graph: where boxes and wires go.  Pure Python.

This knows nothing of programs: sizes in, coordinates out, in any unit (pixels, say), with
y growing downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from bpfsmt.cfg.columns import centres, place_lanes
from bpfsmt.cfg.layers import Edge, Layers, Node, make_layers
from bpfsmt.cfg.wires import LEAD, TRACK_GAP, Point, Step, ports, steps_of, tracks

BOX_GAP = 32.0
KNOT_GAP = 14.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A finished drawing.

    ``routes`` has for every edge the corners of its polyline, from the bottom of its tail
    to the top of its head, all pieces horizontal or vertical.  ``back`` holds the edges
    that climb; without them the graph has no cycle.
    """

    boxes: Mapping[Node, Box]
    routes: Mapping[Edge, tuple[Point, ...]]
    back: frozenset[Edge]
    width: float
    height: float


def layered_layout(
    graph: nx.DiGraph,
    sizes: Mapping[Node, tuple[float, float]],
    bundle: Callable[[Edge], Hashable] = lambda edge: edge,
) -> Layout:
    """Lay out ``graph`` in rows from top to bottom.

    ``sizes`` has the (width, height) of every node.  Edges to the same node with equal
    ``bundle`` (by default, none) merge into one line on their way.  No two boxes overlap
    and no wire crosses a box.  `KeyError` for a node without a size.

    >>> layout = layered_layout(nx.DiGraph([("a", "b")]), {"a": (40, 20), "b": (40, 20)})
    >>> layout.boxes["a"].x == layout.boxes["b"].x
    True
    >>> [x for x, y in layout.routes["a", "b"]]
    [20.0, 20.0]
    """
    layers = make_layers(graph, bundle)
    widths = {vertex: float(sizes[node][0]) for node, vertex in layers.boxes.items()}
    xs = centres(layers, lambda left, right: _separation(widths, left, right))
    right = max((x + widths.get(vertex, 0.0) / 2 for vertex, x in enumerate(xs)), default=0.0)
    place_lanes(layers, xs, right + BOX_GAP, TRACK_GAP)
    bundles = {edge: (edge in layers.back, bundle(edge)) for edge in graph.edges}
    leaves, arrives = ports(layers, bundles, xs, widths)
    steps = {
        edge: steps_of(layers, edge, bundles[edge], leaves[edge], arrives[edge], xs)
        for edge in graph.edges
    }
    track_of, counts = tracks([step for pieces in steps.values() for step in pieces])
    heights = {vertex: float(sizes[node][1]) for node, vertex in layers.boxes.items()}
    tops, gap_tops = _rows(layers, heights, counts)
    middles = {key: gap_tops[key[0]] + LEAD + track * TRACK_GAP for key, track in track_of.items()}
    boxes = {
        node: Box(xs[v] - widths[v] / 2, tops[layers.row_of[v]], widths[v], heights[v])
        for node, v in layers.boxes.items()
    }
    routes = {
        edge: _route(pieces, boxes[edge[0]], boxes[edge[1]], middles)
        for edge, pieces in steps.items()
    }
    return _at_origin(boxes, routes, layers.back)


def _separation(widths: Mapping[int, float], left: int, right: int) -> float:
    """The least distance of the centres of two neighbours in a row."""
    gap = BOX_GAP if left in widths and right in widths else KNOT_GAP
    if left in widths or right in widths:
        gap = max(gap, KNOT_GAP * 1.5)
    return (widths.get(left, 0.0) + widths.get(right, 0.0)) / 2 + gap


def _rows(
    layers: Layers, heights: Mapping[int, float], counts: Mapping[int, int]
) -> tuple[list[float], list[float]]:
    """The top of every row, and of every gap: gap g is above row g, the last one below all."""
    tops, gap_tops = [], []
    y = 0.0
    for number, row in enumerate([*layers.rows, []]):
        gap_tops.append(y)
        if number > 0 or counts.get(number):
            y += 2 * LEAD + TRACK_GAP * max(0, counts.get(number, 0) - 1)
        tops.append(y)
        y += max((heights.get(vertex, 0.0) for vertex in row), default=0.0)
    return tops, gap_tops


def _route(
    steps: Sequence[Step], tail: Box, head: Box, middles: Mapping[tuple[int, Hashable], float]
) -> tuple[Point, ...]:
    """The corners of an edge, those in the middle of a straight line left out."""
    corners: list[Point] = [(steps[0].start, tail.y + tail.height)]
    for step in steps:
        y = middles.get((step.gap, step.net))
        if y is not None and step.start != step.end:
            corners += [(step.start, y), (step.end, y)]
    corners.append((steps[-1].end, head.y))
    return tuple(corners)


def _at_origin(
    boxes: dict[Node, Box], routes: dict[Edge, tuple[Point, ...]], back: frozenset[Edge]
) -> Layout:
    """Move the drawing so that its upper left corner is (0, 0), and measure it."""
    corners = [point for route in routes.values() for point in route]
    corners += [(box.x, box.y) for box in boxes.values()]
    corners += [(box.x + box.width, box.y + box.height) for box in boxes.values()]
    if not corners:
        return Layout({}, {}, back, 0.0, 0.0)
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    right, bottom = max(x for x, _ in corners), max(y for _, y in corners)
    moved = {n: Box(b.x - left, b.y - top, b.width, b.height) for n, b in boxes.items()}
    shifted = {e: tuple((x - left, y - top) for x, y in route) for e, route in routes.items()}
    return Layout(moved, shifted, back, right - left, bottom - top)
