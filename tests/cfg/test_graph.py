"""Blocks, edges and the analyses over them against brute force on instructions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given

from bpfsmt.cfg import (
    ControlFlow,
    back_edges,
    build_cfg,
    cfg_from_text,
    dominates,
    immediate_dominators,
    immediate_postdominators,
    irreducible_loops,
    natural_loops,
    reachable,
    reverse_postorder,
    topological_order,
    unreachable,
)
from bpfsmt.errors import CfgError

from .programs import Drawn, Ways, closure, drawn_programs


@given(drawn_programs())
def test_ways_are_those_drawn(drawn: Drawn) -> None:
    cfg = build_cfg(drawn.program)
    assert {pc: {to for to, _ in cfg.successors_of(pc)} for pc in cfg.block_starts} == drawn.ways


@given(drawn_programs())
def test_blocks_partition_the_program_and_are_straight_and_greatest(drawn: Drawn) -> None:
    cfg, ways = build_cfg(drawn.program), drawn.ways
    into = {pc: {before for before in ways if pc in ways[before]} for pc in ways}
    seen = []
    for block, data in cfg.graph.nodes(data=True):
        pcs = [pc for pc, _ in data["insns"]]
        assert (pcs[0], pcs[-1]) == (block, data["end"])
        for pc, after in pairwise(pcs):
            assert ways[pc] == {after}
            assert into[after] == {pc}
        seen += pcs
    assert seen == sorted(ways)
    for _, head, kind in cfg.graph.edges(data="kind"):
        if kind == "fall":  # only a second way in can have cut the block here
            assert len(into[head]) > 1


def test_kinds_of_edges() -> None:
    cfg = cfg_from_text(
        "if r1 == 0 goto pc+1\nif r1 == 1 goto pc+0\nr0 = 0\ngoto pc+0\nr0 = 1\nmay_goto pc-2\nexit"
    )
    assert list(cfg.graph.edges(data="kind")) == [
        (0, 1, "not-taken"),
        (0, 2, "taken"),
        (1, 2, "both"),
        (2, 4, "jump"),
        (4, 6, "not-taken"),
        (4, 4, "taken"),
    ]


@given(drawn_programs())
def test_reachable(drawn: Drawn) -> None:
    cfg = build_cfg(drawn.program)
    assert reachable(cfg) == closure(drawn.ways, 0)
    assert set(unreachable(cfg)) == drawn.ways.keys() - closure(drawn.ways, 0)


def test_functions_are_reached_by_calls_and_callbacks_only_from_reachable_code() -> None:
    cfg = cfg_from_text(
        "main:\ncall used\nexit\ncall unused\nexit\nused:\nr1 = func[cb]\nexit\n"
        "unused:\nexit\ncb:\nexit"
    )
    assert {cfg.calls.nodes[entry]["name"] for entry in cfg.functions} == {
        "main",
        "used",
        "unused",
        "cb",
    }
    assert unreachable(cfg) == (2, 3, 7)


@given(drawn_programs())
def test_back_edges(drawn: Drawn) -> None:
    cfg, ways = build_cfg(drawn.program), drawn.ways
    live = closure(ways, 0)
    cyclic = any(pc in closure(ways, after) for pc in live for after in ways[pc])
    edges = back_edges(cfg)
    assert bool(edges) == cyclic
    for edge in edges:
        assert edge.target in ways[edge.pc]
        assert edge.pc in closure(ways, edge.target)
    rest = nx.DiGraph((pc, to) for pc in live for to in ways[pc])
    rest.remove_edges_from((edge.pc, edge.target) for edge in edges)
    assert nx.is_directed_acyclic_graph(rest)


def test_the_walk_takes_the_fall_through_first() -> None:
    """In 1 <-> 3 the edge back is the one that closes the cycle on the way 0, 1, 3."""
    cfg = cfg_from_text("if r1 == 0 goto pc+2\nr0 = 0\ngoto pc+0\nif r1 == 0 goto pc-3\nexit")
    assert [(edge.pc, edge.target) for edge in back_edges(cfg)] == [(3, 1)]


@given(drawn_programs())
def test_topological_order_or_the_back_edge_that_forbids_it(drawn: Drawn) -> None:
    cfg = build_cfg(drawn.program)
    if edges := back_edges(cfg):
        with pytest.raises(CfgError) as caught:
            topological_order(cfg)
        assert caught.value.pc == edges[0].pc
        return
    order = topological_order(cfg)
    assert order == reverse_postorder(cfg)
    assert set(order) == set(cfg.graph) & closure(drawn.ways, 0)
    place = {block: i for i, block in enumerate(order)}
    assert all(place[tail] < place[head] for tail, head in cfg.graph.edges if tail in place)


def wrong_dominators(ways: Ways, starts: set[int], claimed: Mapping[int, int | None]) -> list[int]:
    """The blocks whose claimed immediate dominator is not so, by the definition.

    d dominates b if b is reached, but not when d is taken away; the immediate one is the
    strict dominator that all other strict dominators dominate.
    """
    live = closure(ways, 0) & starts

    def strict(block: int) -> set[int]:
        return {d for d in live if d != block and block not in closure(ways, 0, without=d)}

    wrong = [block for block in claimed if block not in live]
    for block in live:
        above = strict(block)
        nearest = [d for d in above if above - {d} <= strict(d)]
        if block not in claimed or claimed[block] != next(iter(nearest), None):
            wrong.append(block)
    return wrong


@given(drawn_programs())
def test_immediate_dominators(drawn: Drawn) -> None:
    cfg = build_cfg(drawn.program)
    assert wrong_dominators(drawn.ways, set(cfg.graph), immediate_dominators(cfg)) == []


def test_a_wrong_dominator_is_noticed() -> None:
    cfg = cfg_from_text("if r1 == 0 goto pc+1\nr0 = 1\nr0 = 2\nexit")
    ways = {pc: frozenset(to for to, _ in cfg.successors_of(pc)) for pc in cfg.block_starts}
    good = immediate_dominators(cfg)
    assert wrong_dominators(ways, set(cfg.graph), good) == []
    assert wrong_dominators(ways, set(cfg.graph), {**good, 2: 1}) == [2]
    assert wrong_dominators(ways, set(cfg.graph), {0: None, 1: 0}) == [2]


@given(drawn_programs(12))
def test_dominates_by_instruction(drawn: Drawn) -> None:
    cfg, ways = build_cfg(drawn.program), drawn.ways
    live = closure(ways, 0)
    for first in ways:
        without = closure(ways, 0, without=first)
        for second in ways:
            truth = second in live and second not in without
            assert dominates(cfg, first, second) == truth, (first, second)


@given(drawn_programs(16))
def test_immediate_postdominators(drawn: Drawn) -> None:
    """Turn the program around (all ends joined in a new start) and use the same definition."""
    cfg, ways = build_cfg(drawn.program), drawn.ways
    turned = {pc + 1: frozenset(b + 1 for b in ways if pc in ways[b]) for pc in ways}
    turned[0] = frozenset(pc + 1 for pc in ways if not ways[pc])
    ends = {data["end"] + 1: block for block, data in cfg.graph.nodes(data=True)}
    starts = {block: end for end, block in ends.items()}
    claimed: dict[int, int | None] = {0: None}
    for block, parent in immediate_postdominators(cfg).items():
        claimed[starts[block]] = 0 if parent is None else starts[parent]
    assert wrong_dominators(turned, {0, *ends}, claimed) == []


def test_a_tail_call_may_end_the_function() -> None:
    straight = "if r1 == 0 goto pc+1\ncall {}\nr0 = 0\nexit"
    assert immediate_postdominators(cfg_from_text(straight.format(5)))[1] == 2
    assert immediate_postdominators(cfg_from_text(straight.format(12)))[1] is None


@given(drawn_programs())
def test_natural_loops(drawn: Drawn) -> None:
    """A loop's body: what the head dominates and can go back to the head, latches from it."""
    cfg, ways = build_cfg(drawn.program), drawn.ways
    loops = {loop.head: loop for loop in natural_loops(cfg)}
    live = closure(ways, 0)
    for head in set(cfg.graph) & live:
        below = live - closure(ways, 0, without=head)
        latches = {pc for pc in below if head in ways[pc]}
        assert (head in loops) == bool(latches)
        if latches:
            outside = {pc: ways[pc] - {head} for pc in ways}
            body = {pc for pc in below if latches & closure(outside, pc)}
            assert set(loops[head].latches) == latches
            assert loops[head].body == {pc for pc in body if pc in cfg.graph}


