"""γ as formulas: what an abstract state claims of a symbolic one, and the way back.

`holds` says that a symbolic state lies in γ(σ); `assume` makes the most general symbolic
state that does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import z3

from bpfsmt.domain.gamma import scalar_contains, scalar_low_contains
from bpfsmt.domain.reg import ADD_CONST32, ADDED, AT_PKT_END, Reg, RegType
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.domain.state import Slot, State
from bpfsmt.errors import UnsupportedError
from bpfsmt.symbolic.state import EMPTY, Cell, SymFrame, SymState
from bpfsmt.symbolic.values import (
    CTX,
    FALSE,
    PACKET,
    TRUE,
    UNINIT,
    Alt,
    Region,
    Term,
    Value,
    conj,
    disj,
    gather,
    ite,
    neg,
    number,
    pointer,
)

Location = tuple[int, str]
"""Where a claim is: the frame's number and "R3" or "fp-16"."""


_CONTAINS: dict[tuple[Scalar, int], tuple[Term, Term]] = {}
"""Formulas of `contains`: the same few claims are made of the same few terms."""


def locations(state: State) -> Iterator[tuple[Location, Reg | Slot]]:
    """Everything that an abstract state says something of."""
    for f, frame in enumerate(state.frames):
        for i, reg in enumerate(frame.regs):
            if reg.type is not RegType.NOT_INIT:
                yield (f, f"R{i}"), reg
        for i, slot in sorted(frame.stack.items()):
            if slot.spill is not None or slot.kinds.strip("?"):
                yield (f, f"fp-{8 * (i + 1)}"), slot


