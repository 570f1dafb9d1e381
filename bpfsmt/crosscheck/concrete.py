"""Claims against one concrete run: at every step, is the machine in a claimed γ(σ)?

What a state stands for is written in `bpfsmt.domain`; here its pieces are compared with
the registers, addresses and bytes of a `Trace`.  A run cannot prove a claim, but every
violation refutes one, with the run itself as the witness.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bpfsmt.domain.analysis import Analysis, Visit
from bpfsmt.domain.gamma import scalar_contains
from bpfsmt.domain.printing import format_reg
from bpfsmt.domain.reg import ADD_CONST32, ADDED, Reg, RegType
from bpfsmt.domain.scalar import COMPONENTS, UNKNOWN, Scalar, Tnum, component
from bpfsmt.domain.state import SLOT_SIZE, SPILL, ZERO, Slot, State
from bpfsmt.machine import FrameView, Region, Step, Trace
from bpfsmt.program.program import MapDef

U64 = 0xFFFFFFFFFFFFFFFF
_contains = scalar_contains.alone.ints[scalar_contains.name]

_REACH = 1 << 31
"""So many bytes on either side of a region belong to no other."""

_SPILLED = SPILL * SLOT_SIZE
_PACKET = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)
_MAP_VALUE = (RegType.PTR_TO_MAP_VALUE, RegType.PTR_TO_MAP_VALUE_OR_NULL)
_RECORD = (RegType.RINGBUF_MEM, RegType.RINGBUF_MEM_OR_NULL)
_SOCKET = (
    RegType.PTR_TO_SOCKET, RegType.PTR_TO_SOCKET_OR_NULL,
    RegType.PTR_TO_SOCK_COMMON, RegType.PTR_TO_SOCK_COMMON_OR_NULL,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Violation:
    """A claim that is false of a step.

    ``step`` is the index in the trace, ``visit`` that of the visit whose claim it is (-1 if
    there is none), ``where`` the register or stack slot ("R3", "fp-8", of an outer frame
    "frame0 R6"), ``claim`` what the log says of it, ``value`` what the machine has there.
    ``part`` is the part of the claim that is false: a component of a scalar ("tnum", "u64", ...),
    "type", "range" of a packet pointer, "id", "bytes" of a stack slot, "unwritten", "unreached".
    """

    step: int
    pc: int
    visit: int
    where: str
    claim: str
    value: str
    why: str
    part: str = ""

    def __str__(self) -> str:
        said = f" {self.where} is claimed {self.claim}, is {self.value}" if self.where else ""
        return f"step {self.step}, pc {self.pc}:{said}{': ' if said else ' '}{self.why}"


def check_trace(analysis: Analysis, trace: Trace) -> list[Violation]:
    """Every way in which the run refutes the analysis; empty if it does not.

    Only an analysis that accepts its program claims anything of a whole run: one that
    stopped early has not seen all paths.
    """
    return TraceCheck(analysis).violations(trace)


class TraceCheck:
    """The claims of one analysis, ready to be held against many runs.

    A step is as claimed if one visit of its pc and call chain contains it; otherwise the
    visit with the fewest violations is the closest.  Of a function that is verified apart the
    chain begins there.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._maps = analysis.program.maps
        self._visits: dict[tuple[int, tuple[int, ...]], list[Visit]] = {}
        for visit in analysis.visits:
            self._visits.setdefault((visit.pc, visit.state.callsites), []).append(visit)
        self._over = {analysis.visits[e.src].pc for e in analysis.edges if e.kind == "over"}

    def violations(self, trace: Trace) -> list[Violation]:
        """All violations of a run, in its order."""
        return [wrong for index in range(len(trace.steps)) for wrong in self.at(trace, index)[1]]

    def against(self, trace: Trace, index: int, visit: Visit) -> list[Violation]:
        """In what one step violates one visit."""
        return list(_Check(trace, index, trace.steps[index], self._maps).state(visit))

    def at(self, trace: Trace, index: int) -> tuple[Visit | None, list[Violation]]:
        """The closest visit of one step, and in what the step violates it.

        There is no visit where the analysis says that execution never comes.
        """
        step = self._own(trace.steps[index])
        check = _Check(trace, index, step, self._maps)
        best: tuple[Visit | None, list[Violation]] | None = None
        for visit in self._visits.get((step.pc, step.callsites), ()):
            wrong = list(check.state(visit))
            if not wrong:
                return visit, []
            if best is None or len(wrong) < len(best[1]):
                best = visit, wrong
        if best is None:
            why = "reached a pc that the analysis never visited"
            best = None, [Violation(index, step.pc, -1, "", "", "", why, "unreached")]
        return best

    def _own(self, step: Step) -> Step:
        """The step without the frames of callers of which its visits know nothing."""
        for n in range(len(step.frames) - 1, 0, -1):
            if step.frames[n].callsite in self._over:
                return step._replace(frames=step.frames[n:])
        return step


class _Wrong(NamedTuple):
    """Why a claim is false, and in which part."""

    why: str
    part: str


