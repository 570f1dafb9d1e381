"""Inputs for one program: numbers near its own constants and near the ends of widths.

Packet and context are drawn before a run, and what helpers return and map values hold during
it.  All is written down as it is drawn, so that the run can be repeated as that of a witness.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bpfsmt.conformance.values import word
from bpfsmt.crosscheck.witness import Event, Witness
from bpfsmt.isa import TAIL_CALL
from bpfsmt.isa.opcodes import JmpOp
from bpfsmt.machine import Code, Inputs, Machine, Region, Result, ScriptedEnvironment, run
from bpfsmt.machine.helpers.base import Args
from bpfsmt.program.program import Program
from bpfsmt.semantics.context import layout_of
from bpfsmt.semantics.helpers import HELPERS, Ret

BUDGET = 20_000
"""Instructions of one run."""

MOST_ROUNDS = 8
"""After so many at most a ``may_goto`` leaves its loop; a kernel may do that at any time."""

_U64 = (1 << 64) - 1
_LENGTHS = (14, 34, 64, 64, 64, 90, 128)
_ARRAYS = frozenset({"array", "percpu_array"})
_OPEN = {
    "bpf_get_prandom_u32": 0xFFFFFFFF, "bpf_ktime_get_ns": _U64, "bpf_ktime_get_boot_ns": _U64,
    "bpf_jiffies64": _U64, "bpf_get_current_pid_tgid": _U64,
}  # fmt: skip
"""Helpers that may give any number, with the bits that it may have."""


def constants(program: Program) -> Sequence[int]:
    """The numbers in a program and their neighbours, also in the upper half and negated."""
    found = set()
    for _, insn in program.instructions():
        if insn.is_ld_imm64 and insn.src == 0:
            found.add((insn.next_imm << 32 | insn.imm & 0xFFFFFFFF) & _U64)
        elif insn.is_alu or insn.is_jmp:
            found.add(insn.imm & _U64)
    near = {n + d for n in found for d in (-1, 0, 1)} | {-n for n in found}
    near |= {n << 32 for n in found} | {n & 0xFFFFFFFF for n in near}
    near |= {(n & 0xFFFFFFFF) | 1 << 32 for n in found}
    return sorted({n & _U64 for n in near})


class Run(NamedTuple):
    """An input, all that was decided on the way included, and what came of it."""

    witness: Witness
    result: Result


class Draw:
    """One input being drawn, the same for the same ``name``; ``events`` is what was said so far."""

    def __init__(self, program: Program, near: Sequence[int], name: str) -> None:
        self.rng = random.Random(name)
        self.program = program
        self.near = near
        self.events: list[Event] = []
        layout = layout_of(program.type)
        self.ctx = {f.name: self.word() & f.mask for f in layout.fields if f.kind == "scalar"}
        size = self.rng.choice(_LENGTHS)
        words = (self.word().to_bytes(8, "little") for _ in range(size // 8 + 1))
        self.packet = b"".join(words)[:size]

    def word(self) -> int:
        """A number of 64 bits."""
        if self.near and self.rng.random() < 0.5:
            return self.rng.choice(self.near)
        return word(self.rng)

    def witness(self) -> Witness:
        """The input as far as it was drawn."""
        return Witness(self.packet, b"", self.ctx, tuple(self.events))


class Surroundings(ScriptedEnvironment):
    """An environment that writes its script as it goes, within what helpers promise."""

    def __init__(self, draw: Draw) -> None:
        super().__init__(())
        self.draw = draw
        self.rounds = draw.rng.randint(0, MOST_ROUNDS)
        if any(i.is_jmp and i.jmp_op is JmpOp.JCOND for _, i in draw.program.instructions()):
            self._say(Event("rounds", 0, self.rounds))

    def load_value(self, machine: Machine, pc: int, region: Region, size: int, value: int) -> int:
        """What a map's value holds: what was there, or what another CPU wrote meanwhile."""
        frozen = self.draw.program.maps[region.index].frozen
        if not frozen and self.draw.rng.random() < 0.7:
            value = self.draw.word()
        self._say(Event("load", pc, value & ((1 << 8 * size) - 1)))
        return super().load_value(machine, pc, region, size, value)

    def call(self, machine: Machine, number: int, args: Args) -> int:
        """The helper's answer: drawn if it is a number without any effect, or a lookup's."""
        helper = HELPERS.get(number)
        if helper is not None and helper.ret is Ret.MAP_VALUE_OR_NULL:
            self._look_up(machine, args)
        elif number == TAIL_CALL:
            self._go_over(machine)
        elif helper is not None and helper.name in _OPEN:
            self._say(Event("call", machine.pc, self.draw.word() & _OPEN[helper.name]))
        return super().call(machine, number, args)

    def _go_over(self, machine: Machine) -> None:
        """A tail call may fail, or go over to a program that gives a number and cuts the packet."""
        rng = self.draw.rng
        if rng.random() < 0.3:
            return
        given = 0 if rng.random() < 0.5 else self.draw.word()
        meta, data, end = machine.packet.marks
        if rng.random() < 0.7:
            end = rng.randint(data, end)
        self._say(Event("program", machine.pc, given, packet=(meta, data, end)))

    def _say(self, event: Event) -> None:
        self.draw.events.append(event)
        self.left = [event]

    def _look_up(self, machine: Machine, args: Args) -> None:
        """A key may be there or not, except in an array, which has what it has."""
        definition = machine.map_state(args[0]).definition
        if definition.type in _ARRAYS or definition.inner is not None:
            return
        missing = self.draw.rng.random() < 0.25
        self._say(Event("call", machine.pc, 0 if missing else None))


def runs(program: Program, code: Code | Program, count: int, name: str) -> Iterator[Run]:
    """So many runs on inputs that are drawn, the same for the same ``name``."""
    near = constants(program)
    for n in range(count):
        draw = Draw(program, near, f"{name}/{n}")
        result = run(
            code, Inputs(draw.packet, draw.ctx), Surroundings(draw), budget=BUDGET, trace=True
        )
        yield Run(draw.witness(), result)
