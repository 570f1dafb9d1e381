"""The layered layout: boxes apart, every edge drawn from box to box, no wire through a box."""

from __future__ import annotations

import random
import time
from collections.abc import Hashable
from dataclasses import replace
from itertools import combinations, pairwise
from unittest.mock import patch

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpfsmt.cfg import Box, Layout, layered_layout
from bpfsmt.cfg.columns import place_in_order
from bpfsmt.cfg.layers import crossings, make_layers

Sizes = dict[Hashable, tuple[float, float]]

TOLERANCE = 1e-6


@st.composite
def graphs(draw: st.DrawFn) -> tuple[nx.DiGraph, Sizes]:
    count = draw(st.integers(1, 14))
    node = st.integers(0, count - 1)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(draw(st.lists(st.tuples(node, node), max_size=2 * count)))
    side = st.integers(20, 300)
    return graph, {n: (float(draw(side)), float(draw(side))) for n in graph}


def faults(graph: nx.DiGraph, sizes: Sizes, layout: Layout) -> list[str]:
    """Everything wrong with a layout, in words."""
    wrong = [f"{n} has no box of its size" for n in graph if not _sized(layout, sizes, n)]
    for a, b in combinations(layout.boxes, 2):
        if _overlap(layout.boxes[a], layout.boxes[b]):
            wrong.append(f"{a} and {b} overlap")
    if set(layout.routes) != set(graph.edges):
        wrong.append("the routes are not those of the edges")
    for (tail, head), route in layout.routes.items():
        name = f"{tail}->{head}"
        if not _on_side(layout.boxes[tail], route[0], layout.boxes[tail].height):
            wrong.append(f"{name} does not start at the bottom of its tail")
        if not _on_side(layout.boxes[head], route[-1], 0.0):
            wrong.append(f"{name} does not end at the top of its head")
        for start, end in pairwise(route):
            if start[0] != end[0] and start[1] != end[1]:
                wrong.append(f"{name} is slanted")
            left, right = sorted((start[0], end[0]))
            top, bottom = sorted((start[1], end[1]))
            wire = Box(left, top, right - left, bottom - top)
            wrong += [f"{name} crosses {n}" for n, b in layout.boxes.items() if _overlap(wire, b)]
            if min(left, top) < -TOLERANCE or right > layout.width + TOLERANCE:
                wrong.append(f"{name} leaves the page")
    return wrong


def _sized(layout: Layout, sizes: Sizes, node: Hashable) -> bool:
    box = layout.boxes.get(node)
    return box is not None and (box.width, box.height) == sizes[node]


def _overlap(a: Box, b: Box) -> bool:
    across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    thin = a.width == 0 or a.height == 0  # a wire: it counts only inside the box
    if thin:
        inside_x = a.x + a.width > b.x + TOLERANCE and a.x < b.x + b.width - TOLERANCE
        inside_y = a.y + a.height > b.y + TOLERANCE and a.y < b.y + b.height - TOLERANCE
        return inside_x and inside_y
    return across > TOLERANCE and down > TOLERANCE


def _on_side(box: Box, point: tuple[float, float], down: float) -> bool:
    x, y = point
    inside = box.x - TOLERANCE <= x <= box.x + box.width + TOLERANCE
    return inside and abs(y - (box.y + down)) < TOLERANCE


@given(graphs())
def test_layouts_have_no_faults(drawn: tuple[nx.DiGraph, Sizes]) -> None:
    graph, sizes = drawn
    assert faults(graph, sizes, layered_layout(graph, sizes)) == []
    bundled = layered_layout(graph, sizes, bundle=lambda edge: 0)
    assert faults(graph, sizes, bundled) == []


@given(graphs())
def test_edges_go_down_but_for_those_that_close_cycles(drawn: tuple[nx.DiGraph, Sizes]) -> None:
    graph, sizes = drawn
    layout = layered_layout(graph, sizes)
    for tail, head in graph.edges:
        above = layout.boxes[tail].y < layout.boxes[head].y
        assert above != ((tail, head) in layout.back)
    rest = nx.DiGraph(graph)
    rest.remove_edges_from(layout.back)
    assert nx.is_directed_acyclic_graph(rest)


def test_faults_are_noticed() -> None:
    graph = nx.DiGraph([("a", "b"), ("b", "c"), ("a", "c")])
    sizes: Sizes = dict.fromkeys("abc", (50.0, 20.0))
    good = layered_layout(graph, sizes)
    assert faults(graph, sizes, good) == []

    moved = replace(good, boxes={**good.boxes, "b": good.boxes["a"]})
    assert "a and b overlap" in faults(graph, sizes, moved)
    fewer = replace(good, routes={("a", "b"): good.routes["a", "b"]})
    assert "the routes are not those of the edges" in faults(graph, sizes, fewer)
    middle = good.boxes["b"].x + 25
    top, bottom = good.routes["a", "c"][0][1], good.routes["a", "c"][-1][1]
    through = replace(good, routes={**good.routes, ("a", "c"): ((middle, top), (middle, bottom))})
    assert "a->c crosses b" in faults(graph, sizes, through)
    slanted = replace(good, routes={**good.routes, ("a", "b"): ((0.0, top), (9.0, bottom))})
    assert "a->b is slanted" in faults(graph, sizes, slanted)


