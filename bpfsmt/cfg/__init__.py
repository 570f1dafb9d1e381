"""The control-flow graph: basic blocks in a networkx DiGraph, and what is asked of it.

`build_cfg` makes a `ControlFlow` from a program; the functions here answer questions about
one, as networkx's do about a graph.

>>> cfg = cfg_from_text("r0 = 3\\nr0 += -1\\nif r0 != 0 goto pc-2\\nexit")
>>> list(cfg.graph.edges(data="kind"))
[(0, 1, 'fall'), (1, 3, 'not-taken'), (1, 1, 'taken')]
>>> back_edges(cfg)
(BackEdge(pc=2, target=1),)
"""

from bpfsmt.cfg.calls import call_depth, recursive_functions
from bpfsmt.cfg.defuse import reads, registers, writes
from bpfsmt.cfg.dominance import (
    dominates,
    dominators,
    immediate_dominators,
    immediate_postdominators,
)
from bpfsmt.cfg.dot import to_dot
from bpfsmt.cfg.flow import EdgeKind, Problem, ProblemKind
from bpfsmt.cfg.graph import ControlFlow, build_cfg, cfg_from_text
from bpfsmt.cfg.layout import Box, Layout, layered_layout
from bpfsmt.cfg.liveness import live_registers
from bpfsmt.cfg.loops import IrreducibleLoop, Loop, irreducible_loops, natural_loops
from bpfsmt.cfg.order import (
    BackEdge,
    back_edges,
    reachable,
    reachable_blocks,
    reverse_postorder,
    topological_order,
    unreachable,
)
from bpfsmt.cfg.svg import to_svg

__all__ = [
    "BackEdge",
    "Box",
    "ControlFlow",
    "EdgeKind",
    "IrreducibleLoop",
    "Layout",
    "Loop",
    "Problem",
    "ProblemKind",
    "back_edges",
    "build_cfg",
    "call_depth",
    "cfg_from_text",
    "dominates",
    "dominators",
    "immediate_dominators",
    "immediate_postdominators",
    "irreducible_loops",
    "layered_layout",
    "live_registers",
    "natural_loops",
    "reachable",
    "reachable_blocks",
    "reads",
    "recursive_functions",
    "registers",
    "reverse_postorder",
    "to_dot",
    "to_svg",
    "topological_order",
    "unreachable",
    "writes",
]
