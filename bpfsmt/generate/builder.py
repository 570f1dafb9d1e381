"""Building a program instruction by instruction, with forward jumps patched at the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, Class, JmpOp, LdImm64Src, Mode, Size
from bpfsmt.program.program import MapDef, Program, ProgramType

SIZES = {1: Size.B, 2: Size.H, 4: Size.W, 8: Size.DW}


@dataclass
class Builder:
    """Instructions so far, by slot, and jumps that still wait for their target."""

    slots: list[Instruction | None] = field(default_factory=list)
    pending: dict[str, list[int]] = field(default_factory=dict)

    def emit(self, insn: Instruction) -> None:
        """Append one instruction."""
        self.slots += [insn] if insn.slots == 1 else [insn, None]

    def alu(self, op: AluOp, dst: int, src: int | None, imm: int = 0, *, wide: bool = True) -> None:
        """``dst op= src`` or, with ``src`` None, ``dst op= imm``."""
        cls = Class.ALU64 if wide else Class.ALU
        source = 0 if src is None else 0x08
        self.emit(Instruction(cls | op | source, dst, src or 0, imm=imm))

    def mov(self, dst: int, src: int) -> None:
        """``dst = src``, 64 bits."""
        self.alu(AluOp.MOV, dst, src)

    def const(self, dst: int, value: int) -> None:
        """``dst = value``, whatever fits the fewest slots."""
        if -(1 << 31) <= value < 1 << 31:
            self.alu(AluOp.MOV, dst, None, value)
            return
        low, high = value & 0xFFFFFFFF, (value >> 32) & 0xFFFFFFFF
        halves = [h - (1 << 32) if h >> 31 else h for h in (low, high)]
        self.emit(Instruction(0x18, dst, LdImm64Src.IMM, imm=halves[0], next_imm=halves[1]))

    def load(self, dst: int, base: int, off: int, size: int) -> None:
        """``dst = *(size *)(base + off)``."""
        self.emit(Instruction(Class.LDX | Mode.MEM | SIZES[size], dst, base, off))

    def store(self, base: int, off: int, src: int, size: int) -> None:
        """``*(size *)(base + off) = src``."""
        self.emit(Instruction(Class.STX | Mode.MEM | SIZES[size], base, src, off))

    def store_imm(self, base: int, off: int, imm: int, size: int) -> None:
        """``*(size *)(base + off) = imm``."""
        self.emit(Instruction(Class.ST | Mode.MEM | SIZES[size], base, 0, off, imm))

    def jump(
        self, op: JmpOp, dst: int, src: int | None, imm: int, label: str, *, wide: bool = True
    ) -> None:
        """``if dst op src goto label``."""
        self.pending.setdefault(label, []).append(len(self.slots))
        cls = Class.JMP if wide else Class.JMP32
        source = 0 if src is None else 0x08
        self.emit(Instruction(cls | op | source, dst, src or 0, imm=imm))

    def call(self, helper: int) -> None:
        """Call a helper by number."""
        self.emit(Instruction(Class.JMP | JmpOp.CALL, imm=helper))

    def map_ptr(self, dst: int, index: int) -> None:
        """``dst`` = the map ``Program.maps[index]``."""
        self.emit(Instruction(0x18, dst, LdImm64Src.MAP_BY_FD, imm=index))

    def exit(self) -> None:
        """Leave the program."""
        self.emit(Instruction(Class.JMP | JmpOp.EXIT))

    def registers(self) -> set[int]:
        """The registers that the instructions so far mention."""
        return {r for i in self.slots if i is not None for r in (i.dst, i.src)}

    def label(self, name: str) -> None:
        """Here is where jumps to ``name`` go; a jump to the very next slot is kept."""
        for at in self.pending.pop(name, []):
            insn = self.slots[at]
            assert insn is not None
            self.slots[at] = replace(insn, offset=len(self.slots) - at - 1)

    def program(self, maps: tuple[MapDef, ...] = (), name: str = "generated") -> Program:
        """The finished program; every label must have been placed."""
        assert not self.pending, self.pending
        return Program(name, ProgramType.XDP, tuple(self.slots), maps)
