"""A path that is being walked, and the checkpoints on it (kernel ``bpf_verifier_state``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from bpfsmt.domain import State
from bpfsmt.domain.links import Place


class Past(NamedTuple):
    """One entry of a path's history (kernel ``bpf_insn_hist_entry``).

    The instruction ``pc`` was walked after the one at ``prev``.  ``slot`` is the frame and
    number of the stack slot that it spilled to or filled from; ``stack_operands`` says which
    operands of a compare were stack pointers (1: dst, 2: src); ``linked`` are the numbers of
    one id that it narrowed together.
    """

    pc: int
    prev: int
    slot: tuple[int, int] | None = None
    stack_operands: int = 0
    linked: tuple[Place, ...] = ()


@dataclass(slots=True, eq=False)
class Checkpoint:
    """An explored state, where later paths may end, and how many paths still come from it.

    ``first`` and ``last`` are the first instruction of the stretch that leads here and the
    last one before here; ``history`` is of that stretch, ``trail`` its visits.  ``precise``
    has for each frame the registers and the stack slots whose values have mattered, as
    masks.  ``rounds`` counts the rounds of `may_goto` loops; ``loop`` is the checkpoint
    that such a loop came back to from here.  ``read`` is what later paths have read, and
    ``written`` what the stretch before writes (`bpfsmt.verifier.linux.reads`).
    """

    state: State
    pc: int
    parent: Checkpoint | None
    first: int
    last: int
    history: list[Past]
    trail: list[int]
    visit: int = -1
    branches: int = 1
    hits: int = 0
    misses: int = 0
    precise: dict[int, list[int]] = field(default_factory=dict)
    cleaned: bool = False
    entry: int = 0
    rounds: int = 0
    loop: Checkpoint | None = None
    read: int = 0
    written: int = 0

    def is_precise(self, frame: int, number: int, *, stack: bool) -> bool:
        """Whether the value there has mattered."""
        masks = self.precise.get(frame)
        return masks is not None and bool(masks[stack] >> number & 1)

    def mark(self, frame: int, number: int, *, stack: bool) -> None:
        """Note that the value there matters."""
        self.precise.setdefault(frame, [0, 0])[stack] |= 1 << number


@dataclass(slots=True, eq=False)
class Path:
    """The path that is walked now, or an arm that waits to be walked.

    ``pc`` is the next instruction and ``prev`` the one before it, -1 at the start.
    ``rounds`` counts those of ``may_goto`` loops.  ``visit`` is the claim last made on the
    path and ``kind`` how it goes on from there; ``read`` and ``written`` are since the parent.
    """

    state: State
    pc: int
    prev: int = -1
    parent: Checkpoint | None = None
    first: int = 0
    history: list[Past] = field(default_factory=list)
    trail: list[int] = field(default_factory=list)
    visit: int = -1
    kind: str = "next"
    entry: int = 0
    rounds: int = 0
    read: int = 0
    written: int = 0
    again: bool = False
    """The instruction is walked once more from the visit before, with a part of its state."""

    def fork(self, state: State, pc: int, kind: str) -> Path:
        """Another way on from here."""
        if self.parent is not None:
            self.parent.branches += 1
        return Path(
            state,
            pc,
            self.pc,
            self.parent,
            self.first,
            self.history.copy(),
            self.trail.copy(),
            self.visit,
            kind,
            self.entry,
            self.rounds,
            self.read,
            self.written,
        )

    def end(self) -> None:
        """The path ends here: count down how many come from its checkpoints."""
        at = self.parent
        while at is not None:
            at.branches -= 1
            if at.branches:
                break
            at = at.parent
