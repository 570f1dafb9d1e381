"""Instructions as text.

Two styles: ``"asm"`` can be assembled again by `bpfsmt.isa.asm`; ``"kernel"`` is what the
verifier log of Linux prints for the same instruction (``print_bpf_insn``), opcode byte
in front, which loses what an ``ld_imm64`` or a kfunc call refers to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bpfsmt.isa.helper_ids import HELPER_NAMES
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
from bpfsmt.isa.syntax import (
    ALU_SIGNS,
    ATOMIC_NAMES,
    ATOMIC_SIGNS,
    JMP_SIGNS,
    KERNEL_KFUNC,
    SIGNED_ALU_SIGNS,
    SIGNED_SIZE_NAMES,
    SIZE_NAMES,
    UNKNOWN_HELPER,
)
from bpfsmt.isa.validate import validate

Style: TypeAlias = Literal["asm", "kernel"]


def disassemble(
    insn: Instruction,
    pc: int | None = None,
    style: Style = "asm",
    *,
    maps: Sequence[str] = (),
    labels: Mapping[int, str] | None = None,
) -> str:
    """One instruction as text.

    ``maps`` names the maps that an ``ld_imm64`` refers to by index, and ``labels`` the
    jump targets by slot, used where ``pc`` is given.  Without names the numbers are
    printed.  Raises `DecodeError` for an invalid instruction.

    >>> disassemble(Instruction(opcode=0x15, offset=2))
    'if r0 == 0 goto +2'
    >>> disassemble(Instruction(opcode=0x15, offset=2), style="kernel")
    '(15) if r0 == 0x0 goto pc+2'
    >>> disassemble(Instruction(opcode=0x05, offset=2), pc=4, labels={7: "out"})
    'goto out'
    """
    validate(insn, pc or 0)
    text = _Printer(style == "kernel", pc, maps, labels or {}).text(insn)
    return f"({insn.opcode:02x}) {text}" if style == "kernel" else text


def listing(
    slots: Sequence[Instruction | None],
    style: Style = "asm",
    *,
    maps: Sequence[str] = (),
) -> str:
    """A whole program, one numbered line for each instruction, as the kernel numbers them.

    >>> print(listing([Instruction(opcode=0x18, imm=7), None, Instruction(opcode=0x95)]))
    0: r0 = 0x7 ll
    2: exit
    """
    return "\n".join(
        f"{pc}: {disassemble(insn, pc, style, maps=maps)}"
        for pc, insn in enumerate(slots)
        if insn is not None
    )


@dataclass(frozen=True, slots=True)
class _Printer:
    """One method for each group of instructions."""

    kernel: bool
    pc: int | None = None
    maps: Sequence[str] = ()
    labels: Mapping[int, str] = field(default_factory=dict)

    def text(self, insn: Instruction) -> str:
        match insn.cls:
            case Class.ALU | Class.ALU64:
                return self.alu(insn)
            case Class.JMP | Class.JMP32:
                return self.jump(insn)
            case Class.LD if insn.is_ld_imm64:
                return f"r{insn.dst} = {self.imm64(insn)}"
            case Class.LD:
                return self.packet_load(insn)
            case Class.LDX:
                names = SIZE_NAMES if insn.mode is Mode.MEM else SIGNED_SIZE_NAMES
                return f"r{insn.dst} = *({names[insn.size]} *)(r{insn.src} {insn.offset:+d})"
            case Class.ST:
                return f"*{_cell(insn)} = {insn.imm}"
            case Class.STX if insn.mode is Mode.MEM:
                return f"*{_cell(insn)} = r{insn.src}"
            case Class.STX:
                return self.atomic(insn)

    def alu(self, insn: Instruction) -> str:
        op, dst = insn.alu_op, insn.dst
        if op is AluOp.END:
            order = "bswap" if insn.cls is Class.ALU64 else "be" if insn.uses_reg else "le"
            return f"r{dst} = {order}{insn.imm} r{dst}"
        letter = "w" if insn.cls is Class.ALU else "r"
        if op is AluOp.NEG:
            return f"{letter}{dst} = -{letter}{dst}"
        sign, extend = ALU_SIGNS[op], ""
        if op is AluOp.MOV and insn.offset:
            extend = f"(s{insn.offset})"
        elif insn.offset:
            sign = SIGNED_ALU_SIGNS[op]
        operand = f"{letter}{insn.src}" if insn.uses_reg else f"{insn.imm}"
        return f"{letter}{dst} {sign} {extend}{operand}"

    def jump(self, insn: Instruction) -> str:
        op = insn.jmp_op
        if op is JmpOp.EXIT:
            return "exit"
        if op is JmpOp.CALL:
            return f"call {self.callee(insn)}"
        if op is JmpOp.JCOND:
            return f"may_goto {self.target(insn.offset)}"
        if op is JmpOp.JA and insn.cls is Class.JMP32:
            return f"gotol {self.target(insn.imm)}"
        if op is JmpOp.JA:
            return f"goto {self.target(insn.offset)}"
        letter = "w" if insn.cls is Class.JMP32 else "r"
        if insn.uses_reg:
            operand = f"{letter}{insn.src}"
        elif self.kernel:
            operand = f"0x{insn.imm & 0xFFFFFFFF:x}"
        else:
            operand = f"{insn.imm:#x}" if op is JmpOp.JSET else f"{insn.imm}"
        where = self.target(insn.offset)
        return f"if {letter}{insn.dst} {JMP_SIGNS[op]} {operand} goto {where}"

    def target(self, distance: int) -> str:
        """A jump target, ``distance`` slots behind the next instruction."""
        return self.label(distance) or f"{'pc' if self.kernel else ''}{distance:+d}"

    def label(self, distance: int) -> str | None:
        return None if self.pc is None else self.labels.get(self.pc + 1 + distance)

    def callee(self, insn: Instruction) -> str:
        if insn.src == CallSrc.LOCAL:
            return self.label(insn.imm) or f"pc{insn.imm:+d}"
        if insn.src == CallSrc.KFUNC:
            module = f"@{insn.offset}" if insn.offset and not self.kernel else ""
            return f"{KERNEL_KFUNC if self.kernel else 'kfunc'}#{insn.imm}{module}"
        if insn.imm in HELPER_NAMES:
            return f"{HELPER_NAMES[insn.imm]}#{insn.imm}"
        if self.kernel:
            return f"{UNKNOWN_HELPER if insn.imm else 'bpf_unspec'}#{insn.imm}"
        return f"{insn.imm}"

    def imm64(self, insn: Instruction) -> str:
        by_name = insn.src in (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_VALUE)
        named = by_name and 0 <= insn.imm < len(self.maps)
        if self.kernel and not named:
            return f"0x{insn.imm64:x}"
        which = f"map[{self.maps[insn.imm] if named else f'#{insn.imm}'}]"
        match LdImm64Src(insn.src):
            case LdImm64Src.IMM:
                return f"0x{insn.imm64:x} ll"
            case LdImm64Src.MAP_BY_FD:
                return which
            case LdImm64Src.MAP_VALUE:
                return f"{which}[0]{insn.next_imm:+d}"
            case LdImm64Src.MAP_BY_IDX:
                return f"map_idx[{insn.imm}]"
            case LdImm64Src.MAP_VALUE_BY_IDX:
                return f"map_idx[{insn.imm}][0]{insn.next_imm:+d}"
            case LdImm64Src.VARIABLE:
                return f"var[{insn.imm}]" + (f"@{insn.next_imm}" if insn.next_imm else "")
            case LdImm64Src.CODE:
                return f"func[{self.label(insn.imm) or f'pc{insn.imm:+d}'}]"

    def packet_load(self, insn: Instruction) -> str:
        where = f"{insn.imm}" if insn.mode is Mode.ABS else f"r{insn.src} + {insn.imm}"
        return f"r0 = *({SIZE_NAMES[insn.size]} *)skb[{where}]"

    def atomic(self, insn: Instruction) -> str:
        wide, cell, op = insn.size is Size.DW, _cell(insn), AtomicOp(insn.imm & ~FETCH)
        # the kernel's log says r for the 32-bit forms too
        letter = "r" if wide or self.kernel else "w"
        src, name = f"{letter}{insn.src}", "atomic64" if wide else "atomic"
        if op is AtomicOp.CMPXCHG:
            return f"{letter}0 = {name}_cmpxchg({cell}, {letter}0, {src})"
        if op is AtomicOp.XCHG:
            return f"{src} = {name}_xchg({cell}, {src})"
        if insn.imm & FETCH:
            return f"{src} = {name}_fetch_{ATOMIC_NAMES[op]}({cell}, {src})"
        return f"lock *{cell} {ATOMIC_SIGNS[op]} {src}"


def _cell(insn: Instruction) -> str:
    """The memory that a store writes, as a typed pointer."""
    return f"({SIZE_NAMES[insn.size]} *)(r{insn.dst} {insn.offset:+d})"
