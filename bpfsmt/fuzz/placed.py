"""A machine in the middle of a program: in some concrete state that an abstract one stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from bpfsmt.conformance.values import word
from bpfsmt.domain.reg import ADDED, Reg, RegType
from bpfsmt.domain.state import INVALID, SLOT_SIZE, SPILL, ZERO, Slot, State
from bpfsmt.fuzz.inputs import Draw, Surroundings
from bpfsmt.fuzz.members import linked_members, members
from bpfsmt.isa.opcodes import CallSrc
from bpfsmt.machine import Code, Inputs, Machine, Trace
from bpfsmt.machine.interpreter import Frame, Interpreter
from bpfsmt.machine.maps.base import Value

_PACKET = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)
_VALUES = (RegType.PTR_TO_MAP_VALUE, RegType.PTR_TO_MAP_VALUE_OR_NULL)
_MEANT = frozenset({
    RegType.PTR_TO_CTX, RegType.PTR_TO_STACK, RegType.CONST_PTR_TO_MAP, RegType.PTR_TO_PACKET_END,
    *_PACKET, *_VALUES,
})  # fmt: skip
_MOST_BYTES = 0xFFFF

Place: TypeAlias = tuple[int, int]
"""A frame, and the number of a register there, or of a slot (-1 for the uppermost)."""


class Undrawn(Exception):
    """No state was met that this one stands for, or it has what is not drawn (locks, sockets)."""


class Placed:
    """A machine in a state that was drawn from γ(state), the same for the same ``name``.

    Raises `Undrawn`.
    """

    def __init__(
        self, code: Code, state: State, near: Sequence[int], name: str, budget: int
    ) -> None:
        self._state = state
        self._draw = Draw(code.program, near, name)
        self._rng = self._draw.rng
        if state.refs or state.lock or not all(self._called(f.callsite) for f in state.frames[1:]):
            raise Undrawn
        self._numbers: dict[Place, int] = {}
        self._parts: dict[tuple[object, ...], int] = {}
        self._null: dict[tuple[object, ...], bool] = {}
        self._values: dict[tuple[object, ...], int] = {}
        self._choose()
        draw = self._draw
        env = Surroundings(draw)
        self.machine = Machine(env.link(code), Inputs(draw.packet, draw.ctx), env, budget)
        self.trace = Trace(self.machine.memory, self.machine.ctx.base)
        self.interpreter = Interpreter(self.machine, self.trace)
        self.frames = self.interpreter.begin(state.callsites)
        for depth, frame in enumerate(self.frames):
            self._fill(depth, frame)

    def _called(self, callsite: int) -> bool:
        """Whether a call of a function made this frame (a helper calls otherwise)."""
        insn = self._draw.program.slots[callsite]
        return insn is not None and insn.src == CallSrc.LOCAL

    # Numbers, before there is a machine

    def _choose(self) -> None:
        """A number for every register and spill, and a packet that is long enough for them."""
        groups: dict[int | Place, list[tuple[Place, Reg]]] = {}
        needed = 0
        for place, reg in self._regs():
            if reg.type is RegType.SCALAR_VALUE:
                groups.setdefault(reg.id & ~ADDED or place, []).append((place, reg))
            elif reg.is_pointer:
                if reg.type not in _MEANT or reg.range < 0 or reg.ref:
                    raise Undrawn
                part = self._part(place, reg)
                if reg.type is RegType.PTR_TO_PACKET:
                    needed = max(needed, part + max(reg.range, 0))
        for group in groups.values():
            numbers = linked_members([reg for _, reg in group], self._draw.near, self._rng)
            if numbers is None:
                raise Undrawn
            for (place, _), number in zip(group, numbers, strict=True):
                self._numbers[place] = number
        if needed > _MOST_BYTES:
            raise Undrawn
        packet = self._draw.packet
        short = len(packet) < needed or self._rng.random() < 0.3
        self._draw.packet = packet[:needed].ljust(max(needed, 14), b"\1") if short else packet

    def _regs(self) -> Iterator[tuple[Place, Reg]]:
        """Everything that holds a number or a pointer."""
        for depth, frame in enumerate(self._state.frames):
            for n, reg in enumerate(frame.regs):
                yield (depth, n), reg
            for n, slot in frame.stack.items():
                if slot.spill is not None and (slot.kinds == SPILL * SLOT_SIZE or _number(slot)):
                    yield (depth, -1 - n), slot.spill

    def _key(self, place: Place, reg: Reg) -> tuple[object, ...]:
        kind = "value" if reg.type in _VALUES else reg.type
        return (kind, reg.id or place)

    def _part(self, place: Place, reg: Reg) -> int:
        """The variable part of a pointer; those of one id share it."""
        known = members(reg.scalar)
        if not known:
            raise Undrawn
        number = self._rng.choice(known)
        if reg.type in _PACKET and number > _MOST_BYTES:
            number = min(known)
        key = self._key(place, reg)
        if reg.type is RegType.PTR_TO_MAP_VALUE:
            self._null[key] = False
        elif reg.type is RegType.PTR_TO_MAP_VALUE_OR_NULL:
            self._null.setdefault(key, self._rng.random() < 0.3)
        return self._parts.setdefault(key, number)

    # What they are in the machine

    def _fill(self, depth: int, frame: Frame) -> None:
        claimed = self._state.frames[depth]
        frame.written = 0
        for n, reg in enumerate(claimed.regs):
            if reg.type is not RegType.NOT_INIT:
                frame.written |= 1 << n
                frame.regs[n] = self._value((depth, n), reg)
        data = frame.stack.data
        for number, slot in claimed.stack.items():
            at = len(data) - SLOT_SIZE * (number + 1)
            old = bytes(data[at : at + SLOT_SIZE])
            data[at : at + SLOT_SIZE] = self._bytes((depth, -1 - number), slot, old)

    def _bytes(self, place: Place, slot: Slot, junk: bytes) -> bytes:
        if slot.spill is not None and slot.kinds == SPILL * SLOT_SIZE:
            return self._value(place, slot.spill).to_bytes(SLOT_SIZE, "little")
        content = bytearray(junk)
        low = self._low(place, slot).to_bytes(SLOT_SIZE, "little")
        other = word(self._rng).to_bytes(SLOT_SIZE, "little")
        for i in range(SLOT_SIZE):
            kind = slot.kinds[SLOT_SIZE - 1 - i]
            if kind == SPILL:
                content[i] = low[i]
            elif kind != INVALID:
                content[i] = 0 if kind == ZERO else other[i]
        return bytes(content)

    def _low(self, place: Place, slot: Slot) -> int:
        """The number whose low bytes a narrow spill is; 0 where there is none.

        If it is linked to others, these bytes are theirs, too: some of what the state stands for
        even where it claims less, since a number that is wider than the bytes has lost its link.
        """
        return self._numbers[place] if _number(slot) else 0

    def _value(self, place: Place, reg: Reg) -> int:
        if reg.type is RegType.SCALAR_VALUE:
            return self._numbers[place]
        key, machine = self._key(place, reg), self.machine
        if self._null.get(key):
            return 0
        if reg.type is RegType.PTR_TO_CTX:
            base = machine.ctx.base
        elif reg.type is RegType.PTR_TO_STACK:
            base = self.frames[reg.frame].stack.end
        elif reg.type is RegType.CONST_PTR_TO_MAP:
            return machine.link.handle(reg.map)
        elif reg.type in _VALUES:
            base = self._region(reg, key)
        else:
            packet = machine.packet
            base = {
                RegType.PTR_TO_PACKET: packet.data, RegType.PTR_TO_PACKET_META: packet.data_meta,
            }.get(reg.type, packet.data_end)  # fmt: skip
        return base + reg.off + self._parts[key] & (1 << 64) - 1

    def _region(self, reg: Reg, key: tuple[object, ...]) -> int:
        """Where a value of a map is; of one that nobody may write the value itself."""
        at = self._values.get(key)
        if at is None:
            link = self.machine.link
            definition = link.program.maps[reg.map]
            if definition.frozen:
                at = self.machine.direct_address(reg.map)
            else:
                value = Value(self._rng.randbytes(definition.value_size))
                at = self.machine.value_address(link.state(reg.map), value)
            self._values[key] = at
        return at


def _number(slot: Slot) -> bool:
    """Whether the low bytes of a slot are those of a number."""
    spill = slot.spill
    return spill is not None and spill.type is RegType.SCALAR_VALUE and slot.kinds[-1] == SPILL
