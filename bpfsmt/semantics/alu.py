"""The one meaning of arithmetic, compares and sign extension (RFC 9669, section 4).

Every operation is a rule on 64-bit registers, so the concrete machine and the symbolic
encoder run the same text.  Operations on w registers read the low halves and zero the
upper half of the result.
"""

from __future__ import annotations

from bpfsmt.bits import Rule, div_trunc, rem_trunc, rule, s8, s16, s32, s64, u32, u64
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import FETCH, AluOp, AtomicOp, Class, JmpOp


@rule
def add64(dst: u64, src: u64) -> u64:
    """Sum."""
    return dst + src


@rule
def add32(dst: u64, src: u64) -> u64:
    """Sum, of the low halves."""
    return u64(u32(dst) + u32(src))


@rule
def sub64(dst: u64, src: u64) -> u64:
    """Difference."""
    return dst - src


@rule
def sub32(dst: u64, src: u64) -> u64:
    """Difference, of the low halves."""
    return u64(u32(dst) - u32(src))


@rule
def mul64(dst: u64, src: u64) -> u64:
    """Product."""
    return dst * src


@rule
def mul32(dst: u64, src: u64) -> u64:
    """Product, of the low halves."""
    return u64(u32(dst) * u32(src))


@rule
def div64(dst: u64, src: u64) -> u64:
    """Unsigned quotient; 0 for a zero divisor."""
    return dst // src if src != 0 else 0


