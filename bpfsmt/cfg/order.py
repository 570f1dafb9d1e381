"""Reachability, the order of blocks, back edges: what one depth-first walk tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.cfg.graph import ControlFlow
from bpfsmt.errors import CfgError


@dataclass(frozen=True, slots=True)
class BackEdge:
    """The instruction at ``pc`` goes back to ``target``, which is on the path to it."""

    pc: int
    target: int


@dataclass(frozen=True, slots=True)
class _Walk:
    """A depth-first walk of one function: blocks as they finish, and edges back up."""

    postorder: tuple[int, ...]
    back_edges: tuple[BackEdge, ...]


def reachable_blocks(cfg: ControlFlow) -> frozenset[int]:
    """The blocks that control may reach from pc 0, through calls and callbacks too."""
    functions: set[int] = set()
    blocks: set[int] = set()
    waiting = [0] if 0 in cfg.graph else []
    callees = _callees_by_block(cfg)
    while waiting:
        entry = waiting.pop()
        if entry in functions:
            continue
        functions.add(entry)
        inside = _walk(cfg, entry).postorder
        blocks.update(inside)
        waiting.extend(target for block in inside for target in callees.get(block, ()))
    return frozenset(blocks)


def reachable(cfg: ControlFlow) -> frozenset[int]:
    """The pcs of the instructions in reachable blocks."""
    return frozenset(pc for block in reachable_blocks(cfg) for pc in _pcs(cfg, block))


def unreachable(cfg: ControlFlow) -> tuple[int, ...]:
    """The pcs of the instructions that control never reaches, ascending.

    The kernel's `check_cfg` rejects a program that has any.
    """
    return tuple(sorted(cfg.block_starts.keys() - reachable(cfg)))


def reverse_postorder(cfg: ControlFlow) -> tuple[int, ...]:
    """The blocks in reverse postorder, function by function.

    Blocks that their function's entry does not reach are left out.  Every edge that is not
    a back edge goes forward in this order, so forward analyses converge fast with it.
    """
    return tuple(
        block for entry in cfg.functions for block in reversed(_walk(cfg, entry).postorder)
    )


def back_edges(cfg: ControlFlow) -> tuple[BackEdge, ...]:
    """The edges that close a cycle, as a depth-first walk of every function finds them.

    The walk goes through the fall-through first, so the edges are the ones that the
    kernel's `check_cfg` meets.  There are none exactly when every function is acyclic
    where its entry reaches.

    >>> from bpfsmt.cfg import cfg_from_text
    >>> back_edges(cfg_from_text("r0 = 3\\nr0 += -1\\nif r0 != 0 goto pc-2\\nexit"))
    (BackEdge(pc=2, target=1),)
    """
    return tuple(edge for entry in cfg.functions for edge in _walk(cfg, entry).back_edges)


def topological_order(cfg: ControlFlow) -> tuple[int, ...]:
    """The blocks, function by function, so that every edge goes forward.

    Blocks that their function's entry does not reach are left out.  Raises `CfgError` at
    the first back edge if there is a cycle.
    """
    edges = back_edges(cfg)
    if edges:
        first = edges[0]
        raise CfgError(f"back edge from {first.pc} to {first.target}: not acyclic", first.pc)
    return reverse_postorder(cfg)


def _pcs(cfg: ControlFlow, block: int) -> Iterator[int]:
    return (pc for pc, _ in cfg.graph.nodes[block]["insns"])


def _callees_by_block(cfg: ControlFlow) -> dict[int, list[int]]:
    callees: dict[int, list[int]] = {}
    for _, target, sites in cfg.calls.edges(data="sites"):
        for pc in sites:
            callees.setdefault(cfg.block_of(pc), []).append(target)
    return callees


def _ways(cfg: ControlFlow, block: int) -> Iterator[int]:
    return (target for target, _ in cfg.successors_of(cfg.graph.nodes[block]["end"]))


def _walk(cfg: ControlFlow, entry: int) -> _Walk:
    """Walk one function depth first without recursion (a program may be a long chain)."""
    finished: dict[int, None] = {}
    edges: list[BackEdge] = []
    on_path = {entry}
    path = [(entry, _ways(cfg, entry))]
    while path:
        block, ways = path[-1]
        target = next(ways, None)
        if target is None:
            path.pop()
            on_path.remove(block)
            finished[block] = None
        elif target in on_path:
            edges.append(BackEdge(cfg.graph.nodes[block]["end"], target))
        elif target not in finished:
            on_path.add(target)
            path.append((target, _ways(cfg, target)))
    return _Walk(tuple(finished), tuple(edges))