def _outside(scalar: Scalar, value: int, why: str) -> _Wrong | None:
    """The first component that does not have the number; `None` if all have it."""
    if _contains(scalar, value):
        return None
    return _Wrong(why, next(c for c in COMPONENTS if not _contains(component(scalar, c), value)))


@dataclass(frozen=True, slots=True)
class _Check:
    """One step of a trace, against any number of states."""

    trace: Trace
    index: int
    step: Step
    maps: Sequence[MapDef]

    def state(self, visit: Visit) -> Iterator[Violation]:
        """All claims of a state that do not hold."""
        known: dict[tuple[str, int], int] = {}
        for where, reg, value in _values(visit.state, self.step):
            wrong = self._wrong(reg, value) or self._apart(reg, value, known)
            if wrong:
                yield self._violation(visit, where, format_reg(reg, self.maps), value, wrong)
        yield from self._unwritten(visit)
        yield from self._bytes(visit)

    def _violation(
        self, visit: Visit, where: str, claim: str, value: int, wrong: _Wrong
    ) -> Violation:
        place = self.trace.locate(self.step, value)
        shown = f"{value:#x}" + (f" ({place})" if place is not None else "")
        return Violation(self.index, self.step.pc, visit.index, where, claim, shown, *wrong)

    def _wrong(self, reg: Reg, value: int) -> _Wrong | None:
        """What is wrong with one register's claim; nothing if it holds."""
        if reg.type is RegType.SCALAR_VALUE:
            return _outside(reg.scalar, value, "outside the claimed numbers")
        if reg.type is RegType.PTR_TO_PACKET_END:
            at_end = value == self.step.data_end
            return None if at_end else _Wrong("not the end of the packet", "type")
        if reg.type.nonnull is not None and value == 0:
            return None
        base = self._base(reg, value)
        if base is None and _far(reg):
            return None
        if base is None:
            return _Wrong("points elsewhere", "type")
        why = f"points {value - base:+d} from the base, outside the claimed offsets"
        return _outside(reg.scalar, (value - base - reg.off) & U64, why) or self._range(reg, value)

    def _base(self, reg: Reg, value: int) -> int | None:
        """The address that a pointer's claim counts from."""
        if reg.type is RegType.PTR_TO_PACKET:
            return self.step.data
        if reg.type is RegType.PTR_TO_PACKET_META:
            return self.step.data_meta
        if reg.type is RegType.PTR_TO_STACK:
            frames = self.step.frames
            return frames[reg.frame].top if reg.frame < len(frames) else None
        if reg.type is RegType.PTR_TO_CTX:
            return self.trace.ctx
        near = self.trace.memory.region_at(value)
        mine = near if near is not None and self._is_of(reg, near) else None
        if mine is None or not self._reaches(reg, mine, value):
            # An offset of more than 2 GiB ends near another region than that which is meant.
            far = (r for r in self.trace.memory.chunks.values() if self._is_of(reg, r))
            mine = next((r for r in far if self._reaches(reg, r, value)), mine)
        return None if mine is None else mine.base

    def _reaches(self, reg: Reg, region: Region, value: int) -> bool:
        """Whether the value is one of the claimed offsets away from the region."""
        return bool(_contains(reg.scalar, (value - region.base - reg.off) & U64))

    def _is_of(self, reg: Reg, region: Region) -> bool:
        if reg.type in _RECORD:
            return region.kind == "record" and region.size == reg.mem
        if reg.type in _SOCKET:
            return region.kind == "socket"
        kind = "map" if reg.type is RegType.CONST_PTR_TO_MAP else "map_value"
        if region.kind != kind or region.index != reg.map:
            return False
        return kind == "map" or region.size == self.maps[reg.map].value_size

    def _range(self, reg: Reg, value: int) -> _Wrong | None:
        """A packet pointer's range: so many bytes from its variable part on are there."""
        if reg.range <= 0 or reg.type not in _PACKET:
            return None
        is_packet = reg.type is RegType.PTR_TO_PACKET
        end, name = (self.step.data_end, "data_end") if is_packet else (self.step.data, "data")
        beyond = ((value - reg.off) & U64) + reg.range - end
        why = f"the claimed range ends {beyond} bytes behind {name}"
        return _Wrong(why, "range") if beyond > 0 else None

    def _apart(self, reg: Reg, value: int, known: dict[tuple[str, int], int]) -> _Wrong | None:
        """Whether a register differs from an earlier one with the same id."""
        if not reg.id:
            return None
        if reg.type is RegType.SCALAR_VALUE:
            return self._unlike(reg, value, known)
        if reg.type in _PACKET:
            shared, kind = (value - reg.off) & U64, reg.type.value
        elif reg.type in _MAP_VALUE:
            null = reg.type is RegType.PTR_TO_MAP_VALUE_OR_NULL and value == 0
            shared, kind = 0 if null else (value - reg.off) & U64, "map_value"
        else:
            return None
        first = known.setdefault((kind, reg.id), shared)
        same = first == shared
        return None if same else _Wrong(f"differs from another with id {reg.id}", "id")

    def _unlike(self, reg: Reg, value: int, known: dict[tuple[str, int], int]) -> _Wrong | None:
        """Whether a number is not as far from another of its id as both say.

        Of one that is linked by a 32-bit addition only low halves are compared.
        """
        link, base = reg.id & ~ADDED, (value - reg.off) & U64
        same = known.setdefault(("low", link), base & 0xFFFFFFFF) == base & 0xFFFFFFFF
        if not reg.id & ADD_CONST32:
            same = known.setdefault(("scalar", link), base) == base and same
        return None if same else _Wrong(f"differs from another with id {link}", "id")

    def _unwritten(self, visit: Visit) -> Iterator[Violation]:
        """Claims about registers of the current frame that hold nothing."""
        written, regs = self.step.written, self.step.regs
        for n, reg in enumerate(visit.state.regs):
            if reg.type is not RegType.NOT_INIT and not written >> n & 1:
                claim = format_reg(reg, self.maps)
                wrong = _Wrong("was never written", "unwritten")
                yield self._violation(visit, f"R{n}", claim, regs[n], wrong)

    def _bytes(self, visit: Visit) -> Iterator[Violation]:
        """Stack slots that are no spill of a whole register."""
        for depth, (frame, view) in enumerate(
            zip(visit.state.frames, self.step.frames, strict=True)
        ):
            prefix = _prefix(depth, len(self.step.frames))
            for number, slot in frame.stack.items():
                if slot.kinds == _SPILLED:
                    continue
                value = _slot_value(view, number)
                where = f"{prefix}fp-{SLOT_SIZE * (number + 1)}"
                if not _zeros_hold(slot, value):
                    wrong = _Wrong("a byte that is claimed zero is not", "bytes")
                    yield self._violation(visit, where, slot.kinds, value, wrong)
                narrow = _narrow_spill(slot)
                if narrow and slot.spill and not _low_matches(slot.spill.scalar, value, narrow):
                    claim = f"{slot.kinds}={format_reg(slot.spill, self.maps)}"
                    wrong = _Wrong("outside the claimed numbers", "bytes")
                    yield self._violation(visit, where, claim, value, wrong)


