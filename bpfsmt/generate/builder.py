"""Building a program instruction by instruction, with forward jumps patched at the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bpfsmt.generate import insns
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import AluOp, JmpOp
from bpfsmt.program.program import MapDef, Program, ProgramType


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
        self.emit(insns.alu(op, dst, src, imm, wide=wide))

    def mov(self, dst: int, src: int) -> None:
        """``dst = src``, 64 bits."""
        self.emit(insns.mov(dst, src))

    def const(self, dst: int, value: int) -> None:
        """``dst = value``, whatever fits the fewest slots."""
        self.emit(insns.const(dst, value))

    def load(self, dst: int, base: int, off: int, size: int) -> None:
        """``dst = *(size *)(base + off)``."""
        self.emit(insns.load(dst, base, off, size))

    def store(self, base: int, off: int, src: int, size: int) -> None:
        """``*(size *)(base + off) = src``."""
        self.emit(insns.store(base, off, src, size))

    def store_imm(self, base: int, off: int, imm: int, size: int) -> None:
        """``*(size *)(base + off) = imm``."""
        self.emit(insns.store_imm(base, off, imm, size))

    def jump(
        self, op: JmpOp, dst: int, src: int | None, imm: int, label: str, *, wide: bool = True
    ) -> None:
        """``if dst op src goto label``."""
        self.pending.setdefault(label, []).append(len(self.slots))
        self.emit(insns.compare(op, dst, src, imm, wide=wide))

    def call(self, helper: int) -> None:
        """Call a helper by number."""
        self.emit(insns.call(helper))

    def map_ptr(self, dst: int, index: int) -> None:
        """``dst`` = the map ``Program.maps[index]``."""
        self.emit(insns.map_of(dst, index))

    def exit(self) -> None:
        """Leave the program."""
        self.emit(insns.EXIT)

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
