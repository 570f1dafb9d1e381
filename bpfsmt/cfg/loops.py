"""Loops: the natural ones, with one way in, and the irreducible rest."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx

from bpfsmt.cfg.dominance import dominators
from bpfsmt.cfg.graph import ControlFlow


@dataclass(frozen=True, slots=True)
class Loop:
    """A natural loop: ``head`` dominates all of ``body``.

    ``body`` holds the blocks, the head among them; ``latches`` are the pcs, ascending, of
    the instructions that go back to the head.
    """

    head: int
    body: frozenset[int]
    latches: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IrreducibleLoop:
    """A cycle that can be entered at more than one block: ``entries``, ascending."""

    entries: tuple[int, ...]
    body: frozenset[int]


def natural_loops(cfg: ControlFlow) -> tuple[Loop, ...]:
    """The natural loops, by head; the edges back to one head make one loop.

    >>> from bpfsmt.cfg import cfg_from_text
    >>> natural_loops(cfg_from_text("r0 = 3\\nr0 += -1\\nif r0 != 0 goto pc-2\\nexit"))
    (Loop(head=1, body=frozenset({1}), latches=(2,)),)
    """
    loops = []
    for head, tails in sorted(_natural_back_edges(cfg).items()):
        body = {head}
        waiting = list(tails)
        while waiting:
            block = waiting.pop()
            if block not in body:
                body.add(block)
                waiting.extend(cfg.graph.pred[block])
        latches = tuple(sorted(cfg.graph.nodes[tail]["end"] for tail in tails))
        loops.append(Loop(head, _reached(cfg) & body, latches))
    return tuple(loops)


def irreducible_loops(cfg: ControlFlow) -> tuple[IrreducibleLoop, ...]:
    """The cycles that remain when the back edges of natural loops are taken away.

    There are none exactly when the graph is reducible.  A loop is a strongly connected
    component of what remains; only code that the function's entry reaches counts.
    """
    rest = nx.DiGraph(cfg.graph.subgraph(_reached(cfg)))
    for head, tails in _natural_back_edges(cfg).items():
        rest.remove_edges_from((tail, head) for tail in tails)
    components = [frozenset(c) for c in nx.strongly_connected_components(rest) if len(c) > 1]
    return tuple(
        IrreducibleLoop(_entries(rest, body), body) for body in sorted(components, key=min)
    )


def _entries(graph: nx.DiGraph, body: frozenset[int]) -> tuple[int, ...]:
    return tuple(sorted(block for block in body if set(graph.pred[block]) - body))


def _reached(cfg: ControlFlow) -> frozenset[int]:
    return frozenset(dominators(cfg))


def _natural_back_edges(cfg: ControlFlow) -> dict[int, list[int]]:
    """For every loop head the blocks that go back to it: edges to a dominator."""
    edges: dict[int, list[int]] = {}
    for block, above in dominators(cfg).items():
        for target in cfg.graph.adj[block]:
            if target in above:
                edges.setdefault(target, []).append(block)
    return edges
