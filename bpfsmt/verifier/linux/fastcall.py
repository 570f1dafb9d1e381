"""Stack that is given back: spills around calls which the kernel replaces by a few instructions.

Clang saves what a call may destroy although such a call destroys less (``bpf_fastcall``).
Where a function uses the lowest part of its stack for nothing else, Linux 6.12 removes these
spills (``mark_fastcall_patterns``, ``remove_fastcall_spills_fills``), and that part does not
count for the depth of the stack.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bpfsmt.isa import CallSrc, Class, Instruction, JmpOp, Mode, Size
from bpfsmt.program.program import ProgramType
from bpfsmt.semantics.prototypes import prototype
from bpfsmt.verifier.linux.env import Env
from bpfsmt.verifier.linux.flow import jump_target

_INLINED = frozenset({8})
"""Helpers that a 64-bit x86 kernel with its compiler inlines so: bpf_get_smp_processor_id."""

_SAVED = 0b111111
_NEVER = -(1 << 15)


@dataclass(slots=True)
class _Function:
    """``low`` is where its spills around calls end; below is nothing else, unless `_NEVER`."""

    start: int
    low: int = 0
    inlined: bool = False
    kept: bool = False
    """Some call with such spills is not inlined: they stay."""
    spills: set[int] = field(default_factory=set)


class Fastcall:
    """The functions of a program, with the spills and fills around their calls."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._slots = env.slots
        self._targets = {jump_target(pc, insn) for pc, insn in env.program.instructions()}
        self._functions = {start: _Function(start) for start in env.flow.starts}
        if env.policy.fastcall:
            for number, start in enumerate(env.flow.starts):
                self._mark(self._functions[start], range(start, env.flow.end(number)))

    def accessed(self, start: int, off: int, pc: int) -> None:
        """The instruction at ``pc`` accesses the stack of the function from fp + ``off`` on."""
        function = self._functions[start]
        if off < function.low and pc not in function.spills:
            function.low = _NEVER

    def depths(self, used: dict[int, int]) -> dict[int, int]:
        """The stack that functions use, by their starts, without what is given back."""
        given = {f.start: -f.low for f in self._functions.values()
                 if f.inlined and not f.kept and f.low != _NEVER}  # fmt: skip
        return used | given

    def _mark(self, function: _Function, pcs: range) -> None:
        found = [(pc, insn) for pc in pcs if (insn := self._slots[pc]) is not None]
        lowest = min((insn.offset for _, insn in found if _spills(insn)), default=0)
        for pc, insn in found:
            if insn.is_jmp and insn.jmp_op is JmpOp.CALL and insn.src == CallSrc.HELPER:
                self._mark_call(function, pc, insn, min(lowest, 0))

    def _mark_call(self, function: _Function, pc: int, call: Instruction, lowest: int) -> None:
        proto = prototype(ProgramType(self._env.program.type), call.imm)
        if proto is None:
            return
        destroyed = int(proto.result != "void") | (1 << 1 + len(proto.args)) - 2
        expected, n = _SAVED & ~destroyed, 0
        while expected and self._pair(pc, n + 1, expected, lowest + 8 * n):
            spill = self._slots[pc - n - 1]
            assert spill is not None
            expected &= ~(1 << spill.src)
            n += 1
            function.spills |= {pc - n, pc + n}
        if n:
            function.inlined |= call.imm in _INLINED
            function.kept |= call.imm not in _INLINED
            function.low = min(function.low, lowest + 8 * n)

    def _pair(self, pc: int, n: int, expected: int, off: int) -> bool:
        """The n-th instructions before and after spill and fill one of the registers there."""
        if pc - n < 0 or pc + n >= len(self._slots):
            return False
        spill, fill = self._slots[pc - n], self._slots[pc + n]
        if spill is None or fill is None or {pc - n + 1, pc + n} & self._targets:
            return False
        same = _spills(spill) and _fills(fill) and spill.src == fill.dst
        return same and bool(expected >> spill.src & 1) and spill.offset == fill.offset == off


def _spills(insn: Instruction) -> bool:
    plain = insn.cls is Class.STX and insn.mode is Mode.MEM
    return plain and insn.size is Size.DW and insn.dst == 10


def _fills(insn: Instruction) -> bool:
    plain = insn.cls is Class.LDX and insn.mode is Mode.MEM
    return plain and insn.size is Size.DW and insn.src == 10
