"""A symbolic machine state: registers, stack bytes, the packet and its window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import z3

from bpfsmt.symbolic.values import UNINIT, Term, Value, choose, conj, disj, ite, neg, pointer

Byte: TypeAlias = Term | None
"""A stack byte: an 8-bit term, or `None` if never written."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One aligned 8-byte stack slot: a whole value, or eight bytes (lowest address first).

    ``written`` says for each byte under what condition it has been written; it matters
    only where paths with and without a write met.
    """

    value: Value | None
    bytes: tuple[Byte, ...] = (None,) * 8
    written: tuple[Term, ...] = (z3.BoolVal(False),) * 8

    def as_bytes(self) -> tuple[Byte, ...]:
        """The eight bytes, lowest address first."""
        if self.value is None:
            return self.bytes
        bits = self.value.bits
        return tuple(z3.simplify(z3.Extract(8 * i + 7, 8 * i, bits)) for i in range(8))

    def when_written(self) -> tuple[Term, ...]:
        """Under what condition each byte has been written."""
        if self.value is None:
            return self.written
        never = disj(*(a.guard for a in self.value.alts if a.region is UNINIT))
        return (neg(never),) * 8

    @property
    def blank(self) -> bool:
        """No byte was written on any path."""
        return self.value is None and all(b is None for b in self.bytes)


EMPTY = Cell(None)
_UNWRITTEN = pointer(UNINIT, z3.BitVec("junk.stack", 64))


@dataclass(frozen=True, slots=True, eq=False)
class SymFrame:
    """Registers and stack of one function; stack cell ``i`` is at ``fp - 8*(i+1)``."""

    regs: tuple[Value, ...]
    stack: Mapping[int, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SymState:
    """Everything that an instruction can change.

    ``data``, ``data_end`` and ``data_meta`` are offsets in the packet region, whose offset
    0 is where the packet started; ``packet`` is the array of its bytes.  ``ctx`` holds
    context fields that the program wrote.
    """

    frames: tuple[SymFrame, ...]
    data: Term
    data_end: Term
    data_meta: Term
    packet: Term
    ctx: Mapping[str, Term] = field(default_factory=dict)

    @property
    def regs(self) -> tuple[Value, ...]:
        """The registers of the current frame."""
        return self.frames[-1].regs

    def with_reg(self, i: int, value: Value) -> SymState:
        """The state with one register of the current frame replaced."""
        top = self.frames[-1]
        regs = (*top.regs[:i], value, *top.regs[i + 1 :])
        return replace(self, frames=(*self.frames[:-1], replace(top, regs=regs)))

    def with_cells(self, frame: int, cells: Mapping[int, Cell]) -> SymState:
        """The state with some stack cells of a frame replaced."""
        old = self.frames[frame]
        new = replace(old, stack={**old.stack, **cells})
        return replace(self, frames=(*self.frames[:frame], new, *self.frames[frame + 1 :]))


def merge(cond: Term, a: SymState, b: SymState) -> SymState:
    """``a`` where ``cond`` holds, else ``b`` (of the same call depth)."""
    if a is b:
        return a
    frames = tuple(
        x if x is y else _merge_frames(cond, x, y) for x, y in zip(a.frames, b.frames, strict=True)
    )
    ctx = dict(a.ctx)
    for name in b.ctx.keys() | a.ctx.keys():
        start = z3.BitVec(f"ctx.{name}", 64)
        ctx[name] = ite(cond, a.ctx.get(name, start), b.ctx.get(name, start))
    return SymState(
        frames,
        ite(cond, a.data, b.data),
        ite(cond, a.data_end, b.data_end),
        ite(cond, a.data_meta, b.data_meta),
        ite(cond, a.packet, b.packet),
        ctx,
    )


def _merge_frames(cond: Term, a: SymFrame, b: SymFrame) -> SymFrame:
    regs = tuple(choose(cond, x, y) for x, y in zip(a.regs, b.regs, strict=True))
    stack = {
        i: merge_cells(cond, a.stack.get(i, EMPTY), b.stack.get(i, EMPTY))
        for i in a.stack.keys() | b.stack.keys()
    }
    return SymFrame(regs, stack)


def merge_cells(cond: Term, a: Cell, b: Cell) -> Cell:
    """``a`` where ``cond`` holds, else ``b``."""
    if a is b or z3.is_true(cond):
        return a
    if z3.is_false(cond):
        return b
    # What was spilled on one path only stays a value: a pointer must not become bytes.
    x, y = (_UNWRITTEN if c.blank else c.value for c in (a, b))
    if x is not None and y is not None:
        return a if a.blank and b.blank else Cell(choose(cond, x, y))
    merged, written = [], []
    parts = zip(a.as_bytes(), b.as_bytes(), a.when_written(), b.when_written(), strict=True)
    for left, right, wx, wy in parts:
        merged.append(right if left is None else left if right is None else ite(cond, left, right))
        written.append(disj(conj(cond, wx), conj(neg(cond), wy)))
    return Cell(None, tuple(merged), tuple(written))