def _far(reg: Reg) -> bool:
    """Whether a pointer may be so far from its region that another one's addresses begin."""
    low, high = reg.off + reg.scalar.smin, reg.off + reg.scalar.smax
    return low < -_REACH or high >= _REACH


def _values(state: State, step: Step) -> Iterator[tuple[str, Reg, int]]:
    """Every register and spill of which something is claimed: where it is, the claim, its value."""
    for depth, (frame, view) in enumerate(zip(state.frames, step.frames, strict=True)):
        prefix = _prefix(depth, len(step.frames))
        for n, reg in enumerate(frame.regs):
            if reg.type is not RegType.NOT_INIT:
                yield f"{prefix}R{n}", reg, view.regs[n]
        for number, slot in frame.stack.items():
            if slot.spill is not None and slot.kinds == _SPILLED:
                where = f"{prefix}fp-{SLOT_SIZE * (number + 1)}"
                yield where, slot.spill, _slot_value(view, number)


def _prefix(depth: int, frames: int) -> str:
    return "" if depth == frames - 1 else f"frame{depth} "


def _slot_value(view: FrameView, number: int) -> int:
    """The eight bytes of a slot as a number."""
    end = len(view.stack) - SLOT_SIZE * number
    return int.from_bytes(view.stack[end - SLOT_SIZE : end], "little")


def _zeros_hold(slot: Slot, value: int) -> bool:
    """Letter j of a slot speaks of the byte j below its upper end, its (7-j)th of value."""
    if ZERO not in slot.kinds:
        return True
    mask = sum(0xFF << 8 * (SLOT_SIZE - 1 - j) for j, kind in enumerate(slot.kinds) if kind == ZERO)
    return value & mask == 0


def _narrow_spill(slot: Slot) -> int:
    """How many low bytes of a scalar are spilled here, if fewer than all of them."""
    count = slot.kinds.count(SPILL)
    low = slot.kinds.endswith(SPILL * count)
    scalar = slot.spill is not None and slot.spill.type is RegType.SCALAR_VALUE
    return count if low and scalar and count < SLOT_SIZE else 0


def _low_matches(scalar: Scalar, value: int, size: int) -> bool:
    """Necessary for the ``size`` low bytes of ``value`` to be those of a number in γ(scalar)."""
    mask = (1 << 8 * size) - 1
    known = Tnum(scalar.var_off.value & mask, scalar.var_off.mask | (U64 & ~mask))
    low = UNKNOWN._replace(var_off=known)
    if size == 4:
        low = low._replace(
            u32min=scalar.u32min,
            u32max=scalar.u32max,
            s32min=scalar.s32min,
            s32max=scalar.s32max,
        )
    return bool(_contains(low, value & mask))
