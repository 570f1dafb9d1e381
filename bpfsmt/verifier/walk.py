"""The second pass: a depth-first walk of all paths with an abstract state (paper, 3.3).

Like the kernel's ``do_check``: the arm that falls through is walked first, the other one
is kept for later; where blocks begin, a state that an earlier one there stands for is
not walked again.  The graph has no cycle and any rejection ends it all, so every earlier
state at a pc has been, or will have been, found safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import networkx as nx

from bpfsmt.domain import State
from bpfsmt.domain.analysis import DeadArm, Edge, Visit
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.state import STACK_SIZE, Frame
from bpfsmt.isa import CallSrc, Class, JmpOp
from bpfsmt.verifier.env import FRAME_POINTER, Arm, Env
from bpfsmt.verifier.log import Log
from bpfsmt.verifier.reasons import Rejection
from bpfsmt.verifier.step import step
from bpfsmt.verifier.subsume import includes


class _Pending(NamedTuple):
    """An arm not yet walked, and the visit that it leaves (-1: none, the start)."""

    src: int
    kind: str
    pc: int
    state: State


_PATIENCE = 8
"""An explored state is forgotten when it misses this much more often than it hits."""


@dataclass(slots=True)
class _Explored:
    """A visit that may stand for later states, and how often it did and did not."""

    visit: Visit
    hits: int = 0
    misses: int = 0


class Walk:
    """The walk, with the claims that it collects."""

    def __init__(self, env: Env, log: Log) -> None:
        self.env = env
        self.log = log
        self.visits: list[Visit] = []
        self.edges: list[Edge] = []
        self.dead: list[DeadArm] = []
        self.pc = 0
        """Where the walk is: the pc of a rejection."""
        self._explored: dict[tuple[int, tuple[int, ...]], list[_Explored]] = {}
        self._join = _prune_points(env)
        self._slots = env.program.slots

    @property
    def walked(self) -> int:
        """How many instructions have been walked, repetitions counted."""
        return len(self.visits)

    def run(self) -> None:
        """Walk all paths; raises `Rejection` at the first thing that may go wrong."""
        pending = [_Pending(-1, "next", 0, self.env.start())]
        limit = self.env.policy.max_walked
        while pending:
            arm = pending.pop()
            self.pc = arm.pc
            visit = self._arrive(arm)
            if visit is None:
                continue
            if len(self.visits) > limit:
                raise _too_complex(limit)
            insn = self._slots[visit.pc]
            assert insn is not None
            arms = step(self.env, visit.state, visit.pc, insn)
            self.log.stepped(visit, arms)
            # The last one pushed is walked next: the first arm.
            for way in reversed(arms):
                self._leave(visit, way, pending)
        self._check_stack_depth()

    def _leave(self, visit: Visit, way: Arm, pending: list[_Pending]) -> None:
        if way.state is None:
            self.dead.append(DeadArm(visit.index, way.pc, way.kind))
        else:
            pending.append(_Pending(visit.index, way.kind, way.pc, way.state))

    def _arrive(self, arm: _Pending) -> Visit | None:
        """The new visit, or `None` if an earlier one stands for this state."""
        state = arm.state
        others: list[_Explored] | None = None
        if arm.pc in self._join:
            if arm.src >= 0:
                state = _forget_dead(state, self.env.live[arm.pc])
            key = (arm.pc, tuple([f.callsite for f in state.frames]))
            others = self._explored.setdefault(key, [])
            old = self._find(others, state)
            if old is not None:
                self.edges.append(Edge(arm.src, old.index, arm.pc, state, arm.kind, True))
                self.log.pruned(arm.src, arm.pc)
                return None
        visit = Visit(len(self.visits), arm.pc, state)
        self.visits.append(visit)
        if arm.src >= 0:
            self.edges.append(Edge(arm.src, visit.index, arm.pc, state, arm.kind))
        if others is not None:
            others.append(_Explored(visit))
        self.log.arrived(arm.src, visit, forgotten=state is not arm.state)
        return visit

    def _find(self, others: list[_Explored], state: State) -> Visit | None:
        """The latest of the earlier visits at a place that stands for ``state``.

        One that seldom does is forgotten, which bounds the work (kernel
        ``is_state_visited``).
        """
        for index in range(len(others) - 1, -1, -1):
            old = others[index]
            if includes(self.env.ints, old.visit.state, state):
                old.hits += 1
                return old.visit
            old.misses += 1
            if old.misses > _PATIENCE * (old.hits + 1):
                del others[index]
        return None

    def _check_stack_depth(self) -> None:
        """All functions of a chain of calls share 512 bytes (``check_max_stack_depth``)."""
        depth = self.env.stack_depth
        calls = self.env.cfg.calls
        # every frame takes at least one byte, in units of 32
        total = {f: -(-max(depth.get(f, 0), 1) // 32) * 32 for f in calls}
        for function in reversed(list(nx.topological_sort(calls))):
            total[function] += max((total[c] for c in calls.adj[function]), default=0)
        if total[0] > STACK_SIZE:
            raise Rejection(
                "stack-depth",
                f"combined stack size of {nx.dag_longest_path_length(calls) + 1} calls is "
                f"{total[0]}. Too large",
                f"Functions active at once use {total[0]} bytes of stack together; "
                f"{STACK_SIZE} are there.",
                pc=0,
            )


def _prune_points(env: Env) -> frozenset[int]:
    """Where states are compared: at the beginning of blocks, and where calls return."""
    returns = {
        pc + 1
        for pc, insn in env.program.instructions()
        if insn.cls is Class.JMP and insn.jmp_op is JmpOp.CALL and insn.src == CallSrc.LOCAL
    }
    return frozenset(env.cfg.graph) | returns


def _forget_dead(state: State, live: int) -> State:
    """The state without what no path reads any more: fewer differences to prune by."""
    frame = state.frames[-1]
    regs = frame.regs
    live |= 1 << FRAME_POINTER
    if not any(reg is not NOT_INIT and not live >> n & 1 for n, reg in enumerate(regs)):
        return state
    kept = tuple([reg if live >> n & 1 else NOT_INIT for n, reg in enumerate(regs)])
    return State((*state.frames[:-1], Frame(kept, frame.stack, frame.callsite)))


def _too_complex(limit: int) -> Rejection:
    return Rejection(
        "too-complex",
        f"BPF program is too large. Processed {limit + 1} insn",
        f"The walk of all paths takes more than {limit} instructions; fewer branches whose "
        f"results stay in registers or on the stack would help.",
    )
