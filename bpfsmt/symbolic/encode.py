"""A whole program as one formula over its inputs.

Every point (call chain, pc) gets the condition under which it is reached and the state
there, paths merged with if-then-else.  Only programs without loops can be encoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import z3

from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.helper_ids import TAIL_CALL
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp
from bpfsmt.program.program import Program
from bpfsmt.symbolic.state import SymState, merge
from bpfsmt.symbolic.step import Stepped, start_state, step
from bpfsmt.symbolic.values import TRUE, Term, conj, disj, neg

Point = tuple[tuple[int, ...], int]
"""The pcs of the calls that led here, outermost first, and the pc."""

_MAX_POINTS = 100_000


@dataclass(slots=True, eq=False)
class Node:
    """One point: when it is reached, in which state, and what its instruction does."""

    point: Point
    insn: Instruction
    reach: Term
    state: SymState
    stepped: Stepped | None = None


@dataclass
class Encoding:
    """All points in topological order.  ``known`` holds of all inputs.

    ``unsupported`` maps points whose instruction is not modelled to the reason; nothing is
    known of what follows them, which ``blind`` lists.
    """

    program: Program
    known: Term = TRUE
    nodes: dict[Point, Node] = field(default_factory=dict)
    unsupported: dict[Point, str] = field(default_factory=dict)
    blind: set[Point] = field(default_factory=set)

    def wrong(self) -> Iterator[tuple[Node, Term, str]]:
        """Everything that can go wrong: where, under which condition, what."""
        for node in self.nodes.values():
            if node.stepped is not None:
                for condition, what in node.stepped.wrong:
                    yield node, conj(node.reach, condition), what


def encode(program: Program) -> Encoding:
    """The whole program as a formula.

    Raises `UnsupportedError` if it has a loop, recursion, or too many points; an
    instruction that is not modelled is noted in the result instead.
    """
    start, known = start_state(program)
    result = Encoding(program)
    facts = [known]
    incoming: dict[Point, list[tuple[Term, SymState]]] = {((), 0): [(TRUE, start)]}
    for point in _order(program):
        arrivals = incoming.pop(point, [])
        if point in result.blind or not arrivals:
            if not arrivals:
                result.blind.add(point)
            _spread(program, point, result.blind)
            continue
        node = _join(point, program[point[1]], arrivals)
        result.nodes[point] = node
        try:
            node.stepped = step(program, point[1], node.state, place(point))
        except UnsupportedError as e:
            result.unsupported[point] = str(e)
            _spread(program, point, result.blind)
            continue
        facts += [disj(neg(node.reach), fact) for fact in node.stepped.assumed]
        for arm in node.stepped.arms:
            if arm.kind == "exit":
                continue
            target = _target(point, arm.kind, arm.pc)
            incoming.setdefault(target, []).append((conj(node.reach, arm.guard), arm.state))
    result.known = conj(*facts)
    return result


def place(point: Point) -> str:
    """A point's name in the names of inputs."""
    callsites, pc = point
    return ".".join(map(str, (*callsites, pc)))


def _join(point: Point, insn: Instruction, arrivals: list[tuple[Term, SymState]]) -> Node:
    reach, state = arrivals[0]
    for cond, other in arrivals[1:]:
        state = merge(cond, other, state)
        reach = disj(reach, cond)
    return Node(point, insn, z3.simplify(reach), state)


def _target(point: Point, kind: str, pc: int) -> Point:
    callsites, here = point
    if kind == "call":
        return (*callsites, here), pc
    if kind == "return":
        return callsites[:-1], callsites[-1] + 1
    return callsites, pc


def _spread(program: Program, point: Point, blind: set[Point]) -> None:
    blind.update(_successors(program, point))


def _successors(program: Program, point: Point) -> list[Point]:
    callsites, pc = point
    insn = program[pc]
    after = (callsites, pc + insn.slots)
    if not insn.is_jmp:
        return [after]
    if insn.jmp_op is JmpOp.EXIT:
        return [(callsites[:-1], callsites[-1] + 1)] if callsites else []
    if insn.jmp_op is JmpOp.JA:
        return [(callsites, pc + 1 + (insn.imm if insn.cls is Class.JMP32 else insn.offset))]
    if insn.is_call:
        if insn.calls_local:
            return [((*callsites, pc), pc + 1 + insn.imm)]
        returns = callsites and insn.helper == TAIL_CALL
        return [after, (callsites[:-1], callsites[-1] + 1)] if returns else [after]
    return [(callsites, pc + 1 + insn.offset), after]


def _order(program: Program) -> list[Point]:
    """All points in topological order; `UnsupportedError` if there is a cycle."""
    done: list[Point] = []
    on_path: set[Point] = set()
    seen: set[Point] = set()
    stack: list[tuple[Point, Iterator[Point]]] = []

    def enter(point: Point) -> None:
        if len(point[0]) > 8:
            raise UnsupportedError(f"instruction {point[1]}: calls nest deeper than 8")
        if len(seen) > _MAX_POINTS:
            raise UnsupportedError(f"more than {_MAX_POINTS} points: too large to encode whole")
        seen.add(point)
        on_path.add(point)
        try:
            successors = _successors(program, point)
        except IndexError as e:
            raise UnsupportedError(f"instruction {point[1]}: {e}") from e
        stack.append((point, iter(successors)))

    enter(((), 0))
    while stack:
        point, successors = stack[-1]
        following = next(successors, None)
        if following is None:
            stack.pop()
            on_path.discard(point)
            done.append(point)
        elif following in on_path:
            raise UnsupportedError(f"instruction {point[1]}: a loop (back to {following[1]})")
        elif following not in seen:
            enter(following)
    return done[::-1]
