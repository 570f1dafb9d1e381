"""What became of a frame in one node: every program's verdict, and where it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from bpfsmt.machine import Trace
from bpfsmt.network.hooks import Place
from bpfsmt.network.loaded import Loaded

EndKind = Literal["dropped", "sent", "socket", "xsk", "consumed"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One program's run on the frame.

    ``answer`` is R0's low half, ``action`` what it means at this place; ``where`` says where a
    redirect goes.  ``before`` and ``after`` are what the program saw and left, ``meta`` the
    metadata in front of that.  ``fault`` is what went wrong in the run, if anything did; then
    there is no answer and the frame is dropped.
    """

    place: Place
    cpu: int
    loaded: Loaded
    action: str
    before: bytes
    after: bytes
    answer: int = 0
    where: str = ""
    meta: bytes = b""
    steps: int = 0
    fault: str = ""
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class End:
    """Where the frame, or one copy of it, came to an end in this node.

    "dropped" with the reason in ``where``; "sent" out of the port ``where`` (its ifindex as
    text); "socket" with the name of the socket that received it; "xsk" with the number of the
    AF_XDP socket; "consumed" by the program, which keeps it (``TC_ACT_STOLEN``).
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
    def fault(self) -> str:
        """What went wrong in a run, the first such; empty if nothing did."""
        return next((verdict.fault for verdict in self.verdicts if verdict.fault), "")
