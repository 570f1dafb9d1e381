"""The walk of all paths in the order of Linux (``do_check``), and the claims it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeAlias

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.domain.analysis import DeadArm, Edge, Visit
from bpfsmt.domain.links import Place
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.verifier.linux.env import Env, with_regs
from bpfsmt.verifier.linux.fastcall import Fastcall
from bpfsmt.verifier.linux.log import Log
from bpfsmt.verifier.linux.path import Checkpoint, Past, Path
from bpfsmt.verifier.linux.precision import Backtrack, Precision
from bpfsmt.verifier.linux.prune import Explored
from bpfsmt.verifier.reasons import Rejection

_CONVERTED = frozenset(
    {
        RegType.PTR_TO_CTX,
        RegType.PTR_TO_SOCKET,
        RegType.PTR_TO_SOCK_COMMON,
        RegType.PTR_TO_TCP_SOCK,
        RegType.PTR_TO_XDP_SOCK,
    }
)
"""Pointers through which an access is rewritten, by the type of the pointer."""

_FRAMES = ("call", "return")
"""How a path goes on from one function into another."""

MAX_JUMP_SEQUENCE = 8192
"""Arms that may wait to be walked (kernel BPF_COMPLEXITY_LIMIT_JMP_SEQ)."""


Effect: TypeAlias = "Callable[[Walk], None]"
"""What an instruction does that always goes on to the next one."""

Step: TypeAlias = "Callable[[Walk], int | None]"
"""What an instruction does, and where the path goes on; `None` if it ends."""


class Walk:
    """One function with all it calls: the main program, or a global function by itself."""

    def __init__(self, env: Env, log: Log, *, record: bool = True) -> None:
        from bpfsmt.verifier.linux.step import step

        self.env, self.log, self.record = env, log, record
        self._step_of = step
        self.visits: list[Visit] = []
        self.edges: list[Edge] = []
        self.dead: list[DeadArm] = []
        self.needed: dict[int, tuple[list[int], list[int]]] = {}
        """For each visit, by frame: the registers and the slots whose value has mattered."""
        self.path: Path = Path(State(()), 0)
        self.pending: list[Path] = []
        self.walked = 0
        self.jumps = 0
        self.called: list[int] = []
        """The global functions that were called, to be verified too."""
        self.stack_depth: dict[int, int] = {}
        self.tail_calls: set[int] = set()
        self.precision = Precision(
            env.slots, self.is_global, env.policy.duties, self._note if record else None
        )
        self.explored = Explored(self)
        self.fastcall = Fastcall(env)
        self._ids = 0
        self._types: dict[int, RegType] = {}
        self._pasts: dict[Past, Past] = {}

    @property
    def pc(self) -> int:
        """Where the walk is: the pc of a rejection."""
        return self.path.pc

    def is_global(self, start: int) -> bool:
        """Whether the function that starts there is verified by itself."""
        signature = self.env.program.signatures.get(start)
        return start != 0 and signature is not None and signature.is_global

    def run(self, state: State, entry: int, pc: int | None = None) -> None:
        """Walk all paths from a function's start, or from ``pc`` on; raises `Rejection`."""
        pc = entry if pc is None else pc
        self.pending = []
        self.explored.forget()
        self.path = Path(state, pc, first=pc, entry=entry)
        self._ids = max((r.id for r in state.all_regs()), default=0)
        fresh = True
        env, limit = self.env, self.env.policy.max_walked
        prune, jumps, steps, slots = env.flow.prune, env.flow.jumps, env.steps, env.slots
        reads = env.reads
        while True:
            path = self.path
            pc = path.pc
            self.walked += 1
            if self.walked > limit:
                raise _too_large(self.walked - 1)
            if pc in prune and self.explored.visited(path):
                self.log.safe(path, fresh)
                target = None
            else:
                if pc in jumps:
                    self.note_past()
                self._visit(path)
                insn, before = slots[pc], path.state
                assert insn is not None
                self.log.before(self, path, insn, fresh)
                path.kind = "next"
                if reads is not None:
                    reads.step(path)
                target = (steps[pc] or self._step(pc))(self)
                self.log.after(self, before, pc, insn)
                fresh = path.kind in _FRAMES
            if target is not None:
                path.prev, path.pc = pc, target
                continue
            if reads is not None:
                reads.end(path)
            path.end()
            if not self.pending:
                return
            self.path = self.pending.pop()
            fresh = True

    def _step(self, pc: int) -> Step:
        """What an instruction does, looked up for the first time."""
        found = self.env.steps[pc] = self._step_of(self.env, pc)
        return found

    def push(self, state: State, pc: int, kind: str) -> Path:
        """Keep an arm for later."""
        if len(self.pending) >= MAX_JUMP_SEQUENCE:
            n = len(self.pending) + 1
            raise Rejection(
                "too-complex",
                f"The sequence of {n} jumps is too complex.",
                f"{n} branches wait to be walked at once; shorter sequences would help.",
            )
        arm = self.path.fork(state, pc, kind)
        self.pending.append(arm)
        return arm

    # Claims

    def _visit(self, path: Path) -> None:
        again, path.again = path.again, False
        if not self.record:
            return
        if again:
            self._visit_again(path)
            return
        visit = Visit(len(self.visits), path.pc, path.state)
        self.visits.append(visit)
        if path.visit >= 0:
            self.edges.append(Edge(path.visit, visit.index, path.pc, path.state, path.kind))
        path.visit = visit.index
        path.trail.append(visit.index)
        parent = path.parent
        if parent is not None and parent.visit < 0:
            parent.visit = visit.index

    def _visit_again(self, path: Path) -> None:
        """A part of a visit's state is walked through its instruction: no visit of its own."""
        if path.pc in self.env.flow.jumps:
            path.trail.append(path.visit)  # as often as the instruction is in the history
        if path.parent is not None and path.parent.visit < 0:
            path.parent.visit = path.visit

    def pruned(self, path: Path, old: Checkpoint) -> None:
        """Claim that the visit of ``old`` stands for the state of the path.

        Of a part of a visit's state that is to go through the instruction again: the visit
        leads to wherever ``old`` does.
        """
        if not self.record:
            return
        if path.again:
            found = [e for e in self.edges if e.src == old.visit]
            self.edges += [Edge(path.visit, e.dst, e.pc, e.state, e.kind, True) for e in found]
        else:
            self.edges.append(Edge(path.visit, old.visit, path.pc, path.state, path.kind, True))

    def never(self, pc: int, kind: str) -> None:
        """Claim that the branch does not go to ``pc``."""
        if self.record:
            self.dead.append(DeadArm(self.path.visit, pc, kind))

    def _note(self, visit: int, bt: Backtrack) -> None:
        regs, slots = self.needed.setdefault(visit, ([0] * 8, [0] * 8))
        for n, mask in enumerate(bt.regs):
            regs[n] |= mask
        for n, mask in enumerate(bt.slots):
            slots[n] |= mask

    # What steps ask for

    def fresh_id(self) -> int:
        """An id that no register has yet."""
        self._ids += 1
        return self._ids

    @property
    def last_id(self) -> int:
        """The greatest id so far."""
        return self._ids

    def read(self, number: int) -> Reg:
        """A register of the current frame; rejects one that was not written."""
        reg = self.path.state[0][-1][0][number]
        if reg[0] is RegType.NOT_INIT:
            lost = " (a call destroys R1 to R5)." if 1 <= number <= 5 else "."
            raise Rejection(
                "uninitialized-register",
                f"R{number} !read_ok",
                f"R{number} is read, but no value was written to it on this path{lost}",
                reg=number,
            )
        return reg

    def write(self, number: int, reg: Reg) -> None:
        """Write a register of the current frame; rejects writing the frame pointer."""
        if number == 10:
            self.reject(
                "frame-pointer-write",
                "frame pointer is read only",
                "R10 is the frame pointer; copy it to another register first.",
                number,
            )
        path = self.path
        regs = list(path.state[0][-1][0])
        regs[number] = reg
        path.state = with_regs(path.state, tuple(regs))

    def clobber(self, result: Reg = NOT_INIT) -> None:
        """R0 is written and R1 to R5 are lost, as a call does."""
        frame = self.path.state.frames[-1]
        self.set_regs((result, *[NOT_INIT] * 5, *frame.regs[6:]))

    def set_regs(self, regs: tuple[Reg, ...]) -> None:
        """Replace all registers of the current frame."""
        self.path.state = with_regs(self.path.state, regs)

    def precise(self, number: int) -> None:
        """The number in a register matters here."""
        self.log.precise(self, number)
        self.precision.register(self.path, number)

    def precise_slot(self, frame: int, number: int) -> None:
        """The number in a stack slot matters here."""
        self.precision.slot(self.path, frame, number)

    def check_pointer_type(self, reg: Reg) -> None:
        """One instruction cannot access memory of different kinds (``save_aux_ptr_type``)."""
        before = self._types.setdefault(self.path.pc, reg.type)
        if before is not reg.type and (before in _CONVERTED or reg.type in _CONVERTED):
            message = "same insn cannot be used with different pointers"
            pair = f"{before.value} and {reg.type.value}"
            self.reject("bad-pointer", message, f"The access is through {pair} on different paths.")

    def note_past(
        self,
        slot: tuple[int, int] | None = None,
        stack_operands: int = 0,
        linked: tuple[Place, ...] = (),
    ) -> None:
        """Note in the path's history what this instruction does, or just that it is next."""
        path = self.path
        history = path.history
        last = history[-1] if history else None
        again = last is not None and last.pc == path.pc and last.prev == path.prev
        if last is not None and again and self._noted == self.walked:
            slot, linked = slot or last.slot, linked or last.linked
            stack_operands |= last.stack_operands
            history.pop()
        entry = Past(path.pc, path.prev, slot, stack_operands, linked)
        # rounds of a loop have the same past: one entry for all of them
        history.append(self._pasts.setdefault(entry, entry))
        self._noted = self.walked

    _noted = -1

    def note_depth(self, frame: int, off: int) -> None:
        """The stack of that frame reaches down to fp + ``off``."""
        start = self.function_of(frame)
        self.fastcall.accessed(start, off, self.path.pc)
        if -off > self.stack_depth.get(start, 0):
            self.stack_depth[start] = -off

    def function_of(self, frame: int) -> int:
        """Where the function of a frame starts."""
        callsite = self.path.state.frames[frame].callsite
        if callsite < 0:
            return self.path.entry
        insn = self.env.slots[callsite]
        assert insn is not None
        return callsite + 1 + insn.imm

    def reject(self, kind: str, message: str, reason: str = "", reg: int = -1) -> NoReturn:
        """Raise the rejection; without a reason the message says it all."""
        raise Rejection(kind, message, reason or message, reg=reg)


def _too_large(walked: int) -> Rejection:
    return Rejection(
        "too-complex",
        f"BPF program is too large. Processed {walked} insn",
        f"The walk of all paths takes more than {walked} instructions; fewer branches whose "
        f"results stay in registers or on the stack would help.",
    )
