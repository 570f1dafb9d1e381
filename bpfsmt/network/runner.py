"""One program on one frame after another, outside any network.

For those who want to see what a program does: the frame goes in, and what it answers and
what it made of the frame comes out.  A `bpfsmt.network.node.Node` does the rest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bpfsmt.crosscheck.concrete import TraceCheck, Violation
from bpfsmt.machine import Environment, Inputs, Result, run
from bpfsmt.network.context import context_for
from bpfsmt.network.flight import ETHERNET
from bpfsmt.network.listener import Listener, Record
from bpfsmt.network.loaded import Loaded
from bpfsmt.network.walk import described
from bpfsmt.program.program import ProgramType

FROM_NETWORK_HEADER = (ProgramType.SOCKET_FILTER, ProgramType.CGROUP_SKB)
"""Types whose programs see the packet from behind the Ethernet header."""

WITH_PACKETS = (
    ProgramType.XDP, ProgramType.SCHED_CLS, ProgramType.SCHED_ACT, *FROM_NETWORK_HEADER,
)  # fmt: skip

_LAST_XDP_ACTION = 4
_LOST = ("XDP_ABORTED", "XDP_DROP", "TC_ACT_SHOT", "TC_ACT_STOLEN", "DROP")


@dataclass(frozen=True, slots=True)
class Ran:
    """One frame's run.

    ``after`` is the whole frame that the program left, ``where`` what a redirect says.
    ``violations`` are the claims that this run refutes, where claims were checked;
    ``records`` what it sent to user space.
    """

    number: int
    time: int
    before: bytes
    after: bytes
    result: Result
    where: str = ""
    violations: tuple[Violation, ...] = ()
    records: tuple[Record, ...] = ()

    @property
    def answer(self) -> str:
        """The answer by name, where it has one; of a socket filter how many bytes it keeps."""
        result, number = self.result, (self.result.r0 or 0) & 0xFFFFFFFF
        if result.type is ProgramType.SOCKET_FILTER and number:
            return f"PASS {number}"
        if result.type is ProgramType.XDP and number > _LAST_XDP_ACTION:
            return f"{result.action} (answer {number})"
        return result.action or f"answer {number}"

    @property
    def goes_on(self) -> bool:
        """Whether the answer lets the frame go on: up, out or elsewhere."""
        return not self.result.problem and self.result.action not in _LOST


@dataclass(slots=True)
class Runner:
    """A program, and what surrounds it: its maps must be there, for user space to listen.

    ``meta`` is the metadata in front of every frame.  With ``trace`` every result has its
    steps; with ``check`` they are held against the claims of the program's analysis.
    ``totals`` counts frames by answer, ``steps`` the instructions that ran, ``checked``
    those whose claims were checked, ``refuted`` the claims that were false.
    """

    loaded: Loaded
    env: Environment
    ifindex: int = 1
    queue: int = 0
    meta: bytes = b""
    trace: bool = False
    check: bool = False
    totals: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    frames: int = 0
    checked: int = 0
    refuted: int = 0
    _claims: TraceCheck | None = None
    _listener: Listener = field(init=False)

    def __post_init__(self) -> None:
        self._listener = Listener(self.env)

    def feed(self, frame: bytes, time: int | None = None) -> Ran:
        """Run the program on the next frame, which comes at that time (never back in time)."""
        self.frames += 1
        if time is not None:
            self.env.time = max(self.env.time, time)
        now = self.env.time
        type_ = self.loaded.program.type
        link = frame[:ETHERNET] if type_ in FROM_NETWORK_HEADER else b""
        context = context_for(type_, frame, ingress=self.ifindex, queue=self.queue)
        inputs = Inputs(frame[len(link) :], context, self.meta, link)
        result = run(self.loaded.code, inputs, self.env, trace=self.trace or self.check)
        self.totals[result.action or result.outcome] += 1
        self.steps += result.steps
        where = described(result.redirect) if "REDIRECT" in result.action else ""
        return Ran(
            self.frames, now, frame, link + result.packet, result, where,
            self._violations(result), tuple(self._listener.records()),
        )  # fmt: skip

    def _violations(self, result: Result) -> tuple[Violation, ...]:
        if not self.check or result.trace is None:
            return ()
        if self._claims is None:
            self._claims = TraceCheck(self.loaded.analysis)
        found = tuple(self._claims.violations(result.trace))
        self.checked += len(result.trace.steps)
        self.refuted += len(found)
        return found
