"""Questions about the call graph: recursion and depth."""

from __future__ import annotations

import networkx as nx

from bpfsmt.cfg.graph import ControlFlow
from bpfsmt.errors import CfgError


def recursive_functions(cfg: ControlFlow) -> tuple[tuple[int, ...], ...]:
    """The groups of functions (entry pcs) that call each other in a circle.

    A function that calls itself is a group of one.  Handing a function to a helper as a
    callback counts as calling it.
    """
    groups = (tuple(sorted(group)) for group in nx.strongly_connected_components(cfg.calls))
    return tuple(
        sorted(g for g in groups if len(g) > 1 or cfg.calls.has_edge(g[0], g[0])),
    )


def call_depth(cfg: ControlFlow) -> int:
    """The greatest number of stack frames at once, the main function's included.

    The kernel allows 8 (`MAX_CALL_FRAMES`).  Functions that main never calls do not count.
    Raises `CfgError`, at a call site in the circle, when main may start a recursion.

    >>> from bpfsmt.cfg import cfg_from_text
    >>> call_depth(cfg_from_text("call pc+1\\nexit\\nr0 = 0\\nexit"))
    2
    """
    called = cfg.calls.subgraph({0} | nx.descendants(cfg.calls, 0))
    for group in recursive_functions(cfg):
        if group[0] in called:
            inside = called.subgraph(group)
            site = min(pc for _, _, sites in inside.edges(data="sites") for pc in sites)
            name = cfg.calls.nodes[group[0]]["name"]
            raise CfgError(f"call at {site} is part of a recursion through {name}", site)
    return int(nx.dag_longest_path_length(called, weight=None, default_weight=1)) + 1
