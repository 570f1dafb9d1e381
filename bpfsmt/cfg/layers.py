"""First half of a layered drawing: which row every box is in, and in what order.

The method is that of Sugiyama, Tagawa and Toda (1981).  Boxes get a row by their longest
path from a root; an edge that spans several rows passes through one *knot* (an invisible
vertex) in every row between, so that afterwards all wires join neighbouring rows; then the
order within the rows is swept to have few crossings.

In a huge graph the longest edges would need too many knots.  They run in *lanes* beside the
whole drawing instead, and come in through the gap above the row that they go to.

An edge that goes back up leaves its box downwards, turns, and climbs in a column of knots
beside the boxes, from the row of its tail to the row of its head.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx

Node = Hashable
Edge = tuple[Node, Node]

KNOT_BUDGET = 25_000
"""With more knots than this, the longest edges get lanes."""

SWEEP_BUDGET = 150_000
"""How many vertices all sweeps together may visit, so that huge graphs stay fast."""


@dataclass(slots=True)
class Layers:
    """The boxes and knots by row.

    Vertices are numbers; ``boxes`` gives those of the graph's nodes, all others are knots.
    ``rows`` holds the vertices of each row from left to right, ``row_of`` is its inverse.
    ``paths`` gives for every edge its vertices, both boxes included.  ``above`` and
    ``below`` are the neighbours of a vertex in the rows next to its own, ``beside`` the box
    in the same row that a turning edge joins a knot with.

    A lane is a vertex of its own, in no row, which edges to one node may share; ``lanes``
    says from which row to which it goes.
    """

    boxes: dict[Node, int] = field(default_factory=dict)
    rows: list[list[int]] = field(default_factory=list)
    row_of: list[int] = field(default_factory=list)
    paths: dict[Edge, tuple[int, ...]] = field(default_factory=dict)
    back: frozenset[Edge] = frozenset()
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    beside: dict[int, int] = field(default_factory=dict)
    lanes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, row: int) -> int:
        """A new vertex at the right end of ``row``."""
        vertex = len(self.row_of)
        self.row_of.append(row)
        self.above.append([])
        self.below.append([])
        self.rows.extend([] for _ in range(row + 1 - len(self.rows)))
        self.rows[row].append(vertex)
        return vertex

    def add_lane(self, first: int, last: int) -> int:
        """A new lane beside the rows from ``first`` to ``last``."""
        vertex = len(self.row_of)
        self.row_of.append(-1)
        self.above.append([])
        self.below.append([])
        self.lanes[vertex] = (first, last)
        return vertex

    def join(self, first: int, second: int) -> None:
        """Note that a wire joins two vertices of the same row or of neighbouring rows."""
        upper, lower = sorted((first, second), key=lambda vertex: self.row_of[vertex])
        if self.row_of[upper] == self.row_of[lower]:
            knot, box = max(first, second), min(first, second)
            self.beside.setdefault(knot, box)
        elif lower not in self.below[upper]:
            self.below[upper].append(lower)
            self.above[lower].append(upper)


def make_layers(graph: nx.DiGraph, bundle: Callable[[Edge], Hashable]) -> Layers:
    """Put the nodes of ``graph`` into rows and order the rows.

    Edges to the same node with equal ``bundle`` share their knots, so they merge on the
    way.  That keeps the number of knots below (rows x nodes x kinds of bundles).
    """
    order, back = _depth_first(graph)
    row_of = _rows(graph, order, back)
    layers = Layers(back=back)
    for node in order:
        layers.boxes[node] = layers.add(row_of[node])
    groups: dict[Hashable, list[Edge]] = {}
    for edge in sorted(graph.edges, key=lambda edge: order[edge[0]]):
        groups.setdefault((edge[1], edge in back, bundle(edge)), []).append(edge)
    too_long = _too_long(layers, groups.values())
    for edges in groups.values():
        if edges[0] in too_long:
            _add_lane(layers, edges)
        else:
            column: dict[int, int] = {}
            for edge in edges:
                _add_path(layers, edge, column)
    _sweep(layers)
    return layers


def _reach(layers: Layers, edges: Sequence[Edge]) -> tuple[int, int]:
    """The first and the last row between or beside which a bundle of edges runs."""
    ends = [layers.row_of[layers.boxes[node]] for edge in edges for node in edge]
    return min(ends), max(ends)


def _too_long(layers: Layers, groups: Iterable[list[Edge]]) -> set[Edge]:
    """The edges that get lanes: all but the shortest that the knots suffice for."""
    lengths = {edges[0]: _reach(layers, edges) for edges in groups}
    room, too_long = KNOT_BUDGET, set()
    for edge, (first, last) in sorted(lengths.items(), key=lambda item: item[1][1] - item[1][0]):
        room -= last - first
        if room < 0:
            too_long.add(edge)
    return too_long


def _add_lane(layers: Layers, edges: Sequence[Edge]) -> None:
    lane = layers.add_lane(*_reach(layers, edges))
    for tail, head in edges:
        layers.paths[tail, head] = (layers.boxes[tail], lane, layers.boxes[head])


def _depth_first(graph: nx.DiGraph) -> tuple[dict[Node, int], frozenset[Edge]]:
    """The nodes numbered as a depth-first walk meets them, and the edges that close cycles."""
    met: dict[Node, int] = {}
    on_path: set[Node] = set()
    back: set[Edge] = set()
    for root in graph:
        if root in met:
            continue
        met[root] = len(met)
        on_path.add(root)
        path = [(root, iter(graph.adj[root]))]
        while path:
            node, ways = path[-1]
            target = next(ways, None)
            if target is None:
                path.pop()
                on_path.remove(node)
            elif target in on_path:
                back.add((node, target))
            elif target not in met:
                met[target] = len(met)
                on_path.add(target)
                path.append((target, iter(graph.adj[target])))
    return met, frozenset(back)


def _rows(graph: nx.DiGraph, order: Iterable[Node], back: frozenset[Edge]) -> dict[Node, int]:
    """The row of every node: its longest path from a root, without the edges back."""
    forward = nx.DiGraph()
    forward.add_nodes_from(order)
    forward.add_edges_from(edge for edge in graph.edges if edge not in back)
    rows: dict[Node, int] = {}
    first: Node = next(iter(forward), None)
    for node in nx.topological_sort(forward):
        rows[node] = 1 + max((rows[before] for before in forward.pred[node]), default=-1)
    for node in forward:  # other roots (unreachable code) sink to where they lead
        if node != first and not forward.pred[node] and forward.adj[node]:
            rows[node] = max(0, min(rows[after] for after in forward.adj[node]) - 1)
    return rows


def _add_path(layers: Layers, edge: Edge, column: dict[int, int]) -> None:
    """Lead ``edge`` through the knots of ``column`` (by row), adding those that lack."""
    tail, head = (layers.boxes[node] for node in edge)
    start, end = layers.row_of[tail], layers.row_of[head]
    rows = range(start, end - 1, -1) if edge in layers.back else range(start + 1, end)
    for row in rows:
        if row not in column:
            column[row] = layers.add(row)
    path = (tail, *(column[row] for row in rows), head)
    for first, second in pairwise(path):
        layers.join(first, second)
    layers.paths[edge] = path


def _sweep(layers: Layers) -> None:
    """Order the rows by barycentres, down and up again, and keep the best order seen."""
    sweeps = max(2, min(24, SWEEP_BUDGET // (len(layers.row_of) + 1)))
    best, fewest = [list(row) for row in layers.rows], crossings(layers)
    for sweep in range(sweeps):
        if fewest == 0:
            break
        downwards = sweep % 2 == 0
        neighbours = layers.above if downwards else layers.below
        numbers = range(len(layers.rows))
        for number in numbers if downwards else reversed(numbers):
            _order_row(layers, number, neighbours, ties_to_the_right=sweep % 4 >= 2)
        count = crossings(layers)
        if count < fewest:
            best, fewest = [list(row) for row in layers.rows], count
    layers.rows = best


def _order_row(
    layers: Layers, number: int, neighbours: list[list[int]], *, ties_to_the_right: bool
) -> None:
    """Sort one row by the mean place of each vertex's neighbours in the row before."""
    row = layers.rows[number]
    near = number + (-1 if neighbours is layers.above else 1)
    place = dict(_places(layers.rows[near])) if 0 <= near < len(layers.rows) else {}
    keys: dict[int, float] = {}
    for position, vertex in enumerate(row):
        around = neighbours[vertex]
        keys[vertex] = (
            sum(place[other] for other in around) / len(around) if around else float(position)
        )
    for vertex in row:
        if not neighbours[vertex] and vertex in layers.beside:
            keys[vertex] = keys[layers.beside[vertex]] + 0.25
    if ties_to_the_right:
        row.reverse()
    row.sort(key=keys.__getitem__)


def _places(row: list[int]) -> Iterable[tuple[int, int]]:
    return ((vertex, place) for place, vertex in enumerate(row))


def crossings(layers: Layers) -> int:
    """How many pairs of wires between neighbouring rows cross."""
    total = 0
    for upper, lower in pairwise(layers.rows):
        place: Mapping[int, int] = dict(_places(lower))
        seen: list[int] = []
        for vertex in upper:
            ends = [place[other] for other in layers.below[vertex]]
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total
