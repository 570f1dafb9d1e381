"""What became of a frame in one node: every program's verdict, and where it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from bpfsmt.machine import Result
from bpfsmt.network.hooks import Place
from bpfsmt.network.loaded import Loaded

EndKind = Literal["dropped", "sent", "socket", "xsk", "stack", "consumed"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One program's run on the frame: what it saw, and how the run ended.

    ``meta`` is the metadata that was in front of ``before``.  ``where`` says in words where
    a redirect goes.
    """

    place: Place
    cpu: int
    loaded: Loaded
    before: bytes
    meta: bytes
    result: Result
    where: str = ""

    @property
    def action(self) -> str:
        """The answer by name; what went wrong instead, if something did."""
        return self.result.problem or self.result.action


@dataclass(frozen=True, slots=True)
class End:
    """Where the frame, or one copy of it, came to an end in this node.

    "dropped" with the reason in ``where``; "sent" out of the port ``where``; "socket" with the
    name of the socket that received it; "xsk" with the number of the AF_XDP socket; "stack"
    where another function is the stack; "consumed" by a program, which keeps it.
    """

    kind: EndKind
    where: str
    frame: bytes


@dataclass(slots=True)
class Journey:
    """One frame through one node; ``time`` in nanoseconds is when it came."""

    node: str
    ifindex: int
    time: int
    frame: bytes
    verdicts: list[Verdict] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)

    def ended(self, kind: EndKind) -> Iterator[End]:
        """The ends of one kind."""
        return (end for end in self.ends if end.kind == kind)

    @property
    def problem(self) -> str:
        """What went wrong in a run, the first such; empty if nothing did."""
        return next((v.result.problem for v in self.verdicts if v.result.problem), "")
