"""A verifier's log (level 2) to the claims that it makes: text to `Analysis`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.domain.order import Place
from bpfsmt.errors import LogError
from bpfsmt.kernel.log.lines import live_registers, passes
from bpfsmt.kernel.log.messages import Message, message
from bpfsmt.kernel.log.printed import Astray
from bpfsmt.kernel.log.regs import Dialect, Reader, Unmodelled, Unreadable
from bpfsmt.kernel.log.states import StateText, split_state
from bpfsmt.kernel.log.trail import Trail
from bpfsmt.program.program import Program

_INSTRUCTION = re.compile(r"(\d+): \(([0-9a-f]{2})\) (.*?)(?:\s*;(| .*))?")
_STATE = re.compile(r"(\d+):((?: (?:frame\d+:|R\d+|fp-\d+).*)?)")
_FROM = re.compile(r"from (\d+) to (\d+)( \(speculative execution\))?:(.*)")
_SAFE = re.compile(r"(\d+): safe")
_HEAD = re.compile(
    r"(caller|callee|returning from callee|to caller at \d+|cur state|old state):(.*)"
)
_BACK = re.compile(
    r"(?:mark_precise: frame\d+: )?last_idx (-?\d+) first_idx (-?\d+)(?: subseq_idx (-?\d+))? ?"
)
_NEEDED = re.compile(
    r"(?:mark_precise: frame(\d+): )?regs=([\w,]*) stack=([-\w,]*) before (\d+): .*"
)
_PARENT = re.compile(
    r"(?:mark_precise: frame(\d+): parent state regs=\S* stack=\S*:"
    r"|parent (?:didn't have|already had) regs=\w+ stack=\w+ marks:)(.*)"
)
_FUNCTION = re.compile(r"func#(\d+) @(\d+)")
_OVER = re.compile(
    r"[Ff]unc#\d+ .*(?:is global and assumed valid\.|is global and valid\. Skipping\.)"
)
_VALIDATING = re.compile(r"Validating .*\(\) func#(\d+)\.\.\.")
_PROCESSED = re.compile(r"processed (\d+) insns \(limit \d+\)( max_states_per_insn \d+ .*)?")
_OLD = re.compile(r"\(off=-?\d+(?:,r=-?\d+)?,(?:ks=|imm=)")


@dataclass
class ParsedLog:
    """What a log says: the claims, and what of it was not understood.

    ``unread`` has every line that is neither a claim nor known to make none, with its
    number (from 1) and text.  ``surprises`` are places where the log shows that something
    had changed before without any line saying so, and that this parser did not carry along;
    the claims in between are corrected.  ``kept`` is how many states the kernel has kept to
    compare others with (its ``total_states``).
    """

    analysis: Analysis
    unread: list[tuple[int, str]] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    kept: int = 0


def parse_log(
    program: Program, log: str, *, producer: str = "kernel", accepted: bool | None = None
) -> ParsedLog:
    """The claims in a kernel's log about ``program``.

    ``accepted`` is the kernel's answer where it is known; else the log must tell: a program
    is rejected if a message says so.  What a log names that is outside of bpfsmt's domain
    makes the analysis one of `Outcome.UNSUPPORTED`.  Raises `LogError` if the log is about
    another program, or cut off and there is no ``accepted``.
    """
    return _Parser(program, log, producer).run(accepted)


class _Parser:
    def __init__(self, program: Program, log: str, producer: str) -> None:
        dialect = Dialect.OLD if _OLD.search(log) else Dialect.NEW
        self.program, self.producer = program, producer
        self.lines = log.splitlines()
        self.trail = Trail(program, Reader(program.maps, dialect))
        self.unread: list[tuple[int, str]] = []
        self.said: list[tuple[str, Message]] = []
        self.unsupported = ""
        self.ended = False
        self.number = 0
        self.functions: dict[int, int] = {}
        self.next: Callable[[str], None] | None = None

    def run(self, accepted: bool | None) -> ParsedLog:
        for number, line in enumerate(self.lines, start=1):
            self.number = number
            try:
                understood = self.line(line)
            except (Unreadable, Astray) as error:
                self.unread.append((number, f"{line}  [{error}]"))
                continue
            except Unmodelled as error:
                self.unsupported = str(error)
                self.trail.here = None
                break
            if not understood:
                self.unread.append((number, line))
        if accepted is None and not self.ended and not self.unsupported:
            raise LogError(f"the log is cut off after line {self.number}: it has no last line")
        verdict = self.verdict(accepted)
        claims = self.trail.claims
        self.trail.finish(accepted=verdict.accepted)
        analysis = Analysis(
            self.program, self.producer, verdict, claims.visits, claims.edges, claims.dead,
            walked=len(claims.visits), log=self.lines,
            uninit_stack=True,  # a kernel that prints all this lets its user see all memory
        )  # fmt: skip
        kept = self.trail.checkpoints.total
        return ParsedLog(analysis, self.unread, self.trail.printed.surprises, kept)

    # Lines

    def line(self, line: str) -> bool:
        """Take in one line; False if it is not understood."""
        if self.next is not None:
            take, self.next = self.next, None
            take(line)
            return True
        return (
            self.instruction(line)
            or self.state(line)
            or self.way(line)
            or self.call(line)
            or self.function(line)
            or self.precision(line)
            or self.table(line)
            or self.counts(line)
            or passes(line)
            or self.rejection(line)
        )

    def instruction(self, line: str) -> bool:
        found = _INSTRUCTION.fullmatch(line)
        if not found:
            return False
        pc, opcode = int(found[1]), int(found[2], 16)
        there = self.program.slots[pc] if pc < len(self.program) else None
        if there is None or there.opcode != opcode:
            what = "none" if there is None else f"one with opcode {there.opcode:02x}"
            raise LogError(
                f"line {self.number} of the log has an instruction {opcode:02x} at {pc}, where "
                f"{self.program.name} has {what}: it is about another program"
            )
        self.trail.instruction(pc)
        if found[4]:
            self.trail.changed(_modelled(found[4]))
        return True

    def state(self, line: str) -> bool:
        safe = _SAFE.fullmatch(line)
        if safe:
            self.trail.safe(int(safe[1]))
            return True
        found = _STATE.fullmatch(line)
        if not found:
            return False
        self.trail.says(int(found[1]), _modelled(found[2]))
        return True

    def way(self, line: str) -> bool:
        found = _FROM.fullmatch(line)
        if not found:
            return False
        if found[3]:
            raise Unmodelled("speculative paths")
        src, pc, text = int(found[1]), int(found[2]), found[4]
        if text.strip() == "safe":
            self.trail.resume(src, pc, None)
            self.trail.safe(pc)
        else:
            self.trail.resume(src, pc, _modelled(text))
        return True

    def call(self, line: str) -> bool:
        found = _HEAD.fullmatch(line)
        if not found:
            return False
        what, rest = found.groups()
        if what in ("cur state", "old state"):
            _modelled(rest)
        elif what == "returning from callee":
            self.trail.returns()
            self.next = lambda text: None  # a frame that is no more
        else:
            self.next = lambda text: self.trail.whole(_modelled(text))
        return True

    def function(self, line: str) -> bool:
        """Where functions begin; those that are global are verified by themselves."""
        begins = _FUNCTION.fullmatch(line)
        if begins:
            self.functions[int(begins[1])] = int(begins[2])
            return True
        if _OVER.fullmatch(line):
            self.trail.over()
            return True
        alone = _VALIDATING.fullmatch(line)
        if alone is None:
            return False
        if not self.trail.claims.visits:
            raise Unmodelled("global functions that are verified before the program")
        number = int(alone[1])
        if number not in self.functions:
            raise Astray(f"no line said where function {number} begins")
        self.trail.function(self.functions[number])
        return True

    def precision(self, line: str) -> bool:
        back = _BACK.fullmatch(line)
        if back:
            self.trail.backtrack(int(back[1]), new=back[3] in (None, "-1"))
            return True
        needed = _NEEDED.fullmatch(line)
        if needed:
            self.trail.marks.needed(int(needed[4]), list(self.places(needed)))
            return True
        parent = _PARENT.fullmatch(line)
        if parent:
            self.trail.marks.marked(_modelled(parent[2]))
        return parent is not None

    def places(self, needed: re.Match[str]) -> Iterator[Place]:
        """Registers and slots as ``regs=r1,r2 stack=-8``, or as masks (Linux 6.1)."""
        frame = int(needed[1]) if needed[1] else 0
        if needed[1] is None:
            regs, slots = int(needed[2], 16), int(needed[3], 16)
            yield from ((frame, f"R{n}") for n in range(11) if regs >> n & 1)
            yield from ((frame, f"fp-{8 * (n + 1)}") for n in range(64) if slots >> n & 1)
            return
        yield from ((frame, f"R{name[1:]}") for name in needed[2].split(",") if name)
        yield from ((frame, f"fp{off}") for off in needed[3].split(",") if off)

    def table(self, line: str) -> bool:
        row = live_registers(line)
        if row is not None:
            self.trail.live[row[0]] = row[1]
        return row is not None

    def counts(self, line: str) -> bool:
        """The last line; its count of instructions must be that of all that was read."""
        found = _PROCESSED.fullmatch(line)
        if not found:
            return False
        self.ended = True
        walked = len(self.trail.claims.visits) + self.trail.pruned
        if found[2] and int(found[1]) != walked and not self.unsupported:
            raise Astray(f"{walked} of these instructions were found in the log")
        return True

    def rejection(self, line: str) -> bool:
        visits = self.trail.claims.visits
        said = message(line, visits[-1].state.regs if visits else ())
        if said is not None:
            self.said.append((line, said))
        return said is not None

    # The verdict

    def verdict(self, accepted: bool | None) -> Verdict:
        """What the kernel decided; why, in its own words."""
        visits = self.trail.claims.visits
        pc = visits[-1].pc if visits else 0
        if self.unsupported:
            why = f"bpfsmt does not model {self.unsupported}: no verdict."
            message_ = f"{self.unsupported} not modelled"
            return Verdict(Outcome.UNSUPPORTED, pc, "unsupported", why, message_)
        if accepted if accepted is not None else not self.said:
            return Verdict(Outcome.ACCEPT)
        if not self.said:
            text = self.unread[-1][1] if self.unread else "no reason in the log"
            return Verdict(Outcome.REJECT, pc, "other", f"The kernel says: {text}.", text)
        line, first = self.said[0]
        reason = "The kernel says: " + "; ".join(text for text, _ in self.said) + "."
        at = first.pc if first.pc >= 0 else pc
        return Verdict(Outcome.REJECT, at, first.kind, reason, line, first.reg)


def _modelled(text: str) -> StateText:
    """A printed state taken apart, if it is not one inside of a callback: raises `Unmodelled`."""
    found = split_state(text)
    if {"cb", "async_cb"} & set(found.other.split()):
        raise Unmodelled("callbacks")
    return found
