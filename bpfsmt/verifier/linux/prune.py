"""Explored states: where a path may end because another stands for it (``is_state_visited``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.domain import State
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.state import Frame
from bpfsmt.verifier.linux.liveness import ways_on
from bpfsmt.verifier.linux.path import Checkpoint, Path
from bpfsmt.verifier.linux.reads import frames_of
from bpfsmt.verifier.linux.rounds import ByEntry, ByRegion, Rounds
from bpfsmt.verifier.linux.subsume import Exact, states_equal
from bpfsmt.verifier.reasons import Rejection

if TYPE_CHECKING:
    from bpfsmt.verifier.linux.walk import Walk

_LONG_HISTORY = 40
_PATIENCE = 3
"""An explored state is forgotten when it misses this much more often than it hits."""


class Explored:
    """The checkpoints of one walk, by instruction and call site."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self._at: dict[tuple[int, int], list[Checkpoint]] = {}
        self._jumps = self._walked = 0
        exact = walk.env.policy.duties.exact_rounds
        self._inside_loop = Exact.RANGES if exact else Exact.NO
        self.rounds: Rounds
        if walk.env.policy.duties.rounds_told:
            env = walk.env  # its own ways may leave out some of where instructions do lead
            self.rounds = ByRegion(walk.precision, ways_on(env.program) if env.flow.rounds else ())
        else:
            self.rounds = ByEntry(walk.precision, walk.record)

    def forget(self) -> None:
        """Begin a new function: nothing is explored."""
        self.rounds.settle()
        self._at.clear()
        self._jumps = self._walked = 0

    def visited(self, path: Path) -> bool:
        """Whether an explored state stands for the path's; else it may become one."""
        walk, pc = self.walk, path.pc
        env = walk.env
        self.rounds.begin()
        may_goto = pc in env.flow.rounds
        forced = env.frequent or may_goto or len(path.history) > _LONG_HISTORY
        jumps, walked = walk.jumps - self._jumps, walk.walked - self._walked
        add = forced or (jumps >= 2 and walked >= 8)
        at = pc, path.state[0][-1][2]
        known = self._at.get(at)
        if known is None:
            known = self._at[at] = []
        self._clean(known, path.state)
        index = len(known) - 1
        while index >= 0:
            old = known[index]
            if old.branches:
                if self._next_round(old, path):
                    self.rounds.came_back(path, old)
                    self._hit(old, path)
                    return True
                self._check_loop(old, path)
                if not forced and jumps < 20 and walked < 100:
                    add = False
            else:
                open_ = self.rounds.open(old)
                if self._equal(old, path.state, self._inside_loop if open_ else Exact.NO):
                    if open_:
                        self.rounds.came_back(path, old)
                    self._hit(old, path)
                    return True
            if add:
                old.misses += 1
            patience = 64 if may_goto and old.branches else _PATIENCE
            if old.misses > patience * old.hits + patience:
                del known[index]
            index -= 1
        if add:
            self._add(known, path)
        return False

    def _next_round(self, old: Checkpoint, path: Path) -> bool:
        """A later round of a ``may_goto`` loop in which nothing is new."""
        return (
            path.pc in self.walk.env.flow.rounds
            and old.rounds != path.rounds
            and self._equal(old, path.state, self._inside_loop)
        )

    def _equal(self, old: Checkpoint, new: State, exact: Exact) -> bool:
        return states_equal(
            self.walk.env.rules,
            old.state,
            new,
            old.precise,
            exact,
            self.walk.last_id,
            self._compared(old),
        )

    def _compared(self, old: Checkpoint) -> list[int]:
        """The registers that are compared, frame by frame (``live_regs_before``, Linux 6.15)."""
        env = self.walk.env
        if env.reads is not None:
            return [-1] * len(old.state.frames)
        return [env.live[at] for at in (*old.state.callsites, old.pc)]

    def _hit(self, old: Checkpoint, path: Path) -> None:
        old.hits += 1
        self.walk.pruned(path, old)
        if self.walk.env.reads is not None:
            self.walk.env.reads.hit(path, old)
        if path.pc in self.walk.env.flow.jumps:
            self.walk.note_past()
        self.walk.precision.checkpoint(path, old)

    def _check_loop(self, old: Checkpoint, path: Path) -> None:
        """The very state that the path has come through: it never ends."""
        if len(old.state.frames) != len(path.state.frames):
            return
        if old.rounds != path.rounds:
            return
        same = old.state[0][-1][0] == path.state[0][-1][0]
        if not same or not self._equal(old, path.state, Exact.YES):
            return
        raise Rejection(
            "infinite-loop",
            f"infinite loop detected at insn {path.pc}",
            f"The loop through {path.pc} comes back with nothing changed, so it may never end.",
        )

    def _add(self, known: list[Checkpoint], path: Path) -> None:
        walk = self.walk
        self._jumps, self._walked = walk.jumps, walk.walked
        new = Checkpoint(
            path.state,
            path.pc,
            path.parent,
            path.first,
            path.prev,
            path.history,
            path.trail,
            entry=path.entry,
            rounds=path.rounds,
        )
        known.append(new)
        self.rounds.kept(new)
        if walk.env.reads is not None:
            walk.env.reads.checkpoint(path, new)
        path.parent, path.first = new, path.pc
        path.history, path.trail = [], []

    def _clean(self, known: list[Checkpoint], now: State) -> None:
        """Forget in finished states what nothing reads any more (``clean_live_states``)."""
        for old in known:
            if old.cleaned or old.branches:
                continue
            if old.state.callsites == now.callsites:
                old.cleaned = True
                old.state = self._cleaned(old)

    def _cleaned(self, old: Checkpoint) -> State:
        env = self.walk.env
        if env.reads is not None:
            live = frames_of(old.read, old.state)
        else:
            live = [(env.live[at], env.live_slots[at]) for at in (*old.state.callsites, old.pc)]
        frames = tuple(
            only_live(f, *alive) for f, alive in zip(old.state.frames, live, strict=True)
        )
        return old.state._replace(frames=frames)


def only_live(frame: Frame, regs: int, slots: int) -> Frame:
    """The frame without the registers and the stack slots that nothing reads any more."""
    regs |= 1 << 10
    kept, stack = frame.regs, frame.stack
    if any(reg is not NOT_INIT and not regs >> n & 1 for n, reg in enumerate(kept)):
        kept = tuple([reg if regs >> n & 1 else NOT_INIT for n, reg in enumerate(kept)])
    if any(not slots >> n & 1 for n in stack):
        stack = {n: slot for n, slot in stack.items() if slots >> n & 1}
    return frame if kept is frame.regs and stack is frame.stack else Frame(
        kept, stack, frame.callsite
    )  # fmt: skip
