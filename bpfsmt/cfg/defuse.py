"""Which registers an instruction reads and writes.

Sets of registers are 11-bit masks (bit ``n`` is ``rn``): unions and differences are then
single integer operations, which is what the liveness fixpoint needs.
"""

from __future__ import annotations

from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import FETCH, AluOp, AtomicOp, Class, JmpOp, Mode

R0 = 1 << 0
R6 = 1 << 6
ARGUMENTS = 0b00000111110
"""r1-r5: what a call may read (RFC 9669, section 2)."""
CALLER_SAVED = ARGUMENTS | R0
"""r0-r5: what holds nothing of the caller's after a call."""
ALL_REGISTERS = (1 << 11) - 1


def registers(mask: int) -> tuple[int, ...]:
    """The register numbers in a mask, ascending.

    >>> registers(0b10000000101)
    (0, 2, 10)
    """
    return tuple(n for n in range(11) if mask >> n & 1)


def reads(insn: Instruction) -> int:
    """The registers whose values ``insn`` may depend on, as a mask.

    Every call is taken to read r1-r5, whatever the callee's arity; ``exit`` reads r0;
    the legacy packet loads read r6, the socket buffer (RFC 9669, section 5.5).  Raises
    `UnsupportedError` for an unknown operation.

    >>> registers(reads(Instruction(0x0F, dst=1, src=2)))  # r1 += r2
    (1, 2)
    >>> registers(reads(Instruction(0xBF, dst=1, src=2)))  # r1 = r2
    (2,)
    >>> registers(reads(Instruction(0xDB, dst=1, src=2, imm=0xF1)))  # cmpxchg
    (0, 1, 2)
    """
    match insn.cls:
        case Class.ALU | Class.ALU64:
            return _alu_reads(insn)
        case Class.JMP | Class.JMP32:
            return _jmp_reads(insn)
        case Class.LDX:
            return 1 << insn.src
        case Class.ST:
            return 1 << insn.dst
        case Class.STX:
            both = 1 << insn.dst | 1 << insn.src
            return both | R0 if _atomic(insn) is AtomicOp.CMPXCHG else both
        case Class.LD:
            return _ld_reads(insn)


def writes(insn: Instruction) -> int:
    """The registers whose old values ``insn`` destroys, as a mask.

    Besides results this counts clobbers: r0-r5 after a call and after a legacy packet
    load.  Raises `UnsupportedError` for an unknown operation.

    >>> registers(writes(Instruction(0x0F, dst=1, src=2)))  # r1 += r2
    (1,)
    >>> registers(writes(Instruction(0x85, imm=1)))  # call
    (0, 1, 2, 3, 4, 5)
    >>> registers(writes(Instruction(0xDB, dst=1, src=2, imm=0x01)))  # r2 = fetch_add(r1, r2)
    (2,)
    """
    match insn.cls:
        case Class.ALU | Class.ALU64:
            _ = _alu_op(insn)
            return 1 << insn.dst
        case Class.LDX:
            return 1 << insn.dst
        case Class.JMP | Class.JMP32:
            return CALLER_SAVED if jmp_op(insn) is JmpOp.CALL else 0
        case Class.ST:
            return 0
        case Class.STX:
            return _atomic_writes(insn)
        case Class.LD:
            return 1 << insn.dst if insn.is_ld_imm64 else _ld_reads(insn) and CALLER_SAVED


def jmp_op(insn: Instruction) -> JmpOp:
    """The operation of a jump; `UnsupportedError` for an opcode that is not known.

    >>> jmp_op(Instruction(0x8D)).name
    Traceback (most recent call last):
    bpfsmt.errors.UnsupportedError: unknown jump opcode 0x8d
    """
    code = insn.opcode & 0xF0
    no_condition = code in (JmpOp.JA, JmpOp.CALL, JmpOp.EXIT, JmpOp.JCOND)
    only_wide = no_condition and code != JmpOp.JA
    if code > JmpOp.JCOND or (no_condition and insn.uses_reg):
        raise UnsupportedError(f"unknown jump opcode {insn.opcode:#04x}")
    if only_wide and insn.cls is Class.JMP32:
        raise UnsupportedError(f"unknown jump opcode {insn.opcode:#04x}")
    return JmpOp(code)


def _jmp_reads(insn: Instruction) -> int:
    match jmp_op(insn):
        case JmpOp.JA | JmpOp.JCOND:
            return 0
        case JmpOp.CALL:
            return ARGUMENTS
        case JmpOp.EXIT:
            return R0
        case _:
            return 1 << insn.dst | (1 << insn.src if insn.uses_reg else 0)


def _alu_op(insn: Instruction) -> AluOp:
    if insn.opcode & 0xF0 > AluOp.END:
        raise UnsupportedError(f"unknown arithmetic opcode {insn.opcode:#04x}")
    return insn.alu_op


def _alu_reads(insn: Instruction) -> int:
    op = _alu_op(insn)
    source = 1 << insn.src if insn.uses_reg else 0
    if op is AluOp.MOV:
        return source
    if op in (AluOp.NEG, AluOp.END):  # the source bit of END means the byte order
        return 1 << insn.dst
    return 1 << insn.dst | source


def _atomic(insn: Instruction) -> AtomicOp | None:
    """The operation of an atomic, `None` for a plain store."""
    if insn.opcode & 0xE0 != Mode.ATOMIC:
        return None
    try:
        return AtomicOp(insn.imm & ~FETCH)
    except ValueError:
        raise UnsupportedError(f"unknown atomic operation {insn.imm:#x}") from None


def _atomic_writes(insn: Instruction) -> int:
    """RFC 9669, section 5.3: FETCH returns the old value in src, or in r0 for CMPXCHG."""
    op = _atomic(insn)
    if op is None or not insn.imm & FETCH:
        return 0
    return R0 if op is AtomicOp.CMPXCHG else 1 << insn.src


def _ld_reads(insn: Instruction) -> int:
    if insn.is_ld_imm64:
        return 0
    match insn.opcode & 0xE0:
        case Mode.ABS:
            return R6
        case Mode.IND:
            return R6 | 1 << insn.src
        case _:
            raise UnsupportedError(f"unknown load opcode {insn.opcode:#04x}")
