"""From the lines of a log to visits and edges: where the kernel's walk stood at each line.

The kernel walks depth first.  A conditional jump of which both arms are possible leaves
the taken one on a stack for later; ``from X to Y`` says that one comes off it.  An arm that
never comes off is one that the kernel holds for impossible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import NamedTuple

from bpfsmt.cfg import writes
from bpfsmt.cfg.defuse import ALL_REGISTERS
from bpfsmt.domain.analysis import DeadArm, Edge, Visit
from bpfsmt.domain.order import Place
from bpfsmt.domain.reg import ADDED, NOT_INIT, Reg, RegType
from bpfsmt.domain.scalar import const
from bpfsmt.domain.state import EMPTY_SLOT, SLOT_SIZE, Frame, Slot, State
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, CallSrc, Class, JmpOp
from bpfsmt.kernel.log.alive import FRAME_BITS, alive
from bpfsmt.kernel.log.carry import carry, learned
from bpfsmt.kernel.log.checkpoints import Checkpoints
from bpfsmt.kernel.log.cover import best_cover
from bpfsmt.kernel.log.guess import compared, computed
from bpfsmt.kernel.log.regs import Dialect, Reader
from bpfsmt.kernel.log.states import StateText, read_slot
from bpfsmt.program.program import Program
from bpfsmt.rules import rule_set


class Astray(Exception):
    """A line that does not fit where the walk stands; the argument says why."""


class Arm(NamedTuple):
    """One way on that was left for later; ``certain`` if it is a jump's other arm."""

    src: int
    kind: str
    pc: int
    state: State
    certain: bool


@dataclass(slots=True)
class Here:
    """Where the walk stands: behind visit ``src``, in ``state``, about to take an arm.

    ``kind`` and ``pc`` are known if a line said them, else they follow from the next line;
    ``printed`` says whether a line showed what the last instruction did.
    """

    state: State
    src: int = -1
    kind: str = ""
    pc: int = -1
    printed: bool = False


