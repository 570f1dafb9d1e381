"""Which field values make a valid instruction (RFC 9669, sections 3 to 5).

Strict: a field that an instruction does not use must be 0, as Linux demands too.  What
is checked here is the encoding alone.  Whether a jump lands inside the program or R10 is
written to is for a verifier to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from bpfsmt.errors import DecodeError
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import (
    FETCH,
    AluOp,
    AtomicOp,
    CallSrc,
    Class,
    JmpOp,
    LdImm64Src,
    Mode,
    Size,
)

FRAME_POINTER = 10
"""The number of the last register, R10."""

ATOMIC_IMMS = frozenset(
    {
        op | fetch
        for op in (AtomicOp.ADD, AtomicOp.OR, AtomicOp.AND, AtomicOp.XOR)
        for fetch in (0, FETCH)
    }
    | {AtomicOp.XCHG | FETCH, AtomicOp.CMPXCHG | FETCH}
)
"""The ``imm`` values of atomics; xchg and cmpxchg exist with FETCH only."""

# Where the second immediate has a meaning: the high half, the offset in the map value,
# and (Linux) the BTF object in which a variable is looked up.
_USES_NEXT_IMM = frozenset(
    {LdImm64Src.IMM, LdImm64Src.MAP_VALUE, LdImm64Src.MAP_VALUE_BY_IDX, LdImm64Src.VARIABLE}
)

_ALU_NUMBERS, _JMP_NUMBERS = frozenset(map(int, AluOp)), frozenset(map(int, JmpOp))
_CALL_KINDS, _IMM64_KINDS = frozenset(map(int, CallSrc)), frozenset(map(int, LdImm64Src))

# Name, least and greatest value: what the bits of each field can hold.
_FIELDS = (
    ("opcode", 0, 0xFF),
    ("dst", 0, 0xF),
    ("src", 0, 0xF),
    ("offset", -(1 << 15), (1 << 15) - 1),
    ("imm", -(1 << 31), (1 << 31) - 1),
    ("next_imm", -(1 << 31), (1 << 31) - 1),
)


def problem(insn: Instruction) -> str | None:
    """What is wrong with the instruction, in one line that begins with the field; or None.

    >>> problem(Instruction(opcode=0xb7, offset=12))
    'offset: must be 0, is 12'
    >>> problem(Instruction(opcode=0xb7))
    """
    return next(chain(_ranges(insn), _rules(insn)), None)


def validate(insn: Instruction, pc: int = 0) -> None:
    """Raise `DecodeError`, naming ``pc`` and the field, unless the instruction is valid.

    >>> validate(Instruction(opcode=0x8f), pc=3)
    Traceback (most recent call last):
    bpfsmt.errors.DecodeError: instruction 3: opcode 0x8f: NEG takes no register source
    """
    found = problem(insn)
    if found is not None:
        raise DecodeError(f"instruction {pc}: {found}")


def _ranges(insn: Instruction) -> Iterator[str]:
    for name, least, greatest in _FIELDS:
        value = getattr(insn, name)
        if not least <= value <= greatest:
            yield f"{name}: {value} is outside {least}..{greatest}"


def _rules(insn: Instruction) -> Iterator[str]:
    yield from _register(insn, "dst")
    if insn.next_imm and not insn.is_ld_imm64:
        yield from _zero(insn, "next_imm")
    yield from _CLASS_RULES[insn.cls](insn)


def _alu(insn: Instruction) -> Iterator[str]:
    number = insn.opcode & 0xF0
    if number not in _ALU_NUMBERS:
        yield _opcode(insn, f"no arithmetic operation 0x{number:02x}")
        return
    op = insn.alu_op
    if op is AluOp.END:
        yield from _swap(insn)
    elif op is AluOp.NEG:
        if insn.uses_reg:
            yield _opcode(insn, "NEG takes no register source")
        yield from _zero(insn, "src", "offset", "imm")
    else:
        yield from _operand(insn)
        if insn.offset:
            yield from _one_of(insn, "offset", _alu_offsets(insn, op))


def _alu_offsets(insn: Instruction, op: AluOp) -> tuple[int, ...]:
    """The offsets of an arithmetic operation: they select its signed variants."""
    if op in (AluOp.DIV, AluOp.MOD):
        return (0, 1)
    if op is AluOp.MOV and insn.uses_reg:
        return (0, 8, 16, 32) if insn.cls is Class.ALU64 else (0, 8, 16)
    return (0,)


def _swap(insn: Instruction) -> Iterator[str]:
    if insn.cls is Class.ALU64 and insn.uses_reg:
        yield _opcode(insn, "bswap has no big-endian form")
    yield from _zero(insn, "src", "offset")
    yield from _one_of(insn, "imm", (16, 32, 64))


def _jmp(insn: Instruction) -> Iterator[str]:
    number = insn.opcode & 0xF0
    if number not in _JMP_NUMBERS:
        yield _opcode(insn, f"no jump operation 0x{number:02x}")
        return
    op = insn.jmp_op
    if op not in _SPECIAL_JUMPS:
        yield from _operand(insn)
        return
    if insn.uses_reg:
        yield _opcode(insn, f"{op.name} takes no register source")
    if insn.cls is Class.JMP32 and op is not JmpOp.JA:
        yield _opcode(insn, f"{op.name} exists in class JMP only")
    if op is JmpOp.CALL:
        yield from _call(insn)
    elif op is JmpOp.EXIT:
        yield from _zero(insn, "dst", "src", "offset", "imm")
    else:
        unused = "offset" if insn.cls is Class.JMP32 else "imm"
        yield from _zero(insn, "dst", "src", unused)


_SPECIAL_JUMPS = frozenset({JmpOp.JA, JmpOp.CALL, JmpOp.EXIT, JmpOp.JCOND})


def _call(insn: Instruction) -> Iterator[str]:
    yield from _zero(insn, "dst")
    if insn.src not in _CALL_KINDS:
        yield f"src: no kind of call {insn.src}"
    if insn.src != CallSrc.KFUNC:  # there Linux keeps the index of the module's BTF
        yield from _zero(insn, "offset")


def _ld(insn: Instruction) -> Iterator[str]:
    mode = insn.opcode & 0xE0
    if insn.is_ld_imm64:
        yield from _ld_imm64(insn)
    elif mode not in (Mode.ABS, Mode.IND) or insn.size is Size.DW:
        yield _opcode(insn, "no such load")
    else:
        yield from _zero(insn, "dst", "offset")
        if mode == Mode.IND:
            yield from _register(insn, "src")
        else:
            yield from _zero(insn, "src")


def _ld_imm64(insn: Instruction) -> Iterator[str]:
    if insn.src not in _IMM64_KINDS:
        yield f"src: no kind of 64-bit immediate {insn.src}"
    yield from _zero(insn, "offset")
    if insn.src not in _USES_NEXT_IMM:
        yield from _zero(insn, "next_imm")


def _ldx(insn: Instruction) -> Iterator[str]:
    mode = insn.opcode & 0xE0
    if mode not in (Mode.MEM, Mode.MEMSX):
        yield _opcode(insn, "no such load")
    if mode == Mode.MEMSX and insn.size is Size.DW:
        yield _opcode(insn, "a 64-bit load has no sign extension")
    yield from _register(insn, "src")
    yield from _zero(insn, "imm")


def _st(insn: Instruction) -> Iterator[str]:
    if insn.opcode & 0xE0 != Mode.MEM:
        yield _opcode(insn, "no such store")
    yield from _zero(insn, "src")


def _stx(insn: Instruction) -> Iterator[str]:
    mode = insn.opcode & 0xE0
    yield from _register(insn, "src")
    if mode == Mode.MEM:
        yield from _zero(insn, "imm")
    elif mode == Mode.ATOMIC:
        if insn.size not in (Size.W, Size.DW):
            yield _opcode(insn, "atomics are 32 or 64 bits wide")
        if insn.imm not in ATOMIC_IMMS:
            yield f"imm: no atomic operation 0x{insn.imm & 0xFFFFFFFF:x}"
    else:
        yield _opcode(insn, "no such store")


_CLASS_RULES: dict[Class, Callable[[Instruction], Iterator[str]]] = {
    Class.LD: _ld,
    Class.LDX: _ldx,
    Class.ST: _st,
    Class.STX: _stx,
    Class.ALU: _alu,
    Class.JMP: _jmp,
    Class.JMP32: _jmp,
    Class.ALU64: _alu,
}


def _operand(insn: Instruction) -> Iterator[str]:
    """The second operand is a register or an immediate, and the other field is unused."""
    if insn.uses_reg:
        yield from _register(insn, "src")
        yield from _zero(insn, "imm")
    else:
        yield from _zero(insn, "src")


def _register(insn: Instruction, field: str) -> Iterator[str]:
    number = getattr(insn, field)
    if number > FRAME_POINTER:
        yield f"{field}: no register r{number}"


def _zero(insn: Instruction, *fields: str) -> Iterator[str]:
    for field in fields:
        if getattr(insn, field):
            yield from _one_of(insn, field, (0,))


def _one_of(insn: Instruction, field: str, allowed: tuple[int, ...]) -> Iterator[str]:
    value = getattr(insn, field)
    if value not in allowed:
        yield f"{field}: must be {' or '.join(map(str, allowed))}, is {value}"


def _opcode(insn: Instruction, what: str) -> str:
    return f"opcode 0x{insn.opcode:02x}: {what}"
