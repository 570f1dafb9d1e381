"""What stays the same while a program is walked: maps, rules by name, layout, flags."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from bpfsmt.domain import Reg, RegType, Scalar, format_reg
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.domain.scalar import const
from bpfsmt.domain.state import Frame, State
from bpfsmt.isa import TAIL_CALL, CallSrc, JmpOp
from bpfsmt.program.program import LOAD_FLAGS, MapDef, Program
from bpfsmt.rules import RuleSet
from bpfsmt.semantics.context import layout_of
from bpfsmt.semantics.prototypes import PROTOTYPES, Prototype
from bpfsmt.verifier.linux.flow import Flow
from bpfsmt.verifier.linux.liveness import live_before, register_effects, ways_on
from bpfsmt.verifier.linux.reads import Reads
from bpfsmt.verifier.linux.slots import slot_effects

STRICT_ALIGNMENT, TEST_STATE_FREQ, SLEEPABLE = LOAD_FLAGS.values()
"""Flags of a load (``BPF_F_...``)."""

_NUMBER = RegType.SCALAR_VALUE
ANY = Reg(_NUMBER)
"""A number of which nothing is known."""


_make = tuple.__new__  # a third of the time of the class's own
_REST = ANY[2:]


def number(scalar: Scalar) -> Reg:
    """A register that holds a number of which no other is a copy."""
    return _make(Reg, (_NUMBER, scalar, *_REST))


def with_scalar(reg: Reg, scalar: Scalar) -> Reg:
    """The register with another number, or variable part."""
    return _make(Reg, (reg[0], scalar, *reg[2:]))


def with_regs(state: State, regs: tuple[Reg, ...]) -> State:
    """The state with other registers in the current frame."""
    frames, refs, lock = state
    _, stack, callsite = frames[-1]
    changed = _make(Frame, (regs, stack, callsite))
    return _make(State, ((*frames[:-1], changed), refs, lock))


class Env:
    """The program and the rules; nothing here changes during the walk."""

    def __init__(self, program: Program, rules: RuleSet) -> None:
        self.program = program
        self.slots = program.slots
        self.rules, self.policy = rules, rules.policy
        self.ints = rules.ints
        self.flow = Flow(program)
        ways = ways_on(program, bit_tests=rules.policy.duties.bit_tests)
        effects = register_effects(program), slot_effects(program, self.flow.starts, ways)
        self.live, self.live_slots = (live_before(each, ways) for each in effects)
        self.reads = Reads(program, *effects) if rules.policy.live_as_walked else None
        self.layout = layout_of(program.type)
        self.strict = bool(program.flags & STRICT_ALIGNMENT) or rules.policy.strict_alignment
        self.frequent = bool(program.flags & TEST_STATE_FREQ)
        self.maps: list[MapDef] = list(program.maps)
        self.inner: dict[int, int] = {}
        for n, m in enumerate(program.maps):
            if m.inner is not None:
                self.inner[n] = len(self.maps)
                self.maps.append(m.inner)
        self._changes: dict[int, bool] = {}
        self.steps: list[Any] = [None] * len(self.slots)
        """What each instruction does, from when it is first walked."""
        self.number: Callable[[int], Reg] = lru_cache(8192)(lambda x: number(const(x)))
        """The register that holds just this number (taken modulo 2**64)."""
        self.zero = const(0)

    def makes_stale(self, helper: Prototype) -> bool:
        """Whether packet pointers are stale where a helper comes back.

        A tail call only comes back if it failed; it depends on whether the walk knows that.
        """
        if helper.number == TAIL_CALL and self.policy.duties.tail_calls_return:
            return False
        return self._changes_packet(helper)

    def _changes_packet(self, helper: Prototype) -> bool:
        return helper.changes_packet and (
            helper.number != TAIL_CALL or self.policy.duties.after_tail_calls
        )

    def changes_packet(self, start: int) -> bool:
        """Whether a function, or one that it calls, makes packet pointers stale."""
        if start not in self._changes:
            self._changes[start] = False
            self._changes[start] = any(
                self._change(pc) for pc in range(start, self.flow.end(self.flow.function(start)))
            )
        return self._changes[start]

    def _change(self, pc: int) -> bool:
        insn = self.slots[pc]
        if insn is None or not insn.is_jmp or insn.jmp_op is not JmpOp.CALL:
            return False
        if insn.src == CallSrc.LOCAL:
            return self.changes_packet(pc + 1 + insn.imm)
        found = PROTOTYPES.get(insn.imm) if insn.src == CallSrc.HELPER else None
        return found is not None and self._changes_packet(found)

    def pointer(self, type_: RegType, **fields: int) -> Reg:
        """A pointer of that type to the beginning of its region."""
        return Reg(type_, self.zero, **fields)

    def frame(self, number: int, callsite: int = -1) -> Frame:
        """A frame whose registers are unwritten but for the frame pointer."""
        fp = Reg(RegType.PTR_TO_STACK, self.zero, frame=number)
        return Frame((*[NOT_INIT] * 10, fp), {}, callsite)

    def checked(self, reg: Reg) -> Reg:
        """The register, without its ranges where they contradict each other."""
        scalar = self.ints.checked(reg[1])
        return reg if scalar is reg[1] else with_scalar(reg, scalar)

    def show(self, reg: Reg) -> str:
        """A register's state in log syntax."""
        return format_reg(reg, self.maps)

    def loaded(self, size: int, *, signed: bool) -> Reg:
        """What a load of ``size`` unknown bytes gives."""
        rule = self.ints.load_sext if signed else self.ints.load
        return Reg(RegType.SCALAR_VALUE, rule(size))
