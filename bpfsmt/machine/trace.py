"""What a run looked like: the machine before every instruction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from bpfsmt.machine.memory import Memory


class FrameView(NamedTuple):
    """One function's frame at one time.

    ``written`` has bit n set if Rn was written and not clobbered since; ``stack`` are the
    512 bytes below ``top``, the value of R10; ``callsite`` is the pc of the call, -1 for
    the main function.
    """

    callsite: int
    regs: tuple[int, ...]
    written: int
    stack: bytes
    top: int


class Step(NamedTuple):
    """The machine just before the instruction at ``pc``; addresses as they are then."""

    pc: int
    frames: tuple[FrameView, ...]
    data_meta: int
    data: int
    data_end: int

    @property
    def callsites(self) -> tuple[int, ...]:
        """Where the calls were made that lead here, outermost first."""
        return tuple(frame.callsite for frame in self.frames[1:])

    @property
    def regs(self) -> tuple[int, ...]:
        """R0..R10 of the current frame."""
        return self.frames[-1].regs

    @property
    def written(self) -> int:
        """The registers of the current frame that hold something, as bits."""
        return self.frames[-1].written


class Location(NamedTuple):
    """Where an address points: region kind, which one of it, and the distance to its base.

    ``number`` is the frame of a stack, the map of a map or of its value; -1 otherwise.  The
    base of a stack is its top, that of the packet where the data begins.
    """

    kind: str
    number: int
    offset: int

    def __str__(self) -> str:
        return f"{self.kind}{f'[{self.number}]' if self.number >= 0 else ''}{self.offset:+d}"


@dataclass
class Trace:
    """The steps of a run, and the memory that their addresses point into.

    Regions of maps and the context stay where they are for the whole run; the stacks and
    the packet's bounds are in the steps.
    """

    memory: Memory
    ctx: int
    steps: list[Step] = field(default_factory=list)

    def locate(self, step: Step, address: int) -> Location | None:
        """What an address pointed to at that step; `None` if nothing is near."""
        for number, frame in enumerate(step.frames):
            if frame.top >> 32 == address >> 32:
                return Location("stack", number, address - frame.top)
        region = self.memory.region_at(address)
        if region is None or region.kind == "stack":
            return None
        base = step.data if region.kind == "packet" else region.base
        return Location(region.kind, region.index, address - base)
