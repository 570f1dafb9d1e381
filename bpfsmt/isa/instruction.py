"""One eBPF instruction as plain data (RFC 9669, section 3).

An :class:`Instruction` holds exactly the fields of the encoding, nothing derived.
``ld_imm64`` is one `Instruction` that takes two 8-byte slots; every program counter
in bpfsmt counts *slots*, as the kernel's log and jump offsets do.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpfsmt.isa.opcodes import AluOp, CallSrc, Class, JmpOp, Mode, Size

# Looked up, for calling an enumeration takes ten times as long and walks ask again and again.
_CLASSES = tuple(Class)
_ALU_OPS = {int(op): op for op in AluOp}
_JMP_OPS = {int(op): op for op in JmpOp}
_SIZES = tuple(Size)
_MODES = {int(mode): mode for mode in Mode}


@dataclass(frozen=True, slots=True)
class Instruction:
    """The fields of one instruction.

    ``opcode`` is the 8-bit opcode byte, ``dst`` and ``src`` are register numbers 0..10
    (or the pseudo values that `ld_imm64` and `call` put into ``src``), ``offset`` is the
    signed 16-bit and ``imm`` the signed 32-bit field.  ``next_imm`` is the signed 32-bit
    immediate of the second slot of `ld_imm64`, and 0 everywhere else.

    >>> Instruction(opcode=0xb7, dst=0, imm=2)
    Instruction(opcode=183, dst=0, src=0, offset=0, imm=2, next_imm=0)
    >>> Instruction(opcode=0x18, dst=1).slots
    2
    """

    opcode: int
    dst: int = 0
    src: int = 0
    offset: int = 0
    imm: int = 0
    next_imm: int = 0

    @property
    def cls(self) -> Class:
        """The instruction class, the low three bits of the opcode."""
        return _CLASSES[self.opcode & 0x07]

    @property
    def is_alu(self) -> bool:
        """Arithmetic, 32 or 64 bits wide."""
        return self.opcode & 0x07 in (0x04, 0x07)

    @property
    def is_jmp(self) -> bool:
        """Any instruction of the two jump classes: jumps, calls, exit."""
        return self.opcode & 0x07 in (0x05, 0x06)

    @property
    def is_call(self) -> bool:
        """A call: of a helper, a function of the program, or one of the kernel."""
        return self.opcode == 0x85

    @property
    def calls_local(self) -> bool:
        """A call of a function of the program, ``imm`` slots behind the next instruction."""
        return self.opcode == 0x85 and self.src == CallSrc.LOCAL

    @property
    def helper(self) -> int | None:
        """The number of the helper that is called, if one is.

        >>> Instruction(opcode=0x85, imm=12).helper
        12
        """
        return self.imm if self.opcode == 0x85 and self.src == CallSrc.HELPER else None

    @property
    def alu_op(self) -> AluOp:
        """The arithmetic operation (only for the two ALU classes)."""
        number = self.opcode & 0xF0
        op = _ALU_OPS.get(number)
        return AluOp(number) if op is None else op

    @property
    def jmp_op(self) -> JmpOp:
        """The jump operation (only for the two JMP classes)."""
        number = self.opcode & 0xF0
        op = _JMP_OPS.get(number)
        return JmpOp(number) if op is None else op

    @property
    def uses_reg(self) -> bool:
        """The source operand is a register (BPF_X), not the immediate (BPF_K)."""
        return bool(self.opcode & 0x08)

    @property
    def size(self) -> Size:
        """The access width of a load or store."""
        return _SIZES[self.opcode >> 3 & 3]

    @property
    def mode(self) -> Mode:
        """The addressing mode of a load or store."""
        number = self.opcode & 0xE0
        mode = _MODES.get(number)
        return Mode(number) if mode is None else mode

    @property
    def is_ld_imm64(self) -> bool:
        """The only instruction that takes two slots."""
        return self.opcode == 0x18

    @property
    def slots(self) -> int:
        """How many 8-byte slots the encoding takes: 2 for ``ld_imm64``, else 1."""
        return 2 if self.is_ld_imm64 else 1

    @property
    def imm64(self) -> int:
        """The unsigned 64-bit constant of a plain ``ld_imm64``."""
        return (self.imm & 0xFFFFFFFF) | ((self.next_imm & 0xFFFFFFFF) << 32)
