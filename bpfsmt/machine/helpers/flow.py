"""Helpers that run something else: other programs, and functions of this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.errno import E2BIG, EINVAL, ENOENT
from bpfsmt.machine.helpers.base import U32, Host
from bpfsmt.machine.maps import ProgArrayState
from bpfsmt.machine.tailcall import TailCall

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_MAX_LOOPS = 1 << 23


class FlowHelpers(Host):
    """Tail calls and loops."""

    def bpf_tail_call(self, m: Machine, ctx: int, handle: int, index: int, *_: int) -> int:
        """On to another program, if there is one; the caller goes on only if there is none."""
        state = m.map_state(handle)
        definition = state.definition
        index &= U32
        if index >= definition.max_entries:
            return E2BIG
        program = state.program(index) if isinstance(state, ProgArrayState) else None
        program = program or self.programs.get((definition.name, index))
        if program is None or program.type is not m.program.type or not m.count_tail_call():
            return ENOENT
        raise TailCall(program)

    def bpf_loop(self, m: Machine, count: int, callback: int, ctx: int, flags: int, _: int) -> int:
        """Call a function with 0, 1, ... until it returns 1: how often it was called.

        All 64 bits of the count matter, as where the verifier writes the loop in place (it
        does where it knows the function, and that the flags are 0).
        """
        if flags:
            return EINVAL
        if count > _MAX_LOOPS:
            return E2BIG
        for i in range(count):
            if m.call(callback, i, ctx):
                return i + 1
        return count
