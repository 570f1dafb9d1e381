"""What the kernel found to be precise: numbers from which it concluded something.

It looks back along the path for what they were computed from (``__mark_chain_precision``),
and says at each instruction which registers and slots it looks for.
"""

from __future__ import annotations

from collections.abc import Sequence

from bpfsmt.domain.order import Place
from bpfsmt.domain.state import SLOT_SIZE
from bpfsmt.kernel.log.claims import Claims
from bpfsmt.kernel.log.states import StateText


class Marks:
    """The places marked precise, by visit; ``at`` is where the walk stands."""

    def __init__(self, claims: Claims) -> None:
        self.claims = claims
        self.precise: dict[int, set[Place]] = {}
        self._at = -1
        self._looking = -1
        """The visit that is looked at; the number of visits for the place behind them all."""

    def begin(self, at: int, last: int) -> None:
        """The kernel looks back from instruction ``last``; visit ``at`` was walked last."""
        self._at = at
        here = at >= 0 and self.claims.visits[at].pc == last
        self._looking = at if here else len(self.claims.visits)

    def needed(self, pc: int, places: Sequence[Place]) -> None:
        """It looks at the instruction at ``pc``, behind which these are needed."""
        new, behind = self._looking, len(self.claims.visits)
        if new < 0 or self._at < 0:
            return
        before = self._at if new >= behind else self.claims.parent[new]
        while before >= 0 and self.claims.visits[before].pc != pc:
            new, before = before, self.claims.parent[before]
        if before < 0:
            return
        if new < behind:
            self.precise.setdefault(new, set()).update(places)
        self._looking = before

    def marked(self, text: StateText) -> None:
        """The state that it looked back to, with all marks that it has."""
        if not 0 <= self._looking < len(self.claims.visits):
            return
        marks = self.precise.setdefault(self._looking, set())
        marks |= {(text.frame, f"R{n}") for n, said in text.regs.items() if said[0] == "P"}
        for n, said in text.slots.items():
            if "P" in said.partition("(")[0]:
                marks.add((text.frame, f"fp-{SLOT_SIZE * (n + 1)}"))