def test_a_chain_is_a_straight_line() -> None:
    graph = nx.path_graph(6, create_using=nx.DiGraph)
    sizes: Sizes = {n: (40.0 + 10 * n, 20.0) for n in graph}
    layout = layered_layout(graph, sizes)
    assert {len(route) for route in layout.routes.values()} == {2}
    assert len({x for route in layout.routes.values() for x, _ in route}) == 1


def test_bundled_edges_arrive_at_one_port() -> None:
    graph = nx.DiGraph([(n, n + 1) for n in range(9)] + [(n, 9) for n in range(7)])
    sizes: Sizes = dict.fromkeys(range(10), (80.0, 20.0))
    apart = layered_layout(graph, sizes)
    merged = layered_layout(graph, sizes, bundle=lambda edge: edge == (8, 9))
    assert len({apart.routes[n, 9][-1] for n in range(7)}) == 7
    assert len({merged.routes[n, 9][-1] for n in range(7)}) == 1
    assert merged.routes[8, 9][-1] != merged.routes[0, 9][-1]


def test_a_diamond_has_no_crossing_whatever_the_order_of_its_edges() -> None:
    for left, right in (("b", "c"), ("c", "b")):
        edges = [("a", left), ("a", right), ("b", "d"), ("c", "e"), ("d", "f"), ("e", "f")]
        assert crossings(make_layers(nx.DiGraph(edges), lambda edge: edge)) == 0


@given(graphs())
def test_crossings_by_definition(drawn: tuple[nx.DiGraph, Sizes]) -> None:
    layers = make_layers(drawn[0], lambda edge: edge)
    place = {vertex: i for row in layers.rows for i, vertex in enumerate(row)}
    count = 0
    for row in layers.rows:
        wires = [(place[v], place[w]) for v in row for w in layers.below[v]]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(wires, 2))
    assert crossings(layers) == count


@given(
    st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 9)), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_no_ascending_numbers_are_nearer(pairs: list[tuple[int, int]], rng: random.Random) -> None:
    wanted, weights = [w for w, _ in pairs], [w for _, w in pairs]
    placed = place_in_order(wanted, weights)
    assert all(a <= b + TOLERANCE for a, b in pairwise(placed))

    def distance(xs: list[float]) -> float:
        return sum(w * (x - t) ** 2 for x, t, w in zip(xs, wanted, weights, strict=True))

    for _ in range(20):
        other = sorted(x + rng.uniform(-3, 3) for x in placed)
        assert distance(placed) <= distance(other) + TOLERANCE


def test_empty_graph() -> None:
    assert layered_layout(nx.DiGraph(), {}) == Layout({}, {}, frozenset(), 0.0, 0.0)


def test_a_node_without_a_size_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        layered_layout(nx.DiGraph([(1, 2)]), {1: (5, 5)})


@given(graphs())
def test_lanes_have_no_faults_either(drawn: tuple[nx.DiGraph, Sizes]) -> None:
    graph, sizes = drawn
    with patch("bpfsmt.cfg.layers.KNOT_BUDGET", 5):
        layout = layered_layout(graph, sizes)
    assert faults(graph, sizes, layout) == []


def test_long_edges_get_lanes_beside_all_boxes_when_knots_run_out() -> None:
    graph = nx.path_graph(9, create_using=nx.DiGraph)
    graph.add_edges_from([(0, 8), (7, 1)])
    sizes: Sizes = dict.fromkeys(graph, (80.0, 20.0))
    with patch("bpfsmt.cfg.layers.KNOT_BUDGET", 10):
        layout = layered_layout(graph, sizes)
    for edge in [(0, 8), (7, 1)]:
        assert max(x for x, _ in layout.routes[edge]) > 80 + 9


def test_a_thousand_boxes_do_not_blow_up() -> None:
    rng = random.Random(1)
    graph = nx.path_graph(1000, create_using=nx.DiGraph)
    graph.add_edges_from((n, rng.randrange(n, 1000)) for n in range(999))
    sizes: Sizes = dict.fromkeys(graph, (120.0, 40.0))
    start = time.process_time()
    layout = layered_layout(graph, sizes)
    assert time.process_time() - start < 5  # about 1 s; room for a slow machine
    assert len(layout.routes) == graph.number_of_edges()
