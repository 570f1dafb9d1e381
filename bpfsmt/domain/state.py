"""The abstract state at one point of a program: frames of registers and stack slots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bpfsmt.domain.reg import Reg

STACK_SIZE = 512
"""Bytes of stack that every frame has."""

SLOT_SIZE = 8
"""Stack slot ``i`` is the eight bytes from ``fp - 8*(i+1)``."""

INVALID, MISC, ZERO, SPILL = "?", "m", "0", "r"
"""What one stack byte holds: never written, anything, zero, part of a spilled register."""


class Slot(NamedTuple):
    """Eight stack bytes: one letter a byte, and the register they are the spill of.

    ``kinds[j]`` is the byte at ``fp - 8*i - 1 - j`` of slot ``i``, as the kernel counts.
    A slot that is the spill of a whole register is ``rrrrrrrr``.
    """

    kinds: str
    spill: Reg | None = None


EMPTY_SLOT = Slot(INVALID * SLOT_SIZE)


class Frame(NamedTuple):
    """Registers R0..R10 and the stack of one function; ``callsite`` is its caller's pc."""

    regs: tuple[Reg, ...]
    stack: Mapping[int, Slot]
    callsite: int = -1


class State(NamedTuple):
    """Frames from the main function's to the current one's.

    ``refs`` are the references that must be released before the program ends (kernel
    ``acquired_refs``), ``lock`` the id of the spin lock that is held, 0 if none.
    """

    frames: tuple[Frame, ...]
    refs: tuple[int, ...] = ()
    lock: int = 0

    @property
    def regs(self) -> tuple[Reg, ...]:
        """The registers of the current frame."""
        return self.frames[-1].regs

    @property
    def stack(self) -> Mapping[int, Slot]:
        """The stack of the current frame, by slot number."""
        return self.frames[-1].stack

    @property
    def callsites(self) -> tuple[int, ...]:
        """Where the calls were made that lead to the current frame, outermost first."""
        return tuple(f.callsite for f in self.frames[1:])

    def with_reg(self, number: int, reg: Reg) -> State:
        """The state with one register of the current frame replaced."""
        frame = self.frames[-1]
        regs = (*frame.regs[:number], reg, *frame.regs[number + 1 :])
        return self._replace(frames=(*self.frames[:-1], frame._replace(regs=regs)))

    def with_slot(self, frame: int, number: int, slot: Slot) -> State:
        """The state with one stack slot of frame ``frame`` replaced."""
        old = self.frames[frame]
        new = old._replace(stack={**old.stack, number: slot})
        return self._replace(frames=(*self.frames[:frame], new, *self.frames[frame + 1 :]))

    def all_regs(self) -> Iterator[Reg]:
        """Every register of every frame, spilled ones included."""
        for frame in self.frames:
            yield from frame.regs
            for slot in frame.stack.values():
                if slot.spill is not None:
                    yield slot.spill
