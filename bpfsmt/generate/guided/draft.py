"""A program that grows, and the states that the verifier would have at its end so far.

Every instruction is walked when it is put, on all paths that lead there; one that a path
refuses is not put.  So whoever draws the next instruction knows what each register holds.
Labels and functions whose place is not known yet have stand-ins for a pc: labels are
negative, functions begin far behind the program; `Draft.finish` gives them their places.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bpfsmt.domain import Reg, State
from bpfsmt.generate.guided.ways import FUNCTION, Way, ways
from bpfsmt.generate.insns import GOTO
from bpfsmt.generate.minimise import needed_maps
from bpfsmt.isa import CallSrc, Class, Instruction, JmpOp
from bpfsmt.program.program import MapDef, Program, ProgramType, Signature
from bpfsmt.rules import RuleSet
from bpfsmt.verifier.linux.flow import is_local_call, jump_target
from bpfsmt.verifier.reasons import Rejection

MOST_STATES = 4
"""So many states are followed from one place, and some more with other kinds of registers."""

MOST_STEPS = 2000
"""So many instructions are walked again for one that is put (rounds of a loop, calls)."""

_FIRST_LABEL = -64


class TooLong(Exception):
    """Walking on from an instruction takes more than `MOST_STEPS`."""


class Draft:
    """The code so far, where the next instruction goes, and the states that wait anywhere."""

    def __init__(self, rules: RuleSet, kind: ProgramType, maps: tuple[MapDef, ...] = ()) -> None:
        self.rules, self.kind, self.maps = rules, kind, maps
        self.code: dict[int, Instruction] = {}
        self.at = 0
        self.functions: list[int] = []
        """Where the functions behind the main one begin, in their order."""
        self.refused = False
        """An instruction that the verifier rejects was put on purpose: the end is near."""
        self.signatures: dict[int, Signature] = {}
        """Those of the functions that are verified by themselves."""
        self._ways = ways(rules, kind, maps, self.code, self.signatures)
        self._closed: set[int] = set()
        self._waiting: dict[int, tuple[State, ...]] = {0: (self._ways.start(),)}
        self._labels = _FIRST_LABEL

    def __len__(self) -> int:
        """How many instructions there are."""
        return len(self.code)

    @property
    def here(self) -> tuple[State, ...]:
        """The states that the next instruction is walked with; none where no path leads."""
        return self._waiting.get(self.at, ())

    def regs(self, number: int) -> tuple[Reg, ...]:
        """What a register holds here, in each state."""
        return tuple(state.frames[-1].regs[number] for state in self.here)

    # Putting instructions

    def put(self, *insns: Instruction) -> bool:
        """Append instructions if every state here accepts them all; else nothing changes."""
        before, at = dict(self._waiting), self.at
        put: list[int] = []
        try:
            for insn in insns:
                put.append(self.at)
                self._append(insn)
        except (Rejection, TooLong):
            for pc in put:
                del self.code[pc]
                self._ways.forget(pc)
            self._waiting, self.at = before, at
            return False
        return True

    def put_for_some(self, insn: Instruction) -> bool:
        """Append an instruction that a state here may refuse, if another accepts it.

        From those that refuse it no path is followed.
        """
        pc, before = self.at, self.here
        self.code[pc] = insn
        fine = tuple(state for state in before if self._accepts(state, pc))
        del self.code[pc]
        if not fine:
            return False
        self._waiting[pc] = fine
        return self.put(insn)

    def _accepts(self, state: State, pc: int) -> bool:
        try:
            self._ways.of(state, pc)
        except Rejection:
            self._ways.forget(pc)
            return False
        return True

    def put_anyway(self, insn: Instruction) -> None:
        """Append an instruction that is refused here; no path is followed behind it."""
        self.code[self.at] = insn
        self._waiting.pop(self.at, None)
        self.at += insn.slots
        self.refused = True

    def _append(self, insn: Instruction) -> None:
        pc = self.at
        self.code[pc] = insn
        self.at += insn.slots
        states = self._waiting.pop(pc, ())
        self._walk([(state, pc) for state in reversed(states)])

    def _walk(self, pending: list[Way]) -> None:
        """Walk until every state waits where no instruction is yet."""
        steps = 0
        while pending:
            state, pc = pending.pop()
            if pc not in self.code:
                self._wait(pc, state)
                continue
            if pc in self._closed:
                continue
            steps += 1
            if steps > MOST_STEPS:
                raise TooLong
            pending += reversed(self._ways.of(state, pc))

    def _wait(self, pc: int, state: State) -> None:
        there = self._waiting.get(pc, ())
        if state in there:
            return
        few = len(there) < MOST_STATES
        if few or (len(there) < 4 * MOST_STATES and _kinds(state) not in map(_kinds, there)):
            self._waiting[pc] = (*there, state)

    # Labels and functions

    def label(self) -> int:
        """A stand-in for a place that jumps may go to before it is known."""
        self._labels -= 1
        return self._labels

    def jump(self, insn: Instruction, label: int) -> bool:
        """Put a jump to a label, or back to a pc."""
        return self.put(_leading(insn, self.at, label))

    def close(self, top: int) -> bool:
        """Put a jump back to ``top``, if what comes here can go through all of it once more.

        For a loop whose rounds nothing counts: more of them are not walked.
        """
        pc, before = self.at, dict(self._waiting)
        self.code[pc] = _leading(GOTO, pc, top)
        self._closed.add(pc)
        try:
            self._walk([(state, top) for state in self._waiting.pop(pc, ())])
        except (Rejection, TooLong):
            del self.code[pc]
            self._closed.discard(pc)
            self._waiting = before
            return False
        self.at = pc + 1
        return True

    def place(self, label: int) -> None:
        """Here is where jumps to the label go."""
        for pc, insn in self.code.items():
            if jump_target(pc, insn) == label:
                self.code[pc] = _leading(insn, pc, self.at)
        for state in self._waiting.pop(label, ()):
            self._wait(self.at, state)

    def call(self, start: int) -> bool:
        """Put a call of the function that begins there."""
        imm = start - self.at - 1
        return self.put(Instruction(Class.JMP | JmpOp.CALL, 0, CallSrc.LOCAL, imm=imm))

    def new_function(self) -> int:
        """Where another function can begin."""
        return FUNCTION * (len(self.functions) + 1)

    def begin_global(self, signature: Signature) -> int:
        """Where a function begins that is verified by itself; it must be put, then called."""
        start = self.new_function()
        self.signatures[start] = signature
        self._waiting[start] = (self._ways.entry(start),)
        return start

    @contextmanager
    def inside(self, start: int) -> Iterator[None]:
        """What is put meanwhile is the function that begins there; it must end with an exit."""
        self.functions.append(start)
        outer, self.at = self.at, start
        yield
        self.at = outer

    # The whole

    def finish(self, name: str, flags: int = 0) -> Program:
        """The program, with the maps that it uses; every label must have been placed."""
        starts = [0, *self.functions]
        parts = [sorted(pc for pc in self.code if pc // FUNCTION * FUNCTION == s) for s in starts]
        slots: list[Instruction | None] = []
        places: dict[int, int] = {}
        for part in parts:
            for pc in part:
                places[pc] = len(slots)
                slots += [self.code[pc], None] if self.code[pc].slots == 2 else [self.code[pc]]
        for pc, at in places.items():
            insn = self.code[pc]
            if is_local_call(insn):
                slots[at] = replace(insn, imm=places[pc + 1 + insn.imm] - at - 1)
        names = {places[s]: f"f{n}" for n, s in enumerate(starts)} | {0: "main"}
        signatures = {places[s]: signature for s, signature in self.signatures.items()}
        return needed_maps(
            Program(
                name, self.kind, tuple(slots), self.maps, names, signatures=signatures, flags=flags
            )
        )


def _kinds(state: State) -> tuple[object, ...]:
    """What tells states apart by more than their numbers."""
    return tuple([reg[0] for reg in state.frames[-1].regs])


def _leading(insn: Instruction, pc: int, target: int) -> Instruction:
    """A jump at ``pc`` with its distance to the target."""
    distance = target - pc - 1
    far = insn.cls is Class.JMP32 and insn.jmp_op is JmpOp.JA
    return replace(insn, imm=distance) if far else replace(insn, offset=distance)
