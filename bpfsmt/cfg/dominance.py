"""Dominators and post-dominators, function by function."""

from __future__ import annotations

import networkx as nx

from bpfsmt.cfg.flow import may_leave
from bpfsmt.cfg.graph import ControlFlow

_EXIT = -1
"""The virtual block where every way out of a function ends; no pc is negative."""


def immediate_dominators(cfg: ControlFlow) -> dict[int, int | None]:
    """For every block its immediate dominator; `None` for the entry of a function.

    Block d dominates block b if every path from the function's entry to b goes through d.
    Blocks that their function's entry does not reach are left out.

    >>> from bpfsmt.cfg import cfg_from_text
    >>> immediate_dominators(cfg_from_text(
    ...     "r0 = 0\\nif r1 == 0 goto pc+1\\nr0 = 1\\nexit"))
    {0: None, 2: 0, 3: 0}
    """
    result: dict[int, int | None] = {}
    for entry in cfg.functions:
        tree = nx.immediate_dominators(cfg.graph, entry)
        # networkx before 3.6 gives the start itself as its dominator
        result.update({block: tree[block] if block != entry else None for block in tree})
        result[entry] = None
    return dict(sorted(result.items()))


def dominators(cfg: ControlFlow) -> dict[int, tuple[int, ...]]:
    """For every block all its dominators, from itself up to the function's entry."""
    parents = immediate_dominators(cfg)
    return {block: _chain(parents, block) for block in parents}


def dominates(cfg: ControlFlow, first: int, second: int) -> bool:
    """Whether every path to the instruction at ``second`` goes through the one at ``first``.

    An instruction dominates itself.  False where the function's entry does not reach.
    Every call walks the whole graph: for many questions ask `dominators` once.
    """
    above, below = cfg.block_of(first), cfg.block_of(second)
    parents = immediate_dominators(cfg)
    if below not in parents:
        return False
    return first <= second if above == below else above in _chain(parents, below)


def immediate_postdominators(cfg: ControlFlow) -> dict[int, int | None]:
    """For every block its immediate post-dominator within its function.

    Block p post-dominates b if every path from b to the end of the function goes through
    p.  `None` where only the end itself does.  Besides ``exit``, a tail call and a legacy
    packet load may end a function.  Blocks from which no end is reachable are left out.
    """
    backwards = cfg.graph.reverse(copy=True)
    for block, insns in cfg.graph.nodes(data="insns"):
        if any(may_leave(insn) for _, insn in insns):
            backwards.add_edge(_EXIT, block)
    if _EXIT not in backwards:
        return {}
    tree = nx.immediate_dominators(backwards, _EXIT)
    return {
        block: tree[block] if tree[block] != _EXIT else None
        for block in sorted(tree)
        if block != _EXIT
    }


def _chain(parents: dict[int, int | None], block: int) -> tuple[int, ...]:
    chain = [block]
    while (parent := parents[chain[-1]]) is not None:
        chain.append(parent)
    return tuple(chain)
