"""Programs with scalars, branches, packet, stack and map accesses, mostly acceptable.

A strategy keeps track of what each register holds, as coarsely as is needed to make the
next instruction a sensible one.  Values are biased towards the edges of ranges, where
rules go wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st

from bpfsmt.generate.builder import Builder
from bpfsmt.isa.opcodes import AluOp, JmpOp
from bpfsmt.program.program import MapDef, Program

VALUE_SIZE = 64
MAP = MapDef("m", "hash", 4, VALUE_SIZE, 16)

_BINARY = [
    AluOp.ADD, AluOp.SUB, AluOp.MUL, AluOp.OR, AluOp.AND, AluOp.XOR, AluOp.DIV, AluOp.MOD,
]  # fmt: skip
_SHIFTS = [AluOp.LSH, AluOp.RSH, AluOp.ARSH]
_JUMPS = [
    JmpOp.JEQ, JmpOp.JNE, JmpOp.JGT, JmpOp.JGE, JmpOp.JLT, JmpOp.JLE, JmpOp.JSET,
    JmpOp.JSGT, JmpOp.JSGE, JmpOp.JSLT, JmpOp.JSLE,
]  # fmt: skip
_CTX_SCALARS = (12, 16)
_SCALARS = (0, 6, 7, 8, 9)
"""Registers that hold numbers throughout; R1 to R5 come and go."""

_EDGES = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, -1, -2, -128, -(1 << 31)]
imms = st.one_of(
    st.sampled_from(_EDGES), st.integers(-64, 64), st.integers(-(1 << 31), (1 << 31) - 1)
)
wide_values = st.one_of(
    imms,
    st.sampled_from([1 << 31, 1 << 32, (1 << 32) - 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]),
    st.integers(0, (1 << 64) - 1),
)


@st.composite
def scalar_programs(draw: st.DrawFn, max_ops: int = 12) -> Program:
    """Numbers only: unknown 32-bit inputs, arithmetic of both widths, nested branches.

    Only registers that the program reads get an input, so that examples shrink well.
    """
    body = Builder()
    _block(body, draw(_blocks(3, 1, max_ops)), "b")
    b = Builder()
    _inputs(draw, b, body.registers() | {0})
    b.slots += body.slots
    b.exit()
    return b.program()


@st.composite
def programs(draw: st.DrawFn, max_parts: int = 4) -> Program:
    """Numbers, and gadgets that use packet, stack and map; mostly accepted."""
    b = Builder()
    b.store(10, -64, 1, 8)  # the context, for later reloads
    _inputs(draw, b, set(_SCALARS))
    for i in range(draw(st.integers(1, max_parts))):
        _block(b, draw(_FEW), f"b{i}")
        draw(st.sampled_from([_packet, _map, _stack, _spill]))(draw, b, f"g{i}")
    _block(b, draw(_FEW), "end")
    b.exit()
    return b.program((MAP,))


def _inputs(draw: st.DrawFn, b: Builder, used: set[int]) -> None:
    """R0, R6..R9 become numbers: context fields, shifted ones, constants."""
    for reg in sorted(used & set(_SCALARS)):
        kind = draw(st.sampled_from(["const", "field", "shifted"]))
        if kind == "const":
            b.const(reg, draw(wide_values))
            continue
        b.load(reg, 1, draw(st.sampled_from(_CTX_SCALARS)), 4)
        if kind == "shifted":
            b.alu(AluOp.LSH, reg, None, draw(st.sampled_from([1, 16, 31, 32, 33])))


@dataclass(frozen=True, slots=True)
class _Alu:
    """One arithmetic instruction; ``src`` None means the immediate."""

    op: AluOp
    dst: int
    src: int | None
    imm: int
    wide: bool


@dataclass(frozen=True, slots=True)
class _Branch:
    """A conditional jump over ``body``; ``src`` None means the immediate."""

    op: JmpOp
    dst: int
    src: int | None
    imm: int
    wide: bool
    body: tuple[_Op, ...]


_Op: TypeAlias = "_Alu | _Branch"

_reg = st.sampled_from(_SCALARS[::-1])
_src = st.one_of(st.none(), _reg)


def _checked(op: AluOp, dst: int, src: int | None, imm: int, wide: bool) -> _Alu:
    """The instruction with an immediate that its operation admits."""
    if op in _SHIFTS:
        return _Alu(op, dst, None, imm % (64 if wide else 32), wide)
    if op in (AluOp.DIV, AluOp.MOD):
        return _Alu(op, dst, src, imm or 1, wide)
    if op in (AluOp.NEG, AluOp.MOV):
        return _Alu(op, dst, None if op is AluOp.NEG else src, 0 if op is AluOp.NEG else imm, wide)
    return _Alu(op, dst, src, imm, wide)


_alus = st.builds(
    _checked,
    st.sampled_from([*_BINARY, *_BINARY, *_SHIFTS, AluOp.NEG, AluOp.MOV]),
    _reg, _src, imms, st.booleans(),
)  # fmt: skip


def _blocks(depth: int, least: int, most: int) -> st.SearchStrategy[list[_Op]]:
    """Arithmetic and branches nested up to ``depth``: lists, so that examples shrink well."""
    if depth == 0:
        return st.lists(_alus, min_size=least, max_size=most)
    bodies = _blocks(depth - 1, 1, 3).map(tuple)
    wide = st.sampled_from([True, True, False])
    branches = st.builds(_Branch, st.sampled_from(_JUMPS), _reg, _src, imms, wide, bodies)
    return st.lists(st.one_of(_alus, _alus, branches), min_size=least, max_size=most)


_FEW = _blocks(2, 0, 3)


def _block(b: Builder, ops: Iterable[_Op], name: str) -> None:
    """Emit the operations; ``name`` makes their labels unique."""
    for i, op in enumerate(ops):
        if isinstance(op, _Alu):
            b.alu(op.op, op.dst, op.src, op.imm if op.src is None else 0, wide=op.wide)
        else:
            label = f"{name}.{i}"
            b.jump(op.op, op.dst, op.src, op.imm if op.src is None else 0, label, wide=op.wide)
            _block(b, op.body, label)
            b.label(label)


def _packet(draw: st.DrawFn, b: Builder, name: str) -> None:
    """Check some bytes of the packet, perhaps at a variable offset, and touch them."""
    b.load(1, 10, -64, 8)
    b.load(2, 1, 0, 4)
    b.load(3, 1, 4, 4)
    if draw(st.booleans()):
        index = draw(st.sampled_from(_SCALARS))
        b.mov(4, index)
        b.alu(AluOp.AND, 4, None, draw(st.sampled_from([1, 15, 60, 255, 1023])))
        b.alu(AluOp.ADD, 2, 4)
    room = draw(st.integers(1, 64))
    b.mov(5, 2)
    b.alu(AluOp.ADD, 5, None, room)
    b.jump(JmpOp.JGT, 5, 3, 0, name)
    for _ in range(draw(st.integers(1, 3))):
        size = draw(st.sampled_from([s for s in (1, 2, 4, 8) if s <= room]))
        off = draw(st.integers(0, room - size))
        if draw(st.booleans()):
            b.load(draw(st.sampled_from(_SCALARS)), 2, off, size)
        else:
            b.store(2, off, draw(st.sampled_from(_SCALARS)), size)
    b.label(name)


def _map(draw: st.DrawFn, b: Builder, name: str) -> None:
    """Look a key up and touch its value, perhaps at a masked variable offset."""
    b.store(10, -4, draw(st.sampled_from(_SCALARS)), 4)
    b.mov(2, 10)
    b.alu(AluOp.ADD, 2, None, -4)
    b.map_ptr(1, 0)
    keep = draw(st.sampled_from((6, 7, 8, 9)))
    b.mov(keep, 0)
    b.call(1)
    b.jump(JmpOp.JEQ, 0, None, 0, name)
    if draw(st.booleans()):
        b.mov(3, draw(st.sampled_from((6, 7, 8, 9))))
        b.alu(AluOp.AND, 3, None, draw(st.sampled_from([3, 7, 15, 31])))
        b.alu(AluOp.ADD, 0, 3)
    size = draw(st.sampled_from([1, 2, 4, 8]))
    off = draw(st.integers(0, 4)) * 8
    if draw(st.booleans()):
        b.load(keep, 0, off, size)
    else:
        b.store(0, off, keep, size)
    b.label(name)
    b.mov(0, keep)


def _stack(draw: st.DrawFn, b: Builder, name: str) -> None:
    """Write numbers of some size to the stack and read them back, perhaps in parts."""
    size = draw(st.sampled_from([1, 2, 4, 8]))
    if draw(st.booleans()):
        b.store(10, -16, draw(st.sampled_from(_SCALARS)), size)
    else:
        b.store_imm(10, -16, draw(imms), size)
    part = draw(st.sampled_from([s for s in (1, 2, 4, 8) if s <= size]))
    b.load(draw(st.sampled_from(_SCALARS)), 10, -16 + size - part, part)


def _spill(draw: st.DrawFn, b: Builder, name: str) -> None:
    """Spill a number, overwrite its register, fill another from the slot."""
    b.store(10, -24, draw(st.sampled_from(_SCALARS)), 8)
    b.const(draw(st.sampled_from(_SCALARS)), draw(wide_values))
    b.load(draw(st.sampled_from(_SCALARS)), 10, -24, 8)
