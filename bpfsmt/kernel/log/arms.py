"""The arms that the walk left for later, on a stack: the last one comes off first."""

from __future__ import annotations

from typing import NamedTuple

from bpfsmt.domain.analysis import DeadArm
from bpfsmt.domain.state import State
from bpfsmt.kernel.log.claims import Claims
from bpfsmt.kernel.log.printed import Astray
from bpfsmt.kernel.log.regs import Reader
from bpfsmt.kernel.log.states import StateText


class Arm(NamedTuple):
    """One way on from visit ``src``; ``certain`` if it is a jump's other arm.

    ``history`` is that of the path to it (`Checkpoints`).
    """

    src: int
    kind: str
    pc: int
    state: State
    certain: bool
    history: int


class Arms:
    """The stack.  An arm that never comes off it can never be taken: so the kernel claims."""

    def __init__(self, claims: Claims, reader: Reader) -> None:
        self.claims, self.reader = claims, reader
        self._left: list[Arm] = []

    def leave(self, arm: Arm) -> None:
        """Leave an arm for later."""
        self._left.append(arm)

    def take(self, src_pc: int, pc: int, text: StateText | None) -> Arm:
        """The arm from ``src_pc`` to ``pc`` that comes off; those above it are dead."""
        fitting = [
            n for n, arm in enumerate(self._left)
            if arm.pc == pc and self.claims.visits[arm.src].pc == src_pc
        ]  # fmt: skip
        if not fitting:
            raise Astray(f"nothing was left for later at {src_pc} that leads to {pc}")
        chosen = fitting[-1]
        if len(fitting) > 1 and text is not None:
            # In a loop a jump comes up again and again; the state tells which time it was.
            chosen = min(reversed(fitting), key=lambda n: self._strangeness(n, text))
        arm = self._left[chosen]
        for dropped in self._left[chosen + 1 :]:
            self._drop(dropped)
        del self._left[chosen:]
        return arm

    def end(self) -> None:
        """Nothing more comes off."""
        while self._left:
            self._drop(self._left.pop())

    def _drop(self, arm: Arm) -> None:
        if not arm.certain:
            return
        if arm.pc == self.claims.visits[arm.src].pc + 1:
            self.claims.same_way(arm.src, arm.kind, "not-taken")
        else:
            self.claims.dead.append(DeadArm(arm.src, arm.pc, arm.kind))

    def _strangeness(self, n: int, text: StateText) -> int:
        """How many registers are printed other than the arm's state lets expect."""
        arm = self._left[n]
        insn = self.claims.insn(arm.src)
        operands = {insn.dst, insn.src}
        count = 0
        for number, said in text.regs.items():
            old = arm.state.regs[number]
            new = self.reader.reg(said, text.frame, old).reg
            if number in operands or old.id:
                count += old.type is not new.type and not old.id
            else:
                count += old != new
        return count