@given(drawn_programs())
def test_irreducible_loops_are_cycles_that_natural_loops_do_not_explain(drawn: Drawn) -> None:
    cfg, ways = build_cfg(drawn.program), drawn.ways
    natural = {(latch, loop.head) for loop in natural_loops(cfg) for latch in loop.latches}
    live = closure(ways, 0)
    rest = {pc: frozenset(to for to in ways[pc] if (pc, to) not in natural) for pc in live}
    cyclic = {pc for pc in live if any(pc in closure(rest, to) for to in rest[pc])}
    loops = irreducible_loops(cfg)
    assert {block for loop in loops for block in loop.body} == cyclic & set(cfg.graph)
    assert all(len(loop.entries) > 1 for loop in loops)


def test_the_smallest_irreducible_loop() -> None:
    cfg = cfg_from_text("if r1 == 0 goto pc+1\nr0 = 0\nif r2 == 0 goto pc-2\nexit")
    (loop,) = irreducible_loops(cfg)
    assert loop.entries == (1, 2)
    assert loop.body == {1, 2}
    assert natural_loops(cfg) == ()


def test_long_programs_do_not_exhaust_the_stack() -> None:
    cfg: ControlFlow = cfg_from_text("if r1 == 0 goto pc+0\n" * 3000 + "exit")
    assert len(topological_order(cfg)) == 3001
