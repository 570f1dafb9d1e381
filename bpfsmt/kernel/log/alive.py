"""What the walk read again: which registers and slots of a visit matter to what came after.

Until Linux 6.14 the kernel compares of an explored state only what the paths from it have
read (``REG_LIVE_READ``).  A set of places is a mask: sixteen bits for the registers of each
frame, then one bit for each of its stack slots.
"""

from __future__ import annotations

from collections.abc import Iterable

from bpfsmt.cfg import reads, writes
from bpfsmt.cfg.defuse import ALL_REGISTERS
from bpfsmt.domain.analysis import Visit
from bpfsmt.domain.order import Place
from bpfsmt.domain.reg import RegType
from bpfsmt.domain.state import SLOT_SIZE, STACK_SIZE, State
from bpfsmt.isa.opcodes import Class, JmpOp, Mode
from bpfsmt.program.program import Program
from bpfsmt.semantics.prototypes import prototype

_REGS, _SLOTS = 16, STACK_SIZE // SLOT_SIZE
FRAME_BITS = _REGS + _SLOTS
_ARGUMENTS = 0b111110
_ALL_SLOTS = ((1 << _SLOTS) - 1) << _REGS


def bit(place: Place) -> int:
    """A place's bit in a mask."""
    frame, name = place
    n = int(name[1:]) if name[0] == "R" else _REGS + int(name[3:]) // SLOT_SIZE - 1
    return 1 << frame * FRAME_BITS + n


def alive(program: Program, visit: Visit, after: Iterable[tuple[str, int]]) -> int:
    """What is read from a visit on.

    ``after`` has, for every edge that leaves it, its kind and what is read from there on.
    """
    insn, state = program[visit.pc], visit.state
    top = len(state.frames) - 1
    shift = top * FRAME_BITS
    result = 0
    for kind, mask in after:
        if kind == "call":
            callee = mask >> shift + FRAME_BITS
            result |= (mask & ((1 << shift + FRAME_BITS) - 1)) | (callee & _ARGUMENTS) << shift
        elif kind == "return":
            result0 = mask >> shift - FRAME_BITS & 1
            result |= mask & ~(1 << shift - FRAME_BITS) | result0 << shift
        else:
            result |= mask
    leaves = insn.is_jmp and insn.jmp_op is JmpOp.EXIT and top
    if leaves or insn.calls_local:
        return result
    # That a slot is overwritten is not followed: more of the stack counts as read than is.
    result &= ~(writes(insn) << shift)
    return result | _read(program, visit) << shift | _touched(program, visit)


def _read(program: Program, visit: Visit) -> int:
    """The registers of the current frame that the instruction reads."""
    insn = program[visit.pc]
    if insn.helper is not None:
        known = prototype(program.type, insn.helper)
        return ((1 << len(known.args)) - 1) << 1 if known else _ARGUMENTS
    return int(reads(insn)) & ALL_REGISTERS


def _touched(program: Program, visit: Visit) -> int:
    """The stack slots that the instruction may read."""
    insn, state = program[visit.pc], visit.state
    if insn.cls is Class.LDX:
        return _slots(state, insn.src, insn.offset, insn.size.bytes)
    if insn.cls is Class.STX and insn.mode is Mode.ATOMIC:
        return _slots(state, insn.dst, insn.offset, insn.size.bytes)
    if insn.is_call:
        found = 0
        for n in range(1, 6):
            found |= _slots(state, n, 0, STACK_SIZE)
        return found
    return 0


def _slots(state: State, number: int, off: int, size: int) -> int:
    """The slots of bytes at a register plus ``off``; all of the frame if that is not known."""
    ptr = state.regs[number]
    if ptr.type is not RegType.PTR_TO_STACK:
        return 0
    shift = ptr.frame * FRAME_BITS
    if not ptr.is_const:
        return _ALL_SLOTS << shift
    first = ptr.off + ptr.scalar.smin + off
    mask = 0
    for at in range(first, min(first + size, 0), 1):
        mask |= 1 << _REGS + (-at - 1) // SLOT_SIZE
    return mask << shift