@rule
def div32(dst: u64, src: u64) -> u64:
    """Unsigned quotient; 0 for a zero divisor, of the low halves."""
    return u64(u32(dst) // u32(src) if u32(src) != 0 else u32(0))


@rule
def mod64(dst: u64, src: u64) -> u64:
    """Unsigned remainder; dst for a zero divisor."""
    return dst % src if src != 0 else dst


@rule
def mod32(dst: u64, src: u64) -> u64:
    """Unsigned remainder; dst for a zero divisor, of the low halves."""
    return u64(u32(dst) % u32(src) if u32(src) != 0 else u32(dst))


@rule
def or64(dst: u64, src: u64) -> u64:
    """Bitwise or."""
    return dst | src


@rule
def or32(dst: u64, src: u64) -> u64:
    """Bitwise or, of the low halves."""
    return u64(u32(dst) | u32(src))


@rule
def and64(dst: u64, src: u64) -> u64:
    """Bitwise and."""
    return dst & src


@rule
def and32(dst: u64, src: u64) -> u64:
    """Bitwise and, of the low halves."""
    return u64(u32(dst) & u32(src))


@rule
def xor64(dst: u64, src: u64) -> u64:
    """Bitwise exclusive or."""
    return dst ^ src


@rule
def xor32(dst: u64, src: u64) -> u64:
    """Bitwise exclusive or, of the low halves."""
    return u64(u32(dst) ^ u32(src))


@rule
def sdiv64(dst: u64, src: u64) -> u64:
    """Signed quotient rounded to zero; 0 for a zero divisor, and MIN / -1 is MIN."""
    return u64(div_trunc(s64(dst), s64(src))) if src != 0 else 0


@rule
def sdiv32(dst: u64, src: u64) -> u64:
    """Signed quotient of the low halves."""
    return u64(u32(div_trunc(s32(dst), s32(src)))) if u32(src) != 0 else 0


@rule
def smod64(dst: u64, src: u64) -> u64:
    """Signed remainder with the sign of dst; dst for a zero divisor."""
    return u64(rem_trunc(s64(dst), s64(src))) if src != 0 else dst


@rule
def smod32(dst: u64, src: u64) -> u64:
    """Signed remainder of the low halves."""
    return u64(u32(rem_trunc(s32(dst), s32(src)))) if u32(src) != 0 else u64(u32(dst))


@rule
def lsh64(dst: u64, src: u64) -> u64:
    """Shift left by src modulo 64."""
    return dst << (src & 63)


@rule
def lsh32(dst: u64, src: u64) -> u64:
    """Shift the low half left by src modulo 32."""
    return u64(u32(dst) << (u32(src) & 31))


@rule
def rsh64(dst: u64, src: u64) -> u64:
    """Logical shift right by src modulo 64."""
    return dst >> (src & 63)


@rule
def rsh32(dst: u64, src: u64) -> u64:
    """Logical shift of the low half right by src modulo 32."""
    return u64(u32(dst) >> (u32(src) & 31))


@rule
def arsh64(dst: u64, src: u64) -> u64:
    """Arithmetic shift right by src modulo 64."""
    return u64(s64(dst) >> (src & 63))


@rule
def arsh32(dst: u64, src: u64) -> u64:
    """Arithmetic shift of the low half right by src modulo 32."""
    return u64(u32(s32(dst) >> (u32(src) & 31)))


@rule
def neg64(dst: u64, src: u64) -> u64:
    """Negation of dst."""
    return -dst


@rule
def neg32(dst: u64, src: u64) -> u64:
    """Negation of the low half of dst."""
    return u64(-u32(dst))


@rule
def mov64(dst: u64, src: u64) -> u64:
    """Copy."""
    return src


@rule
def mov32(dst: u64, src: u64) -> u64:
    """Copy of the low half."""
    return u64(u32(src))


@rule
def sext8(dst: u64, src: u64) -> u64:
    """The low byte, sign-extended to 64 bits."""
    return u64(s64(s8(src)))


@rule
def sext16(dst: u64, src: u64) -> u64:
    """The low two bytes, sign-extended to 64 bits."""
    return u64(s64(s16(src)))


@rule
def sext32(dst: u64, src: u64) -> u64:
    """The low half, sign-extended to 64 bits."""
    return u64(s64(s32(src)))


@rule
def sext8_32(dst: u64, src: u64) -> u64:
    """The low byte, sign-extended to 32 bits."""
    return u64(u32(s32(s8(src))))


@rule
def sext16_32(dst: u64, src: u64) -> u64:
    """The low two bytes, sign-extended to 32 bits."""
    return u64(u32(s32(s16(src))))


@rule
def low16(dst: u64, src: u64) -> u64:
    """The low two bytes of dst."""
    return dst & 0xFFFF


@rule
def low32(dst: u64, src: u64) -> u64:
    """The low half of dst."""
    return dst & 0xFFFFFFFF


@rule
def same64(dst: u64, src: u64) -> u64:
    """dst as it is."""
    return dst


@rule
def swap16(dst: u64, src: u64) -> u64:
    """The low two bytes of dst, exchanged."""
    return ((dst & 0xFF) << 8) | ((dst >> 8) & 0xFF)


@rule
def swap32(dst: u64, src: u64) -> u64:
    """The low four bytes of dst, in reverse order."""
    return (swap16(dst, src) << 16) | swap16(dst >> 16, src)


@rule
def swap64(dst: u64, src: u64) -> u64:
    """The eight bytes of dst, in reverse order."""
    return (swap32(dst, src) << 32) | swap32(dst >> 32, src)


@rule
def cmpxchg64(old: u64, expected: u64, new: u64) -> u64:
    """What memory holds after compare-and-exchange: ``new`` if it held ``expected``."""
    return new if old == expected else old


@rule
def cmpxchg32(old: u64, expected: u64, new: u64) -> u64:
    """Compare-and-exchange of four bytes: the low halves count."""
    return u64(u32(new) if u32(old) == u32(expected) else u32(old))


@rule
def jeq64(dst: u64, src: u64) -> bool:
    """Equal."""
    return dst == src


@rule
def jeq32(dst: u64, src: u64) -> bool:
    """Equal, of the low halves."""
    return u32(dst) == u32(src)


@rule
def jne64(dst: u64, src: u64) -> bool:
    """Different."""
    return dst != src


@rule
def jne32(dst: u64, src: u64) -> bool:
    """Different, of the low halves."""
    return u32(dst) != u32(src)


@rule
def jgt64(dst: u64, src: u64) -> bool:
    """Greater, unsigned."""
    return dst > src


@rule
def jgt32(dst: u64, src: u64) -> bool:
    """Greater, unsigned, of the low halves."""
    return u32(dst) > u32(src)


@rule
def jge64(dst: u64, src: u64) -> bool:
    """Greater or equal, unsigned."""
    return dst >= src


@rule
def jge32(dst: u64, src: u64) -> bool:
    """Greater or equal, unsigned, of the low halves."""
    return u32(dst) >= u32(src)


@rule
def jlt64(dst: u64, src: u64) -> bool:
    """Less, unsigned."""
    return dst < src


@rule
def jlt32(dst: u64, src: u64) -> bool:
    """Less, unsigned, of the low halves."""
    return u32(dst) < u32(src)


@rule
def jle64(dst: u64, src: u64) -> bool:
    """Less or equal, unsigned."""
    return dst <= src


@rule
def jle32(dst: u64, src: u64) -> bool:
    """Less or equal, unsigned, of the low halves."""
    return u32(dst) <= u32(src)


@rule
def jset64(dst: u64, src: u64) -> bool:
    """Some bit set in both."""
    return dst & src != 0


@rule
def jset32(dst: u64, src: u64) -> bool:
    """Some bit set in both, of the low halves."""
    return u32(dst) & u32(src) != 0


@rule
def jsgt64(dst: u64, src: u64) -> bool:
    """Greater, signed."""
    return s64(dst) > s64(src)


@rule
def jsgt32(dst: u64, src: u64) -> bool:
    """Greater, signed, of the low halves."""
    return s32(dst) > s32(src)


@rule
def jsge64(dst: u64, src: u64) -> bool:
    """Greater or equal, signed."""
    return s64(dst) >= s64(src)


@rule
def jsge32(dst: u64, src: u64) -> bool:
    """Greater or equal, signed, of the low halves."""
    return s32(dst) >= s32(src)


@rule
def jslt64(dst: u64, src: u64) -> bool:
    """Less, signed."""
    return s64(dst) < s64(src)


@rule
def jslt32(dst: u64, src: u64) -> bool:
    """Less, signed, of the low halves."""
    return s32(dst) < s32(src)


@rule
def jsle64(dst: u64, src: u64) -> bool:
    """Less or equal, signed."""
    return s64(dst) <= s64(src)


@rule
def jsle32(dst: u64, src: u64) -> bool:
    """Less or equal, signed, of the low halves."""
    return s32(dst) <= s32(src)


Meaning = Rule[[int, int], int]
Condition = Rule[[int, int], bool]

_ALU: dict[AluOp, tuple[Meaning, Meaning]] = {
    AluOp.ADD: (add64, add32), AluOp.SUB: (sub64, sub32), AluOp.MUL: (mul64, mul32),
    AluOp.DIV: (div64, div32), AluOp.MOD: (mod64, mod32), AluOp.OR: (or64, or32),
    AluOp.AND: (and64, and32), AluOp.XOR: (xor64, xor32), AluOp.LSH: (lsh64, lsh32),
    AluOp.RSH: (rsh64, rsh32), AluOp.ARSH: (arsh64, arsh32), AluOp.NEG: (neg64, neg32),
    AluOp.MOV: (mov64, mov32),
}  # fmt: skip
_SIGNED = {AluOp.DIV: (sdiv64, sdiv32), AluOp.MOD: (smod64, smod32)}
_SEXT = {8: (sext8, sext8_32), 16: (sext16, sext16_32), 32: (sext32, sext32)}
_KEEP = {16: low16, 32: low32, 64: same64}
_SWAP = {16: swap16, 32: swap32, 64: swap64}
_JMP: dict[JmpOp, tuple[Condition, Condition]] = {
    JmpOp.JEQ: (jeq64, jeq32), JmpOp.JNE: (jne64, jne32), JmpOp.JGT: (jgt64, jgt32),
    JmpOp.JGE: (jge64, jge32), JmpOp.JLT: (jlt64, jlt32), JmpOp.JLE: (jle64, jle32),
    JmpOp.JSET: (jset64, jset32), JmpOp.JSGT: (jsgt64, jsgt32), JmpOp.JSGE: (jsge64, jsge32),
    JmpOp.JSLT: (jslt64, jslt32), JmpOp.JSLE: (jsle64, jsle32),
}  # fmt: skip
_ATOMIC: dict[int, tuple[Meaning, Meaning]] = {
    AtomicOp.ADD: (add64, add32), AtomicOp.OR: (or64, or32), AtomicOp.AND: (and64, and32),
    AtomicOp.XOR: (xor64, xor32), AtomicOp.XCHG: (mov64, mov32),
}  # fmt: skip


def alu_meaning(insn: Instruction) -> Meaning:
    """The rule (dst, src) -> dst of an ALU instruction; src is `immediate` for BPF_K.

    Byte order is that of a little-endian machine.
    """
    narrow = insn.cls is Class.ALU
    op = insn.alu_op
    if op is AluOp.END:
        swaps = not narrow or insn.uses_reg
        return (_SWAP if swaps else _KEEP)[insn.imm]
    if op is AluOp.MOV and insn.offset:
        return _SEXT[insn.offset][narrow]
    if op in _SIGNED and insn.offset == 1:
        return _SIGNED[op][narrow]
    return _ALU[op][narrow]


def jmp_meaning(insn: Instruction) -> Condition:
    """The rule (dst, src) -> taken of a conditional jump."""
    return _JMP[insn.jmp_op][insn.cls is Class.JMP32]


def atomic_meaning(insn: Instruction) -> Meaning:
    """The rule (old, src) -> new of an atomic other than cmpxchg; its width is the access's."""
    return _ATOMIC[insn.imm & ~FETCH if insn.imm != AtomicOp.XCHG | FETCH else AtomicOp.XCHG][
        insn.size.bytes == 4
    ]


def cmpxchg_meaning(insn: Instruction) -> Rule[[int, int, int], int]:
    """The rule (old, R0, src) -> new of compare-and-exchange, by the access's width."""
    return cmpxchg32 if insn.size.bytes == 4 else cmpxchg64


def load_sext(size: int) -> Meaning:
    """The rule (_, loaded) -> register of a sign-extending load of ``size`` bytes."""
    return _SEXT[8 * size][0]


def immediate(insn: Instruction) -> int:
    """The immediate as the u64 that a register would hold: sign-extended."""
    return insn.imm & 0xFFFFFFFFFFFFFFFF
