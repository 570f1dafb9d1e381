"""The bound that was missing: a component of the claim, what it is, what it would have to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.bits import S64_MIN
from bpfsmt.domain import Reg, RegType, State
from bpfsmt.domain.analysis import Analysis
from bpfsmt.domain.state import EMPTY_SLOT, INVALID, SLOT_SIZE, STACK_SIZE
from bpfsmt.explain.access import Access, failing_visit
from bpfsmt.explain.trail import PACKET
from bpfsmt.rules import RuleSet
from bpfsmt.rules.access import MAX_PACKET_OFF, MAX_VAR_OFF
from bpfsmt.semantics.helpers import HELPERS, Arg


@dataclass(frozen=True, slots=True)
class Missing:
    """``component`` of ``where`` (a register, or stack bytes) is ``actual``, not as ``needed``.

    ``reg`` is the register, -1 for the stack; ``limit`` is the number in ``needed`` if there
    is just one.
    """

    component: str
    where: str
    actual: str
    needed: str
    reg: int = -1
    limit: int | None = None

    def __str__(self) -> str:
        return f"{self.component} of {self.where} is {self.actual}, and has to be {self.needed}"


def missing_bounds(analysis: Analysis, rules: RuleSet, access: Access | None) -> list[Missing]:
    """Every bound that this rejection found missing; none where it is not about a bound."""
    visit, kind = failing_visit(analysis), analysis.verdict.kind
    if access is None or visit is None:
        return []
    return list(_Finder(analysis, rules, access, visit.state).find(kind))


class _Finder:
    def __init__(self, analysis: Analysis, rules: RuleSet, access: Access, state: State) -> None:
        self.program, self.rules = analysis.program, rules
        self.message = analysis.verdict.message
        self.access, self.state, self.claim = access, state, access.claim
        self.upper = "umax" if rules.policy.walk == "linux" else "smax"

    def find(self, kind: str) -> Iterator[Missing]:
        if kind == "packet-bounds":
            yield from self.packet()
        elif kind in ("map-value-bounds", "memory-bounds"):
            limit = self.limit()
            if limit is not None:
                yield from self.region(0, limit)
        elif kind == "stack-bounds":
            yield from self.region(-STACK_SIZE, 0)
        elif kind == "stack-variable-offset":
            unknown = f"{self.claim.scalar.var_off.mask:#x} unknown"
            yield self.bound("var_off", f"with bits {unknown}", "known in every bit")
        elif kind == "stack-uninitialized":
            yield from self.unwritten()
        elif kind == "misaligned":
            low = self.access.size - 1
            mask = self.claim.scalar.var_off.mask & low
            why = f"unknown in bits {mask:#x}" if mask else f"at offset {self.access.fixed}"
            yield self.bound("var_off", why, f"a multiple of {self.access.size} with the offset")
        elif kind == "possibly-null" or (self.claim.type.nonnull and kind in _TYPED):
            assert self.claim.type.nonnull is not None
            yield self.bound("type", self.claim.type.value, self.claim.type.nonnull.value)
        elif kind == "uninitialized-register":
            yield self.bound("type", "? (never written)", "anything that was written")
        elif kind in ("bad-pointer", "argument-type"):
            yield from self.type()
        elif kind == "pointer-bounds":
            yield from self.distance()
        elif kind == "argument-size":
            yield from self.size()

    def bound(
        self, component: str, actual: object, needed: str, limit: int | None = None
    ) -> Missing:
        reg = self.access.reg
        return Missing(component, f"R{reg}", str(actual), needed, reg, limit)

    def limit(self) -> int | None:
        """How many bytes the region has."""
        if self.claim.type is RegType.PTR_TO_MAP_VALUE:
            return self.program.maps[self.claim.map].value_size
        return self.claim.mem if self.claim.mem else None

    def packet(self) -> Iterator[Missing]:
        a, var = self.access, self.claim.scalar
        if var.smin < 0:
            yield self.bound("smin", var.smin, "at least 0", 0)
        if a.fixed < 0:
            yield self.bound("off", a.fixed, "at least 0", 0)
        most = MAX_PACKET_OFF - max(a.fixed, 0)
        if var.smin >= 0 and var.umax > most:
            needed = f"at most {most} for a compare with the packet's end to say anything"
            yield self.bound("umax", var.umax, needed, most)
        end = a.fixed + a.size
        if self.claim.range < end:
            known = self.claim.range if self.claim.range >= 0 else "none (at or beyond the end)"
            yield self.bound("range", known, f"at least {end}", end)

    def region(self, low: int, high: int) -> Iterator[Missing]:
        """Both ends of the variable part, for bytes that must lie in low..high."""
        a, var = self.access, self.claim.scalar
        least, most = low - a.fixed, high - a.fixed - a.size
        if self.claim.is_const:
            yield self.bound(
                "off", a.fixed + var.smin, f"in {low}..{high - a.size}"
            )  # fmt: skip
            return
        if var.smin < least:
            yield self.bound("smin", var.smin, f"at least {least}", least)
        top = var.umax if self.upper == "umax" else var.smax
        if top > most:
            yield self.bound(self.upper, top, f"at most {most}", most)

    def unwritten(self) -> Iterator[Missing]:
        holes = unwritten_bytes(self.state, self.access)
        if holes:
            where = f"fp{holes[0]}" if len(holes) == 1 else f"fp{holes[0]}..fp{holes[-1]}"
            yield Missing("bytes", where, "? (never written)", "written")

    def type(self) -> Iterator[Missing]:
        _, _, expected = self.message.partition("expected=")
        needed = expected or "a pointer to memory"
        yield self.bound("type", self.claim.type.value, needed)

    def distance(self) -> Iterator[Missing]:
        var = self.claim.scalar
        if var.smin <= -MAX_VAR_OFF:
            actual = "unbounded (-2^63)" if var.smin == S64_MIN else var.smin
            yield self.bound("smin", actual, f"more than {-MAX_VAR_OFF}", 1 - MAX_VAR_OFF)
        if var.smax >= MAX_VAR_OFF:
            yield self.bound("smax", var.smax, f"less than {MAX_VAR_OFF}", MAX_VAR_OFF - 1)

    def size(self) -> Iterator[Missing]:
        var = self.claim.scalar
        least = 0 if size_may_be_zero(self) else 1
        if var.smin < 0:
            yield self.bound("smin", var.smin, f"at least {least}", least)
        elif var.umin < least:
            yield self.bound("umin", var.umin, "at least 1", 1)
        room = self.room_at(self.access.reg - 1)
        if room is not None and var.umax > room:
            needed = f"at most {room}, the bytes that are known to be at R{self.access.reg - 1}"
            yield self.bound("umax", var.umax, needed, room)
        elif var.umax >= MAX_VAR_OFF:
            yield self.bound("umax", var.umax, f"at most {MAX_VAR_OFF - 1}", MAX_VAR_OFF - 1)

    def room_at(self, number: int) -> int | None:
        """How many bytes are known to be there behind a pointer, if that is one to memory."""
        reg = self.state.regs[number]
        at = reg.off + reg.scalar.smax
        if reg.type is RegType.PTR_TO_STACK:
            return max(0, -at)
        if reg.type is RegType.PTR_TO_MAP_VALUE:
            return max(0, self.program.maps[reg.map].value_size - at)
        return max(0, reg.range - reg.off) if reg.type in PACKET else None


_TYPED = ("pointer-arithmetic", "argument-type", "bad-pointer")


def size_may_be_zero(finder: _Finder) -> bool:
    """Whether the helper's contract lets this size be 0."""
    insn = finder.program[finder.access.pc]
    helper = None if insn.helper is None else HELPERS.get(insn.helper)
    reg = finder.access.reg
    return bool(helper and reg <= len(helper.args) and helper.args[reg - 1] is Arg.SIZE_OR_ZERO)


def unwritten_bytes(state: State, access: Access) -> list[int]:
    """The bytes of the access, as offsets from the frame pointer, that were never written."""
    reg = access.claim
    if reg.type is not RegType.PTR_TO_STACK or not reg.is_const or access.size < 0:
        return []
    start = access.fixed + reg.scalar.smin
    return [at for at in range(start, min(start + access.size, 0)) if _hole(state, reg, at)]


def _hole(state: State, reg: Reg, at: int) -> bool:
    number, index = divmod(-at - 1, SLOT_SIZE)
    slot = state.frames[reg.frame].stack.get(number, EMPTY_SLOT)
    return slot.spill is None and slot.kinds[index] == INVALID
