"""Loads and stores through symbolic pointers, with the condition under which each is wrong."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

import z3

from bpfsmt.errors import UnsupportedError
from bpfsmt.program.maptypes import RDONLY_PROG
from bpfsmt.program.program import Program
from bpfsmt.semantics.context import CtxField, field_after_write, layout_of
from bpfsmt.symbolic.state import EMPTY, Byte, Cell, SymState, merge_cells
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
    choose,
    conj,
    const_of,
    disj,
    gather,
    ite,
    neg,
    number,
    pointer,
)

STACK_SIZE = 512
_WORD = 8

UNWRITTEN = "read of unwritten stack"
"""What a fault begins with where a program reads stack bytes that it never wrote."""


@dataclass
class Access:
    """One load or store being encoded: the program, its place, and what can go wrong.

    ``wrong`` collects (condition, description) pairs; ``place`` makes the names of fresh
    inputs unique, ``loads`` lists the names of values read from maps in order.
    """

    program: Program
    place: str
    wrong: list[tuple[Term, str]] = field(default_factory=list)
    assumed: list[Term] = field(default_factory=list)

    def fault(self, condition: Term, what: str) -> None:
        """Note that ``what`` goes wrong under ``condition``."""
        if not z3.is_false(condition):
            self.wrong.append((condition, what))

    def load(self, state: SymState, address: Value, size: int) -> Value:
        """The ``size`` bytes at ``address``, zero-extended (a spilled pointer stays one)."""
        results = []
        for alt in address.alts:
            value = self._load_from(state, alt, size)
            results += [Alt(conj(alt.guard, v.guard), v.region, v.off) for v in value.alts]
        return gather(results)

    def store(self, state: SymState, address: Value, size: int, value: Value) -> SymState:
        """The state after ``size`` low bytes of ``value`` were written to ``address``."""
        for alt in address.alts:
            state = self._store_to(state, alt, size, value)
        return state

    def check(self, state: SymState, address: Value, size: int, *, write: bool = False) -> None:
        """Note what goes wrong if ``size`` bytes at ``address`` are touched."""
        for alt in address.alts:
            what = f"{'write' if write else 'read'} of {size} bytes"
            self.fault(conj(alt.guard, neg(self._inside(state, alt, size))), what)

    def check_writable(self, alt: Alt) -> None:
        """Note that a map which programs may only read is written to."""
        region = alt.region
        if region is not None and region.kind == "map_value":
            m = self.program.maps[region.key[0]]
            if m.flags & RDONLY_PROG:
                self.fault(alt.guard, f"write to map {m.name}, which is read-only")

    def _inside(self, state: SymState, alt: Alt, size: int) -> Term:
        region = alt.region
        if region is None or region is UNINIT or region.kind in ("map", "ctx"):
            return FALSE
        if region is PACKET:
            return z3.And(alt.off >= state.data_meta, alt.off <= state.data_end - size)
        if region.kind == "stack":
            return z3.And(alt.off >= -STACK_SIZE, alt.off <= -size)
        if region.kind == "record":
            return z3.And(alt.off >= 0, alt.off <= region.key[0] - size)
        return z3.And(alt.off >= 0, alt.off <= self.program.maps[region.key[0]].value_size - size)

    def _load_from(self, state: SymState, alt: Alt, size: int) -> Value:
        region = alt.region
        if region is CTX:
            return self._load_ctx(state, alt, size)
        inside = z3.simplify(self._inside(state, alt, size))
        self.fault(conj(alt.guard, neg(inside)), f"read of {size} bytes at {_where(alt)}")
        if region is PACKET:
            return number(zext(packet_bytes(state.packet, alt.off, size)))
        if region is not None and region.kind == "stack":
            return self._load_stack(state, alt, size)
        if region is not None and region.kind == "map_value":
            return number(self._map_value(region, alt, size))
        if region is not None and region.kind == "record":
            return number(zext(z3.BitVec(f"record.{self.place}", 8 * size)))
        return number(z3.BitVec(f"wild.{self.place}", 64))

    def _load_ctx(self, state: SymState, alt: Alt, size: int) -> Value:
        off = const_of(alt.off)
        f = None if off is None else layout_of(self.program.type).access(off, size, write=False)
        if f is None or off is None:
            self.fault(alt.guard, f"read of {size} context bytes at {_where(alt)}")
            return number(z3.BitVec(f"wild.{self.place}", 64))
        window = {"pkt": state.data, "pkt_end": state.data_end, "pkt_meta": state.data_meta}
        if f.kind in window:
            return pointer(PACKET, window[f.kind])
        if f.kind != "scalar":
            raise UnsupportedError(f"context field {f.name}: a pointer of kind {f.kind}")
        return number(_field_bytes(state, f, f.source(off, size) - f.offset, size))

    def _map_value(self, region: Region, alt: Alt, size: int) -> Term:
        """What a map value holds: anything, for others may write it at any time."""
        m = self.program.maps[region.key[0]]
        off = const_of(alt.off)
        if m.frozen and m.data is not None and off is not None and 0 <= off <= len(m.data) - size:
            return z3.BitVecVal(int.from_bytes(m.data[off : off + size], "little"), 64)
        return zext(z3.BitVec(f"load.{self.place}.{region.key[-1]}", 8 * size))

    # The stack

    def _load_stack(self, state: SymState, alt: Alt, size: int) -> Value:
        assert alt.region is not None
        stack = state.frames[int(alt.region.key[0])].stack
        off = const_of(alt.off)
        if off is not None and off % 8 == 0 and size == 8:
            cell = stack.get(-off // 8 - 1, EMPTY)
            if cell.value is not None:
                unwritten = neg(cell.when_written()[0])
                self.fault(conj(alt.guard, unwritten), f"{UNWRITTEN} at fp{off}")
                return cell.value
        if off is None:
            return number(self._load_variable(stack, alt, size))
        picked = [stack_byte(stack, off + i) for i in range(size)]
        unwritten = disj(*(neg(w) for _, w in picked))
        self.fault(conj(alt.guard, unwritten), f"{UNWRITTEN} at fp{off}")
        return number(zext(self._join(picked)))

    def _join(self, picked: list[tuple[Byte, Term]]) -> Term:
        parts = [
            z3.BitVec(f"junk.{self.place}.{i}", 8) if b is None else b
            for i, (b, _) in enumerate(picked)
        ]
        return z3.simplify(z3.Concat(*parts[::-1])) if len(parts) > 1 else parts[0]

    def _load_variable(self, stack: Mapping[int, Cell], alt: Alt, size: int) -> Term:
        out = []
        for i in range(size):
            value, written = z3.BitVec(f"junk.{self.place}.{i}", 8), FALSE
            for k in range(-STACK_SIZE, 0):
                byte, was = stack_byte(stack, k)
                if byte is not None:
                    here = alt.off + i == k
                    value, written = ite(here, byte, value), ite(here, was, written)
            self.fault(conj(alt.guard, neg(written)), UNWRITTEN)
            out.append((value, TRUE))
        return zext(self._join(out))

    def _store_to(self, state: SymState, alt: Alt, size: int, value: Value) -> SymState:
        region = alt.region
        if region is CTX:
            return self._store_ctx(state, alt, size, value)
        inside = z3.simplify(self._inside(state, alt, size))
        self.fault(conj(alt.guard, neg(inside)), f"write of {size} bytes at {_where(alt)}")
        self.check_writable(alt)
        if region is PACKET:
            packet = state.packet
            for i in range(size):
                byte = z3.simplify(z3.Extract(8 * i + 7, 8 * i, value.bits))
                packet = z3.Store(packet, packet_index(alt.off, i), byte)
            return replace(state, packet=ite(alt.guard, packet, state.packet))
        if region is not None and region.kind == "stack":
            return self._store_stack(state, alt, size, value)
        return state  # contents of maps and records are not tracked; a wild store has its fault

    def _store_ctx(self, state: SymState, alt: Alt, size: int, value: Value) -> SymState:
        off = const_of(alt.off)
        f = None if off is None else layout_of(self.program.type).access(off, size, write=True)
        if f is None or off is None:
            self.fault(alt.guard, f"write of {size} context bytes at {_where(alt)}")
            return state
        at = off - f.offset
        old = _field_bytes(state, f, at, size)
        new = value.bits & ((1 << 8 * size) - 1)
        kept = field_after_write.terms(old, new, z3.BitVecVal(f.mask, 64), z3.BitVecVal(f.most, 64))
        after = z3.simplify(ite(alt.guard, kept, old))
        if f.size <= _WORD:
            return replace(state, ctx={**state.ctx, f.name: after})
        parts = {ctx_part(f, at + i): z3.LShR(after, 8 * i) & 0xFF for i in range(size)}
        return replace(state, ctx={**state.ctx, **parts})

    def _store_stack(self, state: SymState, alt: Alt, size: int, value: Value) -> SymState:
        assert alt.region is not None
        frame = alt.region.key[0]
        stack = state.frames[frame].stack
        off = const_of(alt.off)
        bits = value.bits
        new_bytes = [z3.simplify(z3.Extract(8 * i + 7, 8 * i, bits)) for i in range(size)]
        if off is None:
            return write_somewhere(state, frame, alt.off, new_bytes, alt.guard)
        if off % 8 == 0 and size == 8:
            i = -off // 8 - 1
            old = stack.get(i, EMPTY)
            new = Cell(value) if z3.is_true(alt.guard) else merge_cells(alt.guard, Cell(value), old)
            return state.with_cells(frame, {i: new})
        return write_bytes(state, frame, off, new_bytes, alt.guard)


def ctx_part(f: CtxField, at: int) -> str:
    """The name of what a byte of a context's field is part of: the number, or of a field
    that is longer than a number the byte itself."""
    return f.name if f.size <= _WORD else f"{f.name}.{at}"


def ctx_value(state: SymState, name: str) -> Term:
    """What is there under such a name, as 64 bits: an input unless it was written."""
    return state.ctx.get(name, z3.BitVec(f"ctx.{name}", 64))


def _field_bytes(state: SymState, f: CtxField, at: int, size: int) -> Term:
    """The number in ``size`` bytes of a field, from byte ``at`` on."""
    if f.size <= _WORD:
        found = z3.LShR(ctx_value(state, f.name) & f.mask, 8 * at)
    else:
        parts = (ctx_value(state, ctx_part(f, at + i)) & 0xFF for i in range(size))
        found = reduce(operator.or_, (part << 8 * i for i, part in enumerate(parts)))
    return z3.simplify(found & ((1 << 8 * size) - 1))


def stack_byte(stack: Mapping[int, Cell], off: int) -> tuple[Byte, Term]:
    """The stack byte at ``fp + off`` and when it was written."""
    if not -STACK_SIZE <= off < 0:
        return None, FALSE
    i = (-off - 1) // 8
    cell = stack.get(i, EMPTY)
    at = off + 8 * (i + 1)
    return cell.as_bytes()[at], cell.when_written()[at]


def write_bytes(
    state: SymState, frame: int, off: int, new: list[Term], guard: Term = TRUE
) -> SymState:
    """The state after writing bytes at ``fp + off``, under ``guard``."""
    cells: dict[int, Cell] = {}
    stack = state.frames[frame].stack
    for k, byte in enumerate(new, off):
        if not -STACK_SIZE <= k < 0:
            continue
        i = (-k - 1) // 8
        cell = cells.get(i, stack.get(i, EMPTY))
        content, written = list(cell.as_bytes()), list(cell.when_written())
        at = k + 8 * (i + 1)
        old = content[at]
        content[at] = byte if old is None else ite(guard, byte, old)
        written[at] = disj(written[at], guard)
        cells[i] = Cell(None, tuple(content), tuple(written))
    return state.with_cells(frame, cells)


def write_somewhere(
    state: SymState, frame: int, off: Term, new: list[Term], guard: Term = TRUE
) -> SymState:
    """The same for an ``off`` that is not known."""
    stack = state.frames[frame].stack
    cells = {
        i: _perhaps_written(stack.get(i, EMPTY), off + _WORD * (i + 1), new, guard)
        for i in range(STACK_SIZE // _WORD)
    }
    return state.with_cells(frame, cells)


def _perhaps_written(cell: Cell, start: Term, new: list[Term], guard: Term) -> Cell:
    """A cell after bytes were written from ``start`` on, counted from the cell's first byte.

    A pointer in it is still one if none of them was written here.
    """
    content, written = list(cell.as_bytes()), list(cell.when_written())
    for at in range(_WORD):
        for k, byte in enumerate(new):
            here = conj(guard, start + k == at)
            old = content[at]
            content[at] = byte if old is None else ite(here, byte, old)
            written[at] = disj(written[at], here)
    whole = cell.value
    if whole is None or any(a.region is UNINIT for a in whole.alts):
        return Cell(None, tuple(content), tuple(written))
    touched = conj(guard, start > -len(new), start < _WORD)
    return Cell(choose(touched, number(z3.Concat(*content[::-1])), whole))


def packet_index(off: Term, i: int) -> Term:
    """The array index of packet byte ``off + i``: in-bounds offsets fit 32 bits."""
    return z3.simplify(z3.Extract(31, 0, off + i))


def packet_bytes(packet: Term, off: Term, size: int) -> Term:
    """``size`` packet bytes from ``off``, little-endian."""
    parts = [z3.Select(packet, packet_index(off, i)) for i in range(size)]
    return z3.Concat(*parts[::-1]) if size > 1 else parts[0]


def zext(term: Term) -> Term:
    """Zero-extended to 64 bits."""
    return z3.ZeroExt(64 - term.size(), term) if term.size() < 64 else term


def _where(alt: Alt) -> str:
    if alt.region is None:
        return "a number"
    off = const_of(alt.off)
    return f"{alt.region.kind}{'' if off is None else f'{off:+d}'}"
