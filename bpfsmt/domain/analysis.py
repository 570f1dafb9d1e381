"""An `Analysis`: everything that a producer claims about a program.

A producer (our verifier with some rule set, or a kernel through its log) explores
*visits*: an abstract state at a pc, before the instruction there.  *Edges* say how visits
follow from each other.  Checkers read these claims and know nothing of who made them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from bpfsmt.domain.state import State
from bpfsmt.program.program import Program


class Outcome(Enum):
    """What the producer decided."""

    ACCEPT = "accept"
    REJECT = "reject"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, and for a rejection where and why.

    ``kind`` is a short stable word for the failed check ("packet-bounds",
    "uninitialized-register"), ``reason`` one sentence for a program's author, ``message``
    the line that the kernel's log has for it.  ``reg`` is the register at fault, -1 if none.
    """

    outcome: Outcome
    pc: int = -1
    kind: str = ""
    reason: str = ""
    message: str = ""
    reg: int = -1

    @property
    def accepted(self) -> bool:
        """The producer lets the program run."""
        return self.outcome is Outcome.ACCEPT


@dataclass(frozen=True, slots=True)
class Visit:
    """One claim: whenever execution comes here this way, the machine is in γ(state).

    ``state`` is before the instruction at ``pc``.
    """

    index: int
    pc: int
    state: State


@dataclass(frozen=True, slots=True)
class Edge:
    """From visit ``src``, the instruction leads to ``state`` at ``pc``.

    ``kind`` is "next", "taken", "not-taken", "call", "return", or "over" for a call of a
    function that is verified apart.  ``dst`` is the visit
    that stands for the state there: a new one with just this state, or if ``pruned`` an
    earlier one that must contain it.
    """

    src: int
    dst: int
    pc: int
    state: State
    kind: str = "next"
    pruned: bool = False


@dataclass(frozen=True, slots=True)
class DeadArm:
    """A claim that from visit ``src`` the branch never goes this way (to ``pc``)."""

    src: int
    pc: int
    kind: str


@dataclass
class Analysis:
    """A verdict with all claims behind it.  Visit 0 is the program's start.

    ``uninit_stack`` says that the producer lets programs read stack bytes that were never
    written (Linux 6.3 does where kernel memory may be seen anyway).  The last ``copies`` of
    the visits are no claims of the producer but made from them for a proof.
    """

    program: Program
    producer: str
    verdict: Verdict
    visits: list[Visit] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    dead: list[DeadArm] = field(default_factory=list)
    walked: int = 0
    log: list[str] = field(default_factory=list)
    uninit_stack: bool = False
    copies: int = 0

    def at(self, pc: int) -> Iterator[Visit]:
        """All visits of the instruction at ``pc``."""
        return (v for v in self.visits if v.pc == pc)
