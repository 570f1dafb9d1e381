"""A kernel's log as the steps of its walk, with the states that it prints and no others.

`bpfsmt.kernel.log` reads the same lines into claims, and fills in what the log leaves out.
Here nothing is filled in: what is compared is what the kernel said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bpfsmt.isa.opcodes import Class
from bpfsmt.kernel.log import Unreadable, split_state
from bpfsmt.kernel.log.states import StateText
from bpfsmt.program.program import Program

_INSTRUCTION = re.compile(r"(\d+): \([0-9a-f]{2}\) (?:.*?)(?:\s*; ((?:frame\d+:|R\d+|fp-\d+).*))?")
_STATE = re.compile(r"\d+: ((?:frame\d+:|R\d+|fp-\d+).*)")
_FROM = re.compile(r"from (\d+) to (\d+)(?: \(speculative execution\))?:(.*)")
_SAFE = re.compile(r"(\d+): safe")
_FUNCTION = re.compile(r"Validating .*\(\) func#\d+\.\.\.")
_FRAME = re.compile(r"(caller|callee|returning from callee|to caller at \d+):")

_BTF = re.compile(r"[ =](?:\w+_)?ptr_(?!to_)\w*(?:\(|$)|=(?:\w+_)?percpu_ptr_", re.MULTILINE)


def has_btf_pointers(log: str) -> bool:
    """Whether a log has registers that point into the kernel's own structures.

    >>> has_btf_pointers("9: R0=ptr_or_null_tcp_sock(id=2)"), has_btf_pointers("R1=map_ptr(ks=4)")
    (True, False)
    """
    return _BTF.search(log) is not None


@dataclass(slots=True)
class Step:
    """One instruction that was walked.

    ``before`` is printed in front of it, where a path begins; ``after`` behind it.  Each is
    one frame's registers and slots, not all of them.  ``then`` is where the path goes on, -1
    if it does not.
    """

    pc: int
    before: list[StateText] = field(default_factory=list)
    after: list[StateText] = field(default_factory=list)
    then: int = -1


@dataclass(slots=True)
class Path:
    """Steps one after another, until the path ends or an earlier state stands for the rest.

    It begins at ``dst``, as the way on from an instruction at ``src`` that was left for later;
    ``src`` is -1 where a function begins.  There are no steps if it ends at once.
    """

    src: int = -1
    dst: int = -1
    steps: list[Step] = field(default_factory=list)


@dataclass(slots=True)
class Trace:
    """The paths in the order of the walk.

    ``unread`` are lines with states in them that were not understood.
    """

    paths: list[Path] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def length(self) -> int:
        """How many instructions were walked."""
        return sum(len(path.steps) for path in self.paths)


def read_trace(program: Program, lines: Iterable[str]) -> Trace:
    """The steps in a log of level 2."""
    reading = _Reading(program)
    for line in lines:
        try:
            reading.line(line)
        except Unreadable:
            reading.trace.unread.append(line)
    return reading.trace


class _Reading:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.trace = Trace([Path(dst=0)])
        self.pending: list[StateText] = []
        self.fresh = True
        """No instruction has been walked since the line that said where the walk is."""
        self.returning = False
        self.again = False
        """The next instruction is walked once more with another value of its operand
        (``maybe_fork_scalars``), which is no visit of its own."""
        self.step = Step(-1)
        self.awaited = ""
        """Of which frame the next line is, after a line that says so."""

    def line(self, line: str) -> None:
        if self.awaited:
            what, self.awaited = self.awaited, ""
            if what != "returning from callee":
                self.pending.append(split_state(line))
        elif found := _INSTRUCTION.fullmatch(line):
            self.instruction(int(found[1]), found[2])
        elif found := _FROM.fullmatch(line):
            self.way(int(found[1]), int(found[2]), found[3])
        elif found := _STATE.fullmatch(line):
            (self.pending if self.fresh else self.step.after).append(split_state(found[1]))
        elif found := _SAFE.fullmatch(line):
            self.step.then = int(found[1])
        elif found := _FRAME.fullmatch(line):
            self.awaited, self.fresh = found[1], True
            self.returning = self.returning or found[1].startswith("to caller")
        elif _FUNCTION.match(line):
            self.begin(Path())

    def begin(self, path: Path) -> None:
        self.trace.paths.append(path)
        self.step = Step(-1)  # what went before goes on nowhere
        self.pending, self.fresh = [], True

    def instruction(self, pc: int, comment: str | None) -> None:
        self.step.then = pc
        self.step = Step(pc, self.pending)
        if not self.again:
            self.trace.paths[-1].steps.append(self.step)
        self.pending, self.fresh, self.returning, self.again = [], False, False, False
        if comment:
            self.step.after.append(split_state(comment))

    def way(self, src: int, dst: int, text: str) -> None:
        """``from src to dst``: a path begins, or goes on in the caller."""
        if self.returning and text.strip() == "safe":
            self.step.then, self.returning = dst, False
            return
        if not self.returning:
            self.begin(Path(src, dst))
            if text.strip() == "safe":
                return
        self.pending, self.fresh = [split_state(text)], True
        self.again = src == dst and self._forked(dst)

    def _forked(self, pc: int) -> bool:
        insn = self.program.slots[pc] if pc < len(self.program) else None
        return insn is not None and insn.cls in (Class.ALU, Class.ALU64)
