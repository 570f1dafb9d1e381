"""The control-flow graph: basic blocks of all functions, and the calls between functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from bpfsmt.cfg.flow import (
    EdgeKind,
    Problem,
    Ways,
    callee,
    examine,
    function_entries,
    function_name,
)
from bpfsmt.errors import CfgError
from bpfsmt.isa.asm import assemble
from bpfsmt.program.program import Program, ProgramType


@dataclass(frozen=True, slots=True, eq=False)
class ControlFlow:
    """The control flow of a program, as plain networkx graphs.

    ``graph`` holds the basic blocks of all functions.  A node is the pc of the block's
    first instruction, with the attributes ``insns`` (a tuple of (pc, `Instruction`)),
    ``end`` (pc of the last instruction) and ``function`` (entry pc of its function).  An
    edge has the attribute ``kind``, an `EdgeKind`.  Edges never leave a function: a call,
    local or not, falls through to the instruction after it and does not end a block.

    ``calls`` is the call graph.  A node is the entry pc of a function, with the attribute
    ``name``; an edge has ``sites``, the ascending pcs in the caller that call the callee or
    take its address (as a callback for a helper).

    ``block_starts`` maps the pc of every instruction to its block.

    ``problems`` lists what is malformed, by pc; the edges at fault are not in the graphs.
    It is empty unless `build_cfg` was told to go on.
    """

    program: Program
    graph: nx.DiGraph
    calls: nx.DiGraph
    block_starts: Mapping[int, int]
    problems: tuple[Problem, ...] = ()

    @property
    def functions(self) -> tuple[int, ...]:
        """The entry pcs of all functions, ascending; the main function is 0."""
        return tuple(self.calls)

    def block_of(self, pc: int) -> int:
        """The block that holds the instruction at ``pc``; `IndexError` where none starts."""
        if pc not in self.block_starts:
            raise IndexError(f"no instruction starts at {pc}")
        return self.block_starts[pc]

    def successors_of(self, pc: int) -> tuple[tuple[int, EdgeKind], ...]:
        """Where control may go after the instruction at ``pc``, within its function.

        Pairs (pc, kind), the fall-through first; only well-formed ways.  `IndexError`
        where no instruction starts.

        >>> cfg_from_text("if r1 == 0 goto pc+1\\nr0 = 0\\nexit").successors_of(0)
        ((1, 'not-taken'), (2, 'taken'))
        """
        block = self.block_of(pc)
        if pc != self.graph.nodes[block]["end"]:
            return ((pc + self.program[pc].slots, "fall"),)
        ways = self.graph.adj[block]
        order = sorted(ways, key=lambda target: ways[target]["kind"] == "taken")
        return tuple((target, ways[target]["kind"]) for target in order)


def build_cfg(program: Program, *, strict: bool = True) -> ControlFlow:
    """Build the control-flow graph of ``program``.

    Raises `CfgError`, whose ``pc`` names the instruction, for the first malformed way in
    slot order: a jump or call out of the program or into the second half of an
    ``ld_imm64``, a jump into another function, control that falls off the end of a
    function (the kernel's `check_subprogs` and `check_cfg`).  With ``strict=False`` those
    are listed in ``problems`` instead, and the rest of the graph is built.  Unreachable
    code, loops and recursion are well-formed here: ask the graph about them.
    `UnsupportedError` for an unknown jump.

    >>> from bpfsmt.isa.instruction import Instruction
    >>> slots = (Instruction(0x05, offset=7), Instruction(0x95))
    >>> build_cfg(Program("far", ProgramType.XDP, slots))
    Traceback (most recent call last):
    bpfsmt.errors.CfgError: jump at 0 goes to 8, outside the program (0..1)
    """
    owner = _owners(program)
    ways, problems = examine(program, owner)
    if strict and problems:
        raise CfgError(problems[0].message, problems[0].pc)
    graph = _blocks(program, owner, ways)
    block_starts = {pc: block for block, insns in graph.nodes(data="insns") for pc, _ in insns}
    return ControlFlow(program, graph, _calls(program, owner), block_starts, tuple(problems))


def cfg_from_text(text: str, *, strict: bool = True) -> ControlFlow:
    """The control-flow graph of an XDP program given as assembly text, for experiments.

    Raises `AsmError` for a text that is no program, and what `build_cfg` raises.

    >>> cfg_from_text("r0 = 2\\nexit").graph.nodes[0]["end"]
    1
    """
    unit = assemble(text)
    functions = unit.functions or {0: "main"}
    program = Program("text", ProgramType.XDP, unit.slots, functions=functions)
    return build_cfg(program, strict=strict)


def _owners(program: Program) -> dict[int, int]:
    """For every slot the entry of its function: a function reaches to the next entry."""
    owner: dict[int, int] = {}
    for entry, end in pairwise(sorted({0, *function_entries(program), len(program)})):
        owner.update(dict.fromkeys(range(entry, end), entry))
    return owner


def _blocks(program: Program, owner: Mapping[int, int], ways: Ways) -> nx.DiGraph:
    """Cut the program into basic blocks and join them."""
    leaders = set(owner.values())
    for pc, onward in ways.items():
        if [kind for _, kind in onward] != ["fall"]:
            leaders.add(pc + program[pc].slots)
            leaders.update(target for target, _ in onward)
    blocks: list[list[int]] = []
    for pc in ways:
        if pc in leaders or not blocks:
            blocks.append([])
        blocks[-1].append(pc)
    graph = nx.DiGraph()
    for pcs in blocks:
        insns = tuple((pc, program[pc]) for pc in pcs)
        graph.add_node(pcs[0], insns=insns, end=pcs[-1], function=owner[pcs[0]])
    for pcs in blocks:
        for target, kind in ways[pcs[-1]]:
            graph.add_edge(pcs[0], target, kind=kind)
    return graph


def _calls(program: Program, owner: Mapping[int, int]) -> nx.DiGraph:
    graph = nx.DiGraph()
    for entry in function_entries(program):
        graph.add_node(entry, name=function_name(program, entry))
    for pc, insn in program.instructions():
        target = callee(pc, insn)
        if target in graph and owner[pc] in graph:
            caller = owner[pc]
            sites = graph.get_edge_data(caller, target, {"sites": ()})["sites"]
            graph.add_edge(caller, target, sites=(*sites, pc))
    return graph
