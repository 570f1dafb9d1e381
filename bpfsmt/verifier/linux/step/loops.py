"""``may_goto``: a loop that the kernel leaves by itself when its budget is spent."""

from __future__ import annotations

from bpfsmt.domain import UNKNOWN, Reg, RegType, State
from bpfsmt.domain.state import SPILL
from bpfsmt.isa import Instruction
from bpfsmt.verifier.linux.env import ANY
from bpfsmt.verifier.linux.path import Checkpoint
from bpfsmt.verifier.linux.walk import Walk


def may_goto(w: Walk, insn: Instruction, pc: int) -> int:
    """Leave the loop now; keep another round for later, in which what does not matter is open."""
    state = w.path.state
    exact = w.env.policy.duties.exact_rounds
    before = _previous(w.path.parent, pc, state) if exact else None
    arm = w.push(state if before is None else _widened(w, before, state), pc + 1, "not-taken")
    arm.rounds += 1
    w.path.kind = "taken"
    return pc + 1 + insn.offset


def _previous(at: Checkpoint | None, pc: int, state: State) -> Checkpoint | None:
    """The latest checkpoint of the path at this instruction (``find_prev_entry``)."""
    first = True
    while at is not None:
        same = at.pc == pc and at.state.callsites == state.callsites
        if same and not first:
            return at
        first = first and not same
        at = at.parent
    return None


def _widened(w: Walk, old: Checkpoint, state: State) -> State:
    """Kernel ``widen_imprecise_scalars``."""
    for f, (a, b) in enumerate(zip(old.state.frames, state.frames, strict=True)):
        regs = tuple(
            _open(w, x, y, old.is_precise(f, n, stack=False))
            for n, (x, y) in enumerate(zip(a.regs, b.regs, strict=True))
        )
        stack = dict(b.stack)
        for n, slot in b.stack.items():
            other = a.stack.get(n)
            if slot.spill is None or other is None or other.spill is None:
                continue
            if slot.kinds[-1] == other.kinds[-1] == SPILL:
                wide = _open(w, other.spill, slot.spill, old.is_precise(f, n, stack=True))
                stack[n] = slot._replace(spill=wide)
        frame = b._replace(regs=regs, stack=stack)
        state = state._replace(frames=(*state.frames[:f], frame, *state.frames[f + 1 :]))
    return state


def _open(w: Walk, old: Reg, new: Reg, precise: bool) -> Reg:
    number = old.type is new.type is RegType.SCALAR_VALUE
    if not number or precise or old == new:
        return new
    # A number whose link alone is another one is no longer the same either.
    same = old._replace(scalar=new.scalar) == new
    return ANY._replace(scalar=w.env.ints.widened(old.scalar, new.scalar) if same else UNKNOWN)