def value_at(state: SymState, where: Location) -> Value | Cell:
    """What a symbolic state holds at a location."""
    frame, name = where
    if name[0] == "R":
        return state.frames[frame].regs[int(name[1:])]
    return state.frames[frame].stack.get(int(name[3:]) // 8 - 1, EMPTY)


def claimed_at(claim: Reg | Slot, at: Value | Cell, *, junk: bool) -> Value | Cell:
    """What is at a location, to be held against a claim.

    With ``junk`` a claim about a number on the stack is one about memory that was never
    written, too: its bytes are there, although nobody knows them.
    """
    if not junk or isinstance(claim, Reg) or claim.spill is None or isinstance(at, Value):
        return at
    written = at.when_written()
    if at.value is not None or all(z3.is_true(w) for w in written):
        return at
    content = []
    for byte, when in zip(at.bytes, written, strict=True):
        unknown = z3.FreshConst(z3.BitVecSort(8), "junk")
        content.append(unknown if byte is None else ite(when, byte, unknown))
    return Cell(None, tuple(content), (TRUE,) * len(content))


def contains(scalar: Scalar, x: Term) -> Term:
    """x ∈ γ(scalar)."""
    if scalar == UNKNOWN:
        return TRUE
    key = (scalar, x.get_id())
    known = _CONTAINS.get(key)
    if known is None:
        if len(_CONTAINS) > 50_000:
            _CONTAINS.clear()
        # The term is kept beside the formula, so that its id stays its own.
        known = _CONTAINS[key] = (z3.simplify(scalar_contains.terms(scalar, x)), x)
    return known[0]


def reg_holds(reg: Reg, value: Value, state: SymState) -> Term:
    """The value is in γ(reg), apart from what shared ids say."""
    return conj(*(disj(neg(a.guard), _alt_holds(reg, a, state)) for a in value.alts))


def _alt_holds(reg: Reg, alt: Alt, state: SymState) -> Term:
    t = reg.type
    if t is RegType.NOT_INIT:
        return TRUE
    if alt.region is UNINIT:
        return FALSE
    if t is RegType.SCALAR_VALUE:
        return TRUE if reg.scalar == UNKNOWN else contains(reg.scalar, alt.address)
    if alt.region is None:
        nullable = t in _NULLABLE
        return alt.off == 0 if nullable else FALSE
    if not _right_region(reg, alt.region):
        return FALSE
    x = z3.simplify(alt.off - _start(t, state) - reg.off)
    fact = contains(reg.scalar, x)
    if t in (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META) and reg.range:
        limit = state.data_end if t is RegType.PTR_TO_PACKET else state.data
        if reg.range < 0:
            behind = alt.off >= limit if reg.range == AT_PKT_END else alt.off > limit
            return conj(fact, behind)
        fact = conj(fact, x + reg.range + _start(t, state) <= limit)
    return fact


def _start(t: RegType, state: SymState) -> Term | int:
    """The offset in its region that a pointer's offsets count from."""
    return {
        RegType.PTR_TO_PACKET: state.data,
        RegType.PTR_TO_PACKET_META: state.data_meta,
        RegType.PTR_TO_PACKET_END: state.data_end,
    }.get(t, 0)


def _right_region(reg: Reg, region: Region) -> bool:
    match reg.type:
        case RegType.PTR_TO_CTX:
            return region is CTX
        case RegType.PTR_TO_STACK:
            return region == Region("stack", (reg.frame,))
        case RegType.CONST_PTR_TO_MAP:
            return region == Region("map", (reg.map,))
        case RegType.PTR_TO_MAP_VALUE | RegType.PTR_TO_MAP_VALUE_OR_NULL:
            return region.kind == "map_value" and region.key[0] == reg.map
        case RegType.RINGBUF_MEM | RegType.RINGBUF_MEM_OR_NULL:
            return region.kind == "record" and region.key[0] == reg.mem
        case _ if reg.type in _PACKET_TYPES:
            return region is PACKET
    raise UnsupportedError(f"pointers of type {reg.type.value}")


def slot_holds(slot: Slot, cell: Cell, state: SymState, *, junk: bool = False) -> Term:
    """The cell is in γ(slot): the spilled register, or what the kinds of bytes say.

    With ``junk`` a byte that may hold anything need not have been written.
    """
    if slot.spill is not None and "?" not in slot.kinds and slot.kinds == "r" * 8:
        value = cell.value
        if value is None:
            content = cell.as_bytes()
            if any(b is None for b in content):
                return FALSE
            bits = z3.simplify(z3.Concat(*content[::-1]))
            return conj(*cell.when_written(), reg_holds(slot.spill, number(bits), state))
        return reg_holds(slot.spill, value, state)
    parts = []
    for j, kind in enumerate(slot.kinds):
        byte, written = cell.as_bytes()[7 - j], cell.when_written()[7 - j]
        if kind not in ("?m" if junk else "?"):
            parts.append(written)
        if kind == "0":
            parts.append(FALSE if byte is None else byte == 0)
    size = low_spill(slot)
    if slot.spill is not None and size:  # all of it may have been overwritten
        low = _low_bytes(cell, size)
        inside = low is not None and scalar_low_contains.terms(slot.spill.scalar, low, 8 * size)
        parts.append(FALSE if low is None else z3.simplify(inside))
    return conj(*parts)


def low_spill(slot: Slot) -> int:
    """How many low bytes of a number are spilled in a slot that has more than that."""
    return slot.kinds.count("r") if slot.spill is not None else 0


def _low_bytes(cell: Cell, size: int) -> Term | None:
    """The low bytes of a cell as a number of 64 bits; `None` if one was never written."""
    content = cell.as_bytes()[:size]
    if any(byte is None for byte in content):
        return None
    bits = z3.Concat(*content[::-1]) if size > 1 else content[0]
    return z3.simplify(z3.ZeroExt(64 - 8 * size, bits) if size < 8 else bits)


def spilled_value(slot: Reg | Slot, cell: Cell) -> Value | None:
    """What the id of a spilled register speaks of; `None` where there is no such number.

    The id of a narrow spill means the whole register, if that has no more bits than these.
    """
    assert isinstance(slot, Slot)
    size = low_spill(slot)
    if slot.spill is None or (size < 8 and slot.spill.scalar.umax >> 8 * size):
        return None
    if size == 8 and cell.value is not None:
        return cell.value
    low = _low_bytes(cell, size)
    return None if low is None else number(low)


def location_holds(
    claim: Reg | Slot, at: Value | Cell, state: SymState, *, junk: bool = False
) -> Term:
    """One location's claim, apart from ids (``junk``: see `slot_holds`)."""
    if isinstance(claim, Slot):
        assert isinstance(at, Cell)
        return slot_holds(claim, at, state, junk=junk)
    assert isinstance(at, Value)
    return reg_holds(claim, at, state)


def id_facts(claims: list[tuple[Reg, Value, bool]]) -> Term:
    """Equal ids mean one base and one variable part.

    Each entry is a claim, its value, and whether it needs checking; groups of entries
    none of which needs checking are left out.
    """
    groups: dict[int, list[tuple[Reg, Value, bool]]] = defaultdict(list)
    for reg, value, fresh in claims:
        if reg.id:
            groups[reg.id & ~ADDED].append((reg, value, fresh))
    facts = []
    for members in groups.values():
        if any(fresh for _, _, fresh in members):
            first = members[0]
            facts += [_same_base(first[0], first[1], r, v) for r, v, _ in members[1:]]
    return conj(*facts)


def _same_base(r1: Reg, v1: Value, r2: Reg, v2: Value) -> Term:
    parts = []
    for x in v1.alts:
        for y in v2.alts:
            if x.region is None is y.region and (r1.id | r2.id) & ADD_CONST32:
                # Linked by 32-bit additions: of the low halves this is known.
                apart = z3.Extract(31, 0, x.off - r1.off) == z3.Extract(31, 0, y.off - r2.off)
                same = z3.simplify(apart)
            elif x.region == y.region:
                same = z3.simplify(x.off - r1.off == y.off - r2.off)
            else:
                same = FALSE
            parts.append(disj(neg(x.guard), neg(y.guard), same))
    return conj(*parts)


def holds(claim: State, state: SymState, *, junk: bool = False) -> Term:
    """The symbolic state is in γ(claim) (``junk``: see `slot_holds`)."""
    parts, ids = [], []
    for where, what in locations(claim):
        at = claimed_at(what, value_at(state, where), junk=junk)
        parts.append(location_holds(what, at, state, junk=junk))
        if isinstance(what, Reg) and isinstance(at, Value):
            ids.append((what, at, True))
        elif isinstance(what, Slot) and what.spill is not None and isinstance(at, Cell):
            value = spilled_value(what, at)
            if value is not None:
                ids.append((what.spill, value, True))
    return conj(*parts, id_facts(ids))


# The way back


@dataclass
class Assumed:
    """The most general symbolic state in γ(σ), with what is known of its parts."""

    state: SymState
    facts: list[Term] = field(default_factory=list)


def assume(claim: State) -> Assumed:
    """The most general symbolic state in γ(claim).  The packet's data start at offset 0."""
    return _Assume(claim).run()


class _Assume:
    def __init__(self, claim: State) -> None:
        self.claim = claim
        self.length, meta = z3.BitVec("packet.len", 64), z3.BitVec("packet.meta", 64)
        self.facts: list[Term] = [z3.ULE(self.length, 0xFFFF), z3.ULE(meta, 252)]
        self.blank = SymState(
            (),
            z3.BitVecVal(0, 64),
            self.length,
            z3.simplify(-meta),
            z3.Array("packet", z3.BitVecSort(32), z3.BitVecSort(8)),
        )
        self.values: dict[tuple[object, ...], tuple[Term, Term]] = {}

    def run(self) -> Assumed:
        frames = []
        for f, frame in enumerate(self.claim.frames):
            regs = tuple(self.value(reg, f"f{f}.r{i}") for i, reg in enumerate(frame.regs))
            stack = {i: self.cell(slot, f"f{f}.s{i}") for i, slot in frame.stack.items()}
            frames.append(SymFrame(regs, stack))
        state = SymState(
            tuple(frames),
            self.blank.data,
            self.blank.data_end,
            self.blank.data_meta,
            self.blank.packet,
        )
        return Assumed(state, self.facts)

    def value(self, reg: Reg, name: str) -> Value:
        """A value in γ(reg); registers with the same id share their variable part."""
        if reg.type is RegType.NOT_INIT:
            return pointer(UNINIT, z3.BitVec(name, 64))
        if reg.type is RegType.SCALAR_VALUE:
            x = self.number(reg, name)
            self.facts.append(contains(reg.scalar, x))
            return number(x)
        key = (reg.type in _MAP_TYPES, reg.id) if reg.id else (name,)
        x, null = self.values.setdefault(
            key, (z3.BitVec(f"{name}.var", 64), z3.Bool(f"{name}.null"))
        )
        if reg.is_const:
            self.facts.append(x == reg.const_value)
            x = z3.BitVecVal(reg.const_value, 64)
        region = self.region(reg, key)
        off = z3.simplify(x + reg.off + _start(reg.type, self.blank))
        if reg.type in _NULLABLE:
            self.facts.append(disj(null, contains(reg.scalar, x)))
            zero = z3.BitVecVal(0, 64)
            return gather([Alt(null, None, zero), Alt(neg(null), region, off)])
        if reg.type is RegType.PTR_TO_MAP_VALUE and reg.id:
            self.facts.append(neg(null))
        value = pointer(region, off)
        self.facts.append(reg_holds(reg, value, self.blank))
        return value

    def number(self, reg: Reg, name: str) -> Term:
        """The bits of a number; those with one id are equal but for their constants."""
        x = z3.BitVec(name, 64)
        if reg.id:
            key = ("number", reg.id & ~ADDED)
            base, _ = self.values.setdefault(key, (z3.BitVec(f"{name}.same", 64), TRUE))
            x = z3.simplify(base + reg.off)
            if reg.id & ADD_CONST32:
                x = z3.simplify(x & 0xFFFFFFFF)
        if reg.is_const:
            value = z3.BitVecVal(reg.const_value, 64)
            if reg.id:
                self.facts.append(x == value)
            return value
        return x

    def region(self, reg: Reg, key: tuple[object, ...]) -> Region:
        match reg.type:
            case RegType.PTR_TO_CTX:
                return CTX
            case RegType.PTR_TO_STACK:
                return Region("stack", (reg.frame,))
            case RegType.CONST_PTR_TO_MAP:
                return Region("map", (reg.map,))
            case RegType.PTR_TO_MAP_VALUE | RegType.PTR_TO_MAP_VALUE_OR_NULL:
                return Region("map_value", (reg.map, ".".join(map(str, key))))
            case RegType.RINGBUF_MEM | RegType.RINGBUF_MEM_OR_NULL:
                return Region("record", (reg.mem, f"ref.{reg.ref}"))
            case _ if reg.type in _PACKET_TYPES:
                return PACKET
        raise UnsupportedError(f"pointers of type {reg.type.value}")

    def cell(self, slot: Slot, name: str) -> Cell:
        if slot.spill is not None and slot.kinds == "r" * 8:
            return Cell(self.value(slot.spill, name))
        content: list[Term | None] = []
        written: list[Term] = []
        low = self.low(slot, name)
        for i in range(8):
            kind = slot.kinds[7 - i]
            if kind == "r" and low is not None:
                content.append(z3.simplify(z3.Extract(8 * i + 7, 8 * i, low)))
                written.append(TRUE)
                continue
            zero = z3.BitVecVal(0, 8)
            content.append(
                None if kind == "?" else zero if kind == "0" else z3.BitVec(f"{name}.{i}", 8)
            )
            written.append(z3.BoolVal(kind != "?"))
        return Cell(None, tuple(content), tuple(written))

    def low(self, slot: Slot, name: str) -> Term | None:
        """A number whose low bytes are those of a narrow spill."""
        if slot.spill is None:
            return None
        size = low_spill(slot)
        fits = not slot.spill.scalar.umax >> 8 * size
        spill = slot.spill if fits else slot.spill._replace(id=0)
        x = self.number(spill, name)
        low = z3.simplify(x & ((1 << 8 * size) - 1))
        self.facts.append(scalar_low_contains.terms(slot.spill.scalar, low, 8 * size))
        if fits:
            self.facts.append(contains(spill.scalar, x))
        return x


_PACKET_TYPES = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META, RegType.PTR_TO_PACKET_END)
_NULLABLE = (RegType.PTR_TO_MAP_VALUE_OR_NULL, RegType.RINGBUF_MEM_OR_NULL)
_MAP_TYPES = (RegType.PTR_TO_MAP_VALUE, RegType.PTR_TO_MAP_VALUE_OR_NULL)
