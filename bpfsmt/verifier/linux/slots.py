"""Which stack slots may be read later, whatever path is taken (Linux 6.18 ``liveness.c``).

As with registers: slots that nothing reads any more are forgotten in explored states.  Found
out before the walk, from where pointers into a function's own frame go: at most what the
kernel, which notes the reads of the walk itself, calls dead is called dead here.
"""

from __future__ import annotations

from typing import TypeAlias

from bpfsmt.domain.state import SLOT_SIZE, STACK_SIZE
from bpfsmt.isa import FETCH, AluOp, AtomicOp, CallSrc, Class, Instruction, JmpOp, Mode, Size
from bpfsmt.isa.opcodes import LdImm64Src
from bpfsmt.program.program import Program, ProgramType
from bpfsmt.semantics.prototypes import prototype
from bpfsmt.verifier.linux.liveness import Ways

_ALL = (1 << STACK_SIZE // SLOT_SIZE) - 1
_MAP = 1 << 16
"""From here on a value stands for a map: `_MAP` plus its number."""

NOWHERE, SOMEWHERE = _MAP - 1, _MAP - 2
"""No pointer into the frame; perhaps one, at whatever offset."""

Where: TypeAlias = tuple[int, ...]
"""For each register the offset from R10 that it points to, a map, or one of these two."""


def slot_effects(program: Program, starts: list[int], ways: Ways) -> list[tuple[int, int]]:
    """The slots of the frame that each instruction reads and writes as a whole, as masks."""
    slots = program.slots
    where, kept = _spread(program, starts, ways, kept=False)
    if kept:
        where, _ = _spread(program, starts, ways, kept=True)
    return [_effect(program, insn, at) if insn is not None and at else (0, 0)
            for insn, at in zip(slots, where, strict=True)]  # fmt: skip


def _spread(
    program: Program, starts: list[int], ways: Ways, *, kept: bool
) -> tuple[list[Where | None], bool]:
    """Where pointers go, and whether one is written to memory; ``kept``: that one may be.

    Only a pointer that is in memory can be loaded.
    """
    where: list[Where | None] = [None] * len(ways)
    found = False
    pending = list(starts)
    for start in starts:
        where[start] = (*[NOWHERE] * 10, 0)
    while pending:
        pc = pending.pop()
        insn, at = program.slots[pc], where[pc]
        assert insn is not None
        assert at is not None
        found = found or _keeps(insn, at)
        after = _after(insn, at, kept)
        for way in ways[pc]:
            there = where[way]
            joined = after if there is None else _join(there, after)
            if joined is not there:
                where[way] = joined
                pending.append(way)
    return where, found


def _join(a: Where, b: Where) -> Where:
    """What holds of both; ``a`` itself if ``b`` says nothing new."""
    if a is b or a == b:
        return a
    joined = tuple([x if x == y else _either(x, y) for x, y in zip(a, b, strict=True)])
    return a if joined == a else joined


def _either(x: int, y: int) -> int:
    return NOWHERE if x >= NOWHERE and y >= NOWHERE else SOMEWHERE


def _keeps(insn: Instruction, at: Where) -> bool:
    """Whether a pointer into the frame may get into memory."""
    if insn.cls is Class.STX:
        return at[insn.src] < NOWHERE
    return insn.calls_local and any(x < NOWHERE for x in at[1:6])


def _after(insn: Instruction, at: Where, kept: bool) -> Where:
    """Where pointers are after the instruction."""
    cls, dst = insn.opcode & 7, insn.dst
    if cls in (Class.ALU, Class.ALU64):
        return _set(at, dst, _sum(insn, at))
    if cls == Class.LDX:
        return _set(at, dst, SOMEWHERE if kept and at[insn.src] < NOWHERE else NOWHERE)
    if cls == Class.LD:
        if not insn.is_ld_imm64:
            return (*[NOWHERE] * 6, *at[6:])
        is_map = insn.src == LdImm64Src.MAP_BY_FD
        return _set(at, dst, _MAP + insn.imm if is_map else NOWHERE)
    if cls == Class.STX and insn.mode is Mode.ATOMIC and insn.imm & FETCH:
        into = 0 if insn.imm == AtomicOp.CMPXCHG | FETCH else insn.src
        return _set(at, into, SOMEWHERE if kept and at[dst] < NOWHERE else NOWHERE)
    if cls in (Class.JMP, Class.JMP32) and insn.jmp_op is JmpOp.CALL:
        return (*[NOWHERE] * 6, *at[6:])
    return at


def _set(at: Where, number: int, value: int) -> Where:
    if at[number] == value or number == 10:
        return at
    return (*at[:number], value, *at[number + 1 :])


def _sum(insn: Instruction, at: Where) -> int:
    """What an arithmetic instruction leaves in its register."""
    op, old = insn.alu_op, at[insn.dst]
    other = at[insn.src] if insn.uses_reg and op is not AluOp.END else NOWHERE
    if op is AluOp.MOV:
        return other if insn.cls is Class.ALU64 and not insn.offset else NOWHERE
    if old >= NOWHERE and other >= NOWHERE:
        return NOWHERE
    known = old < SOMEWHERE and op is AluOp.ADD and not insn.uses_reg
    moved = old + insn.imm
    return moved if known and -STACK_SIZE <= moved <= 0 else SOMEWHERE


def _effect(program: Program, insn: Instruction, at: Where) -> tuple[int, int]:
    """The slots that are read, and those that are written as a whole."""
    cls = insn.cls
    if cls is Class.LDX:
        return _bytes(at[insn.src], insn.offset, insn.size.bytes), 0
    if cls is Class.STX and insn.mode is Mode.ATOMIC:
        return _bytes(at[insn.dst], insn.offset, insn.size.bytes), 0
    if cls in (Class.STX, Class.ST):
        low = at[insn.dst] + insn.offset
        whole = at[insn.dst] < SOMEWHERE and insn.size is Size.DW and low % SLOT_SIZE == 0
        return 0, _bytes(at[insn.dst], insn.offset, SLOT_SIZE) if whole else 0
    if insn.is_jmp and insn.jmp_op is JmpOp.CALL:
        return _handed_over(program, insn, at), 0
    return 0, 0


def _bytes(base: int, offset: int, size: int) -> int:
    """The slots that an access touches."""
    if base >= NOWHERE:
        return 0
    low, high = base + offset, base + offset + size
    if base == SOMEWHERE or low < -STACK_SIZE or high > 0:
        return _ALL
    first, last = (-high) // SLOT_SIZE, (-low - 1) // SLOT_SIZE
    return (1 << last + 1) - (1 << first)


def _handed_over(program: Program, insn: Instruction, at: Where) -> int:
    """The slots that a callee may read: a key or value of a known map, else all above."""
    proto = None
    if insn.src == CallSrc.HELPER:
        proto = prototype(ProgramType(program.type), insn.imm)
    kinds = ("any",) * 5 if proto is None else proto.args
    number = next((x - _MAP for x in at[1:6] if x >= _MAP), -1)
    found = 0
    for base, kind in zip(at[1:6], kinds, strict=False):
        if base >= NOWHERE:
            continue
        if base == SOMEWHERE or proto is None:
            return _ALL
        size = -base
        if 0 <= number < len(program.maps) and kind in ("key", "value"):
            m = program.maps[number]
            size = min(size, m.key_size if kind == "key" else m.value_size)
        found |= _bytes(base, 0, size)
    return found
