"""Programs with scalars, branches, packet, stack and map accesses, mostly acceptable.

A strategy keeps track of what each register holds, as coarsely as is needed to make the
next instruction a sensible one.  Values are biased towards the edges of ranges, where
rules go wrong.
"""

from __future__ import annotations

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
    _block(draw, body, draw(st.integers(1, max_ops)), depth=0)
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
        _block(draw, b, draw(st.integers(0, 3)), depth=0)
        draw(st.sampled_from([_packet, _map, _stack, _spill]))(draw, b, f"g{i}")
    _block(draw, b, draw(st.integers(0, 3)), depth=0)
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


def _block(draw: st.DrawFn, b: Builder, ops: int, depth: int) -> None:
    for i in range(ops):
        kind = draw(st.sampled_from(["alu", "alu", "alu", "shift", "unary", "branch"]))
        if kind == "branch" and depth < 3:
            label = f"l{len(b.slots)}.{depth}.{i}"
            _branch(draw, b, label)
            _block(draw, b, draw(st.integers(1, 3)), depth + 1)
            b.label(label)
        else:
            _alu(draw, b, kind)


def _alu(draw: st.DrawFn, b: Builder, kind: str) -> None:
    dst, wide = draw(st.sampled_from(_SCALARS)), draw(st.booleans())
    if kind == "shift":
        op = draw(st.sampled_from(_SHIFTS))
        b.alu(op, dst, None, draw(st.integers(0, 63 if wide else 31)), wide=wide)
    elif kind == "unary":
        op = draw(st.sampled_from([AluOp.NEG, AluOp.MOV]))
        src = None if op is AluOp.NEG else draw(st.sampled_from(_SCALARS))
        b.alu(op, dst, src, wide=wide)
    else:
        op = draw(st.sampled_from(_BINARY))
        if draw(st.booleans()):
            b.alu(op, dst, draw(st.sampled_from(_SCALARS)), wide=wide)
        else:
            imm = draw(imms)
            b.alu(op, dst, None, imm or 1 if op in (AluOp.DIV, AluOp.MOD) else imm, wide=wide)


def _branch(draw: st.DrawFn, b: Builder, label: str) -> None:
    op, dst = draw(st.sampled_from(_JUMPS)), draw(st.sampled_from(_SCALARS))
    wide = draw(st.sampled_from([True, True, False]))
    if draw(st.booleans()):
        b.jump(op, dst, draw(st.sampled_from(_SCALARS)), 0, label, wide=wide)
    else:
        b.jump(op, dst, None, draw(imms), label, wide=wide)


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