@dataclass
class Trail:
    """The visits and edges so far, and the notes that were made on the way."""

    program: Program
    reader: Reader
    visits: list[Visit] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    dead: list[DeadArm] = field(default_factory=list)
    live: dict[int, int] = field(default_factory=dict)
    surprises: list[str] = field(default_factory=list)
    precise: dict[int, set[Place]] = field(default_factory=dict)
    here: Here | None = None

    def __post_init__(self) -> None:
        self._pending: list[Arm] = []
        self._looking = -1
        self._twin: dict[int, int] = {}
        """The visit of the whole state, for one that has a part of it at the same place."""
        self._parent: list[int] = []
        self.checkpoints = Checkpoints(self.program)
        self._path: list[int] = []
        """The visits from the start to where the walk stands."""
        self._alive_from: dict[int, int] = {}
        """For visits from which all paths have been walked, what was read on them."""
        self._out: dict[int, list[int]] = defaultdict(list)
        self._into: dict[int, int] = {}
        self._at: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
        blank = Frame((*[NOT_INIT] * 10, Reg(RegType.PTR_TO_STACK, const(0))), {})
        self.here = Here(State((blank,)), kind="next", pc=0)

    # Lines

    def instruction(self, pc: int) -> None:
        """The instruction at ``pc`` is walked."""
        here = self._stands(pc)
        kind = here.kind or self._kind(here, pc)
        visit = Visit(len(self.visits), pc, here.state)
        self.visits.append(visit)
        self._parent.append(here.src)
        same = self._at[pc, here.state.callsites]
        self.checkpoints.walked(visit.index, pc, [n for n in same if n not in self._alive_from])
        self._path.append(visit.index)
        self._at[pc, here.state.callsites].append(visit.index)
        if kind == "again":
            self._twin[visit.index] = here.src
        elif here.src >= 0:
            self._into[visit.index] = len(self.edges)
            self._lead(Edge(here.src, visit.index, pc, here.state, kind))
        state = carry(self.program, here.state, pc, trusting=bool(self.live))
        self.here = None if state is None else Here(state, visit.index)

    def changed(self, text: StateText) -> None:
        """Registers and slots as they are behind the last instruction."""
        here = self._anywhere()
        here.printed = True
        if text.frame >= len(here.state.frames):
            raise Astray(f"there is no frame {text.frame} here")
        operands = self._operands(here) if text.frame == len(here.state.frames) - 1 else ()
        before = here.state
        for n in operands:
            if n in text.regs:
                self._put_reg(here, text.frame, n, text.regs[n])
                old, new = before.regs[n], here.state.regs[n]
                here.state = learned(here.state, old, new, self._alive(here), self._rules)
        for n, said in text.regs.items():
            if n not in operands:
                self._put_reg(here, text.frame, n, said)
        for n, said in text.slots.items():
            place = text.frame, f"fp-{SLOT_SIZE * (n + 1)}"
            hint = get(here.state, place)
            assert isinstance(hint, Slot)
            self._put(here, place, read_slot(self.reader, said, text.frame, hint))

    def whole(self, text: StateText) -> None:
        """All of one frame: what is not said holds nothing."""
        self.changed(text)
        here = self._anywhere()
        frame = here.state.frames[text.frame]
        for n, reg in enumerate(frame.regs):
            if n not in text.regs and reg.type is not RegType.NOT_INIT:
                here.state = put(here.state, (text.frame, f"R{n}"), NOT_INIT)
        for n, slot in frame.stack.items():
            if n not in text.slots and slot != EMPTY_SLOT:
                place = text.frame, f"fp-{SLOT_SIZE * (n + 1)}"
                here.state = put(here.state, place, EMPTY_SLOT)

    def resume(self, src_pc: int, pc: int, text: StateText | None) -> None:
        """``from src_pc to pc``: back from a call, or an arm that was left for later."""
        if self.here is None:
            arm = self._pop(src_pc, pc, text)
            self._leave_for(arm.src)
            self.here = Here(arm.state, arm.src, arm.kind, pc)
        else:
            here = self._stands(pc)
            if here.src < 0 or self.visits[here.src].pc != src_pc:
                raise Astray(f"the walk is not at {src_pc}")
            here.kind, here.pc = here.kind or self._kind(here, pc), pc
        if text is not None:
            self.whole(text)

    def safe(self, pc: int) -> None:
        """Here the walk met a state for which an earlier one stands."""
        here = self._stands(pc)
        kind = here.kind or self._kind(here, pc)
        self.checkpoints.pruned()
        if not here.printed:
            self._guess(here, kind)
        earlier = self._at[pc, here.state.callsites]
        if not earlier:
            raise Astray(f"no earlier state at {pc}")
        # A state is compared with those that are kept and from which all paths are walked; in
        # a loop also with others.
        kept = [n for n in earlier if n in self.checkpoints.kept]
        done = [n for n in kept if n in self._alive_from]
        candidates = [self.visits[n] for n in done or kept or earlier]
        dst = best_cover(candidates, here.state, self._matters(pc, here.state), self.precise)
        self._lead(Edge(here.src, dst.index, pc, here.state, kind, pruned=True))
        self.here = None

    def _lead(self, edge: Edge) -> None:
        """Note an edge; where a state was split, it is one of those of the whole state."""
        sources = {edge.src, self._twin.get(edge.src, edge.src)}
        for src in sorted(sources, reverse=True):
            self._out[src].append(len(self.edges))
            self.edges.append(replace(edge, src=src))

    def backtrack(self, last: int, *, new: bool) -> None:
        """The kernel begins to look back for what must be precise; or goes on with it."""
        if self.here is None or (not new and self._looking >= 0):
            return
        at = self.here.src
        self._looking = at if at >= 0 and self.visits[at].pc == last else len(self.visits)

    def must_be_precise(self, pc: int, places: Sequence[Place]) -> None:
        """It looks at the instruction at ``pc``, behind which these are needed."""
        at = self._looking
        if self.here is None or at < 0:
            return
        before = self._parent[at] if at < len(self.visits) else self.here.src
        while before >= 0 and self.visits[before].pc != pc:
            at, before = before, self._parent[before]
        if before < 0:
            return
        if at < len(self.visits):
            self.precise.setdefault(at, set()).update(places)
        self._looking = before

    def marked(self, text: StateText) -> None:
        """The state to which the kernel looked back has these numbers marked precise."""
        if not 0 <= self._looking < len(self.visits):
            return
        marks = self.precise.setdefault(self._looking, set())
        marks |= {(text.frame, f"R{n}") for n, said in text.regs.items() if said[0] == "P"}
        for n, said in text.slots.items():
            if "P" in said.partition("(")[0]:
                marks.add((text.frame, f"fp-{SLOT_SIZE * (n + 1)}"))

    def finish(self, *, accepted: bool) -> None:
        """The log is at its end: arms that never came back are dead, if nothing is open."""
        while accepted and self._pending:
            self._drop(self._pending.pop())

    def _guess(self, here: Here, kind: str) -> None:
        """Put in what the last instruction did, where no line says it."""
        if here.src < 0:
            return
        insn, before = self._last(here), self.visits[here.src].state
        if insn.is_alu:
            number = computed(self._rules(), insn, before)
            if number is not None:
                here.state = here.state.with_reg(insn.dst, number)
        elif is_conditional(insn):
            both = compared(self._rules(), insn, before, taken=kind == "taken")
            for n, scalar in zip(self._operands(here), both or (), strict=False):
                old = here.state.regs[n]
                new = old._replace(scalar=scalar)
                state = here.state.with_reg(n, new)
                here.state = learned(state, old, new, self._alive(here), self._rules)

    def _rules(self) -> SimpleNamespace:
        """The rules of a kernel of about this log's age."""
        if self.reader.dialect is Dialect.OLD:
            return rule_set("linux-6.1").ints
        return rule_set("linux-6.18" if self.live else "linux-6.12").ints

    # Where the walk stands

    def _anywhere(self) -> Here:
        if self.here is None:
            raise Astray("the walk stands nowhere")
        return self.here

    def _stands(self, pc: int) -> Here:
        here = self._anywhere()
        if here.pc >= 0 and here.pc != pc:
            raise Astray(f"the walk is about to come to {here.pc}, not {pc}")
        if not 0 <= pc < len(self.program) or self.program.slots[pc] is None:
            raise Astray(f"the program has no instruction {pc}")
        if here.pc < 0 and pc not in self._ways(here):
            raise Astray(f"{self.visits[here.src].pc} does not lead to {pc}")
        return here

    def _last(self, here: Here) -> Instruction:
        return self.program[self.visits[here.src].pc]

    def _ways(self, here: Here) -> Iterator[int]:
        """The places to which the last instruction may lead."""
        last, pc = self._last(here), self.visits[here.src].pc
        if not last.is_jmp:
            yield pc + last.slots
        elif last.jmp_op is JmpOp.EXIT:
            yield self.visits[here.src].state.frames[-1].callsite + 1
        elif last.jmp_op is JmpOp.CALL:
            yield pc + 1 + (last.imm if last.src == CallSrc.LOCAL else 0)
        else:
            wide = last.jmp_op is JmpOp.JA and last.cls is Class.JMP32
            yield pc + 1 + (last.imm if wide else last.offset)
            if last.jmp_op is not JmpOp.JA:
                yield pc + 1

    def _kind(self, here: Here, pc: int) -> str:
        """Which way the walk went; what it left for later, or not at all, is noted."""
        last, at = self._last(here), self.visits[here.src].pc
        if not last.is_jmp:
            if last.is_alu and last.alu_op in (AluOp.AND, AluOp.OR):
                # A mask that is 0 or -1 may be walked as each (``maybe_fork_scalars``).
                again = self.visits[here.src].state
                self._pending.append(Arm(here.src, "again", at, again, False))
            return "next"
        match last.jmp_op:
            case JmpOp.EXIT:
                return "return"
            case JmpOp.CALL:
                return "call" if last.src == CallSrc.LOCAL else "next"
            case JmpOp.JA:
                return "next"
        before = self.visits[here.src].state
        if pc == at + 1:
            target = at + 1 + last.offset
            self._pending.append(Arm(here.src, "taken", target, before, True))
            return "not-taken"
        self.dead.append(DeadArm(here.src, at + 1, "not-taken"))
        return "taken"

    def _pop(self, src_pc: int, pc: int, text: StateText | None) -> Arm:
        """The arm that comes off the stack; those above it can never be taken."""
        fitting = [
            n for n, arm in enumerate(self._pending)
            if arm.pc == pc and self.visits[arm.src].pc == src_pc
        ]  # fmt: skip
        if not fitting:
            raise Astray(f"nothing was left for later at {src_pc} that leads to {pc}")
        chosen = fitting[-1]
        if len(fitting) > 1 and text is not None:
            # In a loop a jump comes up again and again; the state tells which time it was.
            chosen = min(reversed(fitting), key=lambda n: self._strangeness(n, text))
        arm = self._pending[chosen]
        for dropped in self._pending[chosen + 1 :]:
            self._drop(dropped)
        del self._pending[chosen:]
        return arm

    def _strangeness(self, n: int, text: StateText) -> int:
        """How many registers are printed other than the arm's state lets expect."""
        arm = self._pending[n]
        insn = self.program[self.visits[arm.src].pc]
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

    def _drop(self, arm: Arm) -> None:
        if arm.certain:
            self.dead.append(DeadArm(arm.src, arm.pc, arm.kind))

    # Putting in what is printed

    def _operands(self, here: Here) -> tuple[int, ...]:
        """The registers that the last instruction, a conditional jump, compares."""
        if here.src < 0 or not is_conditional(self._last(here)):
            return ()
        last = self._last(here)
        return (last.dst, last.src) if last.uses_reg else (last.dst,)

    def _put_reg(self, here: Here, frame: int, n: int, said: str) -> None:
        place = frame, f"R{n}"
        hint = here.state.frames[frame].regs[n]
        self._put(here, place, self.reader.reg(said, frame, hint).reg)

    def _put(self, here: Here, place: Place, new: Reg | Slot) -> None:
        old = get(here.state, place)
        if old == new:
            return
        if here.src >= 0 and not self._may_change(here.src, here.state, place):
            self._surprise(here, place, old, new)
        here.state = put(here.state, place, new)

    def _may_change(self, visit: int, state: State, place: Place) -> bool:
        """Whether the instruction of a visit changes this place and the log says so."""
        insn = self.program[self.visits[visit].pc]
        frame, name = place
        if name[0] == "R":
            top = frame == len(state.frames) - 1
            number = int(name[1:])
            if is_conditional(insn):
                operands = (insn.dst, insn.src) if insn.uses_reg else (insn.dst,)
                before = self.visits[visit].state
                ids = {before.regs[n].id & ~ADDED for n in operands} - {0}
                linked = state.frames[frame].regs[number].id & ~ADDED in ids
                return linked or (top and number in operands)
            copied = insn.is_alu and insn.alu_op is AluOp.MOV and insn.uses_reg
            gets_id = (copied or insn.cls is Class.STX) and number == insn.src
            return top and bool(writes(insn) >> number & 1 or gets_id)
        return insn.cls in (Class.ST, Class.STX) or is_call(insn)

    def _surprise(self, here: Here, place: Place, old: Reg | Slot, new: Reg | Slot) -> None:
        """Something was changed before without the log saying so: at the last jump or call.

        What was claimed since is corrected.
        """
        n = here.src
        self.surprises.append(
            f"{self.visits[n].pc}: {place[1]} of frame {place[0]} was {old}, is {new}"
        )
        while n >= 0 and not self.program[self.visits[n].pc].is_jmp:
            visit = self.visits[n]
            if get(visit.state, place) != old:
                break
            state = put(visit.state, place, new)
            self.visits[n] = Visit(n, visit.pc, state)
            if n in self._into:
                edge = self.edges[self._into[n]]
                self.edges[self._into[n]] = replace(edge, state=state)
            n = self._parent[n]

    def _alive(self, here: Here) -> Sequence[int]:
        """The live registers of each frame, as far as the log says."""
        if not self.live:
            return ()
        calls = (*here.state.callsites, self.visits[here.src].pc)
        return [self.live.get(pc, -1) for pc in calls]

    def _leave_for(self, visit: int) -> None:
        """The walk goes back to ``visit``: from those after it all paths have been walked."""
        while self._path and self._path[-1] != visit:
            done = self._path.pop()
            edges = (self.edges[n] for n in self._out[done])
            after = [(e.kind, self._alive_from.get(e.dst, self._all(e))) for e in edges]
            self._alive_from[done] = alive(self.program, self.visits[done], after)

    def _all(self, edge: Edge) -> int:
        """Everything: what may be read from a visit that is still being walked from."""
        return (1 << FRAME_BITS * len(edge.state.frames)) - 1

    def _matters(self, pc: int, state: State) -> Callable[[int], int]:
        """What of an earlier visit matters: as the log has it, or as its paths read it."""
        everything = (1 << FRAME_BITS * len(state.frames)) - 1
        if pc not in self.live:
            return lambda visit: self._alive_from.get(visit, everything)
        shift = FRAME_BITS * (len(state.frames) - 1)
        dead = ~(self.live[pc] | 1 << 10) & ALL_REGISTERS
        return lambda visit: everything & ~(dead << shift)


def is_conditional(insn: Instruction) -> bool:
    """A jump that compares."""
    return insn.is_jmp and insn.jmp_op not in (JmpOp.JA, JmpOp.CALL, JmpOp.EXIT, JmpOp.JCOND)


def is_call(insn: Instruction) -> bool:
    """A call of whatever kind."""
    return insn.is_jmp and insn.jmp_op is JmpOp.CALL


def get(state: State, place: Place) -> Reg | Slot:
    """What a state says of a place."""
    frame, name = place
    if name[0] == "R":
        return state.frames[frame].regs[int(name[1:])]
    return state.frames[frame].stack.get(int(name[3:]) // SLOT_SIZE - 1, EMPTY_SLOT)


def put(state: State, place: Place, what: Reg | Slot) -> State:
    """The state with something else at a place."""
    number, name = place
    if isinstance(what, Slot):
        return state.with_slot(number, int(name[3:]) // SLOT_SIZE - 1, what)
    frame, n = state.frames[number], int(name[1:])
    regs = (*frame.regs[:n], what, *frame.regs[n + 1 :])
    frames = (*state.frames[:number], frame._replace(regs=regs), *state.frames[number + 1 :])
    return state._replace(frames=frames)
