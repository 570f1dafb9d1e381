"""Behind a call of a function that is verified apart: what it may have left there."""

from __future__ import annotations

from bpfsmt.cfg.flow import function_entries
from bpfsmt.errors import UnsupportedError
from bpfsmt.program.program import Program
from bpfsmt.semantics.prototypes import PROTOTYPES
from bpfsmt.symbolic.calls import behind, changed, other_program
from bpfsmt.symbolic.memory import Access
from bpfsmt.symbolic.state import SymState


def call_over(access: Access, state: SymState, entry: int) -> SymState:
    """The state behind a call of the function at ``entry``, which may give any number.

    It may write what it can reach: packet, context, maps.  Raises `UnsupportedError` if it is
    given the stack.
    """
    for n in range(1, 6):
        for alt in state.regs[n].alts:
            if alt.region is not None and alt.region.kind in ("stack", "record"):
                what = f"a global function that is given a {alt.region.kind}"
                raise UnsupportedError(f"{access.place}: {what}")
    moves = moves_packet(access.program, entry)
    after = other_program(access, state) if moves else changed(access, state)
    return behind(access, after, after.regs[0])


def moves_packet(program: Program, entry: int) -> bool:
    """Whether a function, or one that it calls, may move or resize the packet."""
    entries = function_entries(program)
    seen: set[int] = set()
    waiting = [entry]
    while waiting:
        start = waiting.pop()
        if start in seen:
            continue
        seen.add(start)
        end = next((e for e in entries if e > start), len(program))
        for pc in range(start, end):
            insn = program.slots[pc]
            if insn is None or not insn.is_call:
                continue
            if insn.calls_local:
                waiting.append(pc + 1 + insn.imm)
                continue
            helper = None if insn.helper is None else PROTOTYPES.get(insn.helper)
            if helper is None or helper.changes_packet:
                return True
    return False
