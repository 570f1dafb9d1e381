"""Where the kernel's walk stood at each line of its log.

The kernel walks depth first.  A conditional jump of which both arms are possible leaves
the taken one on a stack for later; ``from X to Y`` says that one comes off it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bpfsmt.cfg.defuse import ALL_REGISTERS
from bpfsmt.domain.analysis import DeadArm, Edge
from bpfsmt.domain.reg import NOT_INIT, Reg, RegType
from bpfsmt.domain.scalar import const
from bpfsmt.domain.state import Frame, State
from bpfsmt.isa.helper_ids import TAIL_CALL
from bpfsmt.isa.opcodes import AluOp, CallSrc, Class, JmpOp
from bpfsmt.kernel.log.alive import FRAME_BITS, alive
from bpfsmt.kernel.log.arms import Arm, Arms
from bpfsmt.kernel.log.carry import carry, return_from_global
from bpfsmt.kernel.log.checkpoints import Checkpoints
from bpfsmt.kernel.log.claims import Claims, Here
from bpfsmt.kernel.log.cover import best_cover
from bpfsmt.kernel.log.marks import Marks
from bpfsmt.kernel.log.printed import Astray, Printed
from bpfsmt.kernel.log.regs import Dialect, Reader
from bpfsmt.kernel.log.rules import Rules
from bpfsmt.kernel.log.states import StateText
from bpfsmt.program.program import Program


class Trail:
    """Follows the walk; ``claims`` has what it leaves behind."""

    def __init__(self, program: Program, reader: Reader) -> None:
        self.program = program
        self.live: dict[int, int] = {}
        """The registers that are live at each pc, as far as the log says."""
        self.claims = Claims(program)
        self.pruned = 0
        """How often an earlier state stood for the one met."""
        self.marks = Marks(self.claims)
        rules = Rules(lambda: _rules_of(reader.dialect, bool(self.live)))
        self.printed = Printed(self.claims, reader, rules, self.live)
        self.here: Here | None = _start(0)
        self._new = reader.dialect is Dialect.NEW
        self._arms = Arms(self.claims, reader)
        self.checkpoints = Checkpoints(
            program, self.live, lambda n: n not in self._alive_from, by_history=self._new
        )
        self._path: list[int] = []
        """The visits from the start to where the walk stands."""
        self._alive_from: dict[int, int] = {}
        """For visits from which all paths have been walked, what was read on them."""

    # Lines

    def instruction(self, pc: int) -> None:
        """The instruction at ``pc`` is walked."""
        here = self._stands(pc)
        visit = self.claims.visit(here, pc, here.kind or self._kind(here, pc))
        self.checkpoints.walked(visit.index, (pc, here.state.frames[-1].callsite))
        self._path.append(visit.index)
        state = self._carry(here.state, pc)
        self.here = None if state is None else Here(state, visit.index)

    def says(self, pc: int, text: StateText) -> None:
        """``pc: state``: registers and slots as they are behind the last instruction."""
        here = self._anywhere()
        if here.src < 0 or self.claims.visits[here.src].pc != pc:
            self._stands(pc)
        self.changed(text)

    def changed(self, text: StateText) -> None:
        """Registers and slots as they are behind the last instruction."""
        self.printed.changed(self._anywhere(), text)

    def whole(self, text: StateText) -> None:
        """All of one frame."""
        self.printed.whole(self._anywhere(), text)

    def resume(self, src_pc: int, pc: int, text: StateText | None) -> None:
        """``from src_pc to pc``: back from a call, or an arm that was left for later."""
        if self.here is None:
            arm = self._arms.take(src_pc, pc, text)
            self._leave_for(arm.src)
            self.checkpoints.history = arm.history
            self.here = Here(arm.state, arm.src, arm.kind, pc)
        else:
            here = self._stands(pc)
            if here.src < 0 or self.claims.visits[here.src].pc != src_pc:
                raise Astray(f"the walk is not at {src_pc}")
            here.kind, here.pc = here.kind or self._kind(here, pc), pc
        if text is not None:
            self.whole(text)

    def safe(self, pc: int) -> None:
        """Here the walk met a state for which an earlier one stands."""
        here = self._stands(pc)
        kind = here.kind or self._kind(here, pc)
        if not here.printed:
            self.printed.guess(here, kind)
        earlier = self.claims.at[pc, here.state.callsites]
        if not earlier:
            raise Astray(f"no earlier state at {pc}")
        # A state is compared with those that are kept and from which all paths are walked; in
        # a loop also with others.
        key = pc, here.state.frames[-1].callsite
        kept = [n for n in self.checkpoints.kept(key) if n in earlier]
        done = [n for n in kept if n in self._alive_from]
        candidates = [self.claims.visits[n] for n in sorted(done or kept or earlier)]
        matters = self._matters(pc, here.state)
        dst = best_cover(candidates, here.state, matters, self.marks.precise)
        self.checkpoints.pruned(key, dst.index)
        self.pruned += 1
        self.claims.lead(Edge(here.src, dst.index, pc, here.state, kind, pruned=True))
        self.here = None

    def backtrack(self, last: int, *, new: bool) -> None:
        """The kernel looks back for what must be precise, or goes on with it."""
        if self.here is not None and new:
            self.marks.begin(self.here.src, last)

    def over(self) -> None:
        """The function that is called is a global one: it is verified apart."""
        here = self._anywhere()
        state = return_from_global(here.state)
        if state is None:
            raise Astray("no function was called")
        here.state, here.kind = state, "over"
        here.pc = self.claims.visits[here.src].pc + 1

    def returns(self) -> None:
        """Back to the caller: by an exit, or by a tail call that succeeds (Linux 6.19).

        That it fails is left for later.
        """
        here = self._anywhere()
        last = self.claims.insn(here.src)
        if last.helper != TAIL_CALL:
            return
        visit, state = self.claims.visits[here.src], return_from_global(here.state)
        if state is None:
            raise Astray("no function was called")
        history = self.checkpoints.history
        self._arms.leave(Arm(visit.index, "next", visit.pc + 1, here.state, True, history))
        here.pc = visit.state.frames[-1].callsite + 1
        here.state, here.kind = state, "return"

    def function(self, pc: int) -> None:
        """A global function is verified by itself, from its first instruction."""
        if self.here is not None:
            raise Astray("the walk has not come to an end")
        self._arms.end()
        self._leave_for(-1)
        self.checkpoints.forget()
        self.here = _start(pc)

    def finish(self, *, accepted: bool) -> None:
        """The log is at its end: arms that never came back are dead, if nothing is open."""
        if accepted:
            self._arms.end()

    # Where the walk stands

    def _carry(self, state: State, pc: int) -> State | None:
        return carry(self.program, state, pc, self.live, few_links=self._new)

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
            raise Astray(f"{self.claims.visits[here.src].pc} does not lead to {pc}")
        return here

    def _ways(self, here: Here) -> Iterator[int]:
        """The places to which the last instruction may lead."""
        last, visit = self.claims.insn(here.src), self.claims.visits[here.src]
        if not last.is_jmp:
            yield visit.pc + last.slots
        elif last.jmp_op is JmpOp.EXIT:
            yield visit.state.frames[-1].callsite + 1
        elif last.jmp_op is JmpOp.CALL:
            yield visit.pc + 1 + (last.imm if last.src == CallSrc.LOCAL else 0)
        else:
            wide = last.jmp_op is JmpOp.JA and last.cls is Class.JMP32
            yield visit.pc + 1 + (last.imm if wide else last.offset)
            if last.jmp_op is not JmpOp.JA:
                yield visit.pc + 1

    def _kind(self, here: Here, pc: int) -> str:
        """Which way the walk went; what it left for later, or not at all, is noted."""
        last, visit = self.claims.insn(here.src), self.claims.visits[here.src]
        self.checkpoints.left(visit.pc, visit.state, here.state)

        def leave(kind: str, to: int, state: State, *, certain: bool) -> None:
            history = self.checkpoints.history
            self._arms.leave(Arm(visit.index, kind, to, state, certain, history))

        if not last.is_jmp:
            if last.is_alu and last.alu_op in (AluOp.AND, AluOp.OR):
                # A mask that is 0 or -1 may be walked as each (``maybe_fork_scalars``).
                leave("again", visit.pc, visit.state, certain=False)
            return "next"
        match last.jmp_op:
            case JmpOp.EXIT:
                return "return"
            case JmpOp.CALL:
                return "call" if last.src == CallSrc.LOCAL else "next"
            case JmpOp.JA:
                return "next"
        if pc == visit.pc + 1:
            both = self._carry(visit.state, visit.pc) or visit.state
            leave("taken", pc + last.offset, both, certain=True)
            return "not-taken"
        if last.jmp_op is JmpOp.JCOND:  # goes the far way first
            leave("not-taken", visit.pc + 1, visit.state, certain=True)
        else:
            self.claims.dead.append(DeadArm(visit.index, visit.pc + 1, "not-taken"))
        return "taken"

    # What matters

    def _leave_for(self, visit: int) -> None:
        """The walk goes back to ``visit``: from those after it all paths have been walked."""
        while self._path and self._path[-1] != visit:
            done = self._path.pop()
            edges = (self.claims.edges[n] for n in self.claims.out[done])
            after = [(e.kind, self._alive_from.get(e.dst, _everything(e.state))) for e in edges]
            self._alive_from[done] = alive(self.program, self.claims.visits[done], after)

    def _matters(self, pc: int, state: State) -> Callable[[int], int]:
        """What of an earlier visit matters: as the log has it, or as its paths read it."""
        everything = _everything(state)
        if pc not in self.live:
            return lambda visit: self._alive_from.get(visit, everything)
        shift = FRAME_BITS * (len(state.frames) - 1)
        dead = ~(self.live[pc] | 1 << 10) & ALL_REGISTERS
        return lambda visit: everything & ~(dead << shift)


def _start(pc: int) -> Here:
    """The beginning of a function: its arguments are yet to be printed."""
    frame_pointer = Reg(RegType.PTR_TO_STACK, const(0))
    return Here(State((Frame((*[NOT_INIT] * 10, frame_pointer), {}),)), kind="next", pc=pc)


def _everything(state: State) -> int:
    return (1 << FRAME_BITS * len(state.frames)) - 1


def _rules_of(dialect: Dialect, late: bool) -> str:
    """The rule set of a kernel of about a log's age."""
    return "linux-6.1" if dialect is Dialect.OLD else "linux-6.18" if late else "linux-6.12"
