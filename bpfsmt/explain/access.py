"""What the instruction at fault was about to do: which register, how many bytes, where."""

from __future__ import annotations

from dataclasses import dataclass

from bpfsmt.domain import Reg, RegType, State
from bpfsmt.domain.analysis import Analysis, Visit
from bpfsmt.domain.reg import NOT_INIT
from bpfsmt.isa.disasm import disassemble
from bpfsmt.isa.helper_ids import HELPER_NAMES
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class
from bpfsmt.program.program import MapDef, Program
from bpfsmt.semantics.helpers import HELPERS, Arg

_SIZES = (Arg.SIZE, Arg.SIZE_OR_ZERO)


@dataclass(frozen=True, slots=True)
class Access:
    """``size`` bytes at register ``reg`` + ``off``; -1 where there is no register or size.

    ``what`` says it in words, ``claim`` is what the verifier knew of the register.
    """

    pc: int
    text: str
    what: str
    reg: int = -1
    claim: Reg = NOT_INIT
    off: int = 0
    size: int = -1
    write: bool = False

    @property
    def fixed(self) -> int:
        """The offset from the pointer's variable part."""
        return self.claim.off + self.off


def failing_visit(analysis: Analysis) -> Visit | None:
    """The state in which the instruction at fault was refused, if the walk came to it."""
    last = analysis.visits[-1] if analysis.visits else None
    return last if last is not None and last.pc == analysis.verdict.pc else None


def failing_access(analysis: Analysis) -> Access | None:
    """The access that a rejection is about; `None` if it names no instruction."""
    program, verdict = analysis.program, analysis.verdict
    if not 0 <= verdict.pc < len(program) or program.slots[verdict.pc] is None:
        return None
    insn, visit = program[verdict.pc], failing_visit(analysis)
    text = instruction_text(program, verdict.pc)
    if visit is None:
        return Access(verdict.pc, text, "", verdict.reg)
    state = visit.state
    if insn.cls in (Class.LDX, Class.ST, Class.STX):
        return _memory(verdict.pc, text, insn, state)
    if insn.helper is not None and verdict.reg > 0:
        return _argument(program, verdict.pc, text, insn, state, verdict.reg)
    if insn.is_alu:
        return _arithmetic(verdict.pc, text, insn, state, verdict.reg)
    if verdict.reg < 0:
        return Access(verdict.pc, text, "")
    return Access(verdict.pc, text, f"uses R{verdict.reg}", verdict.reg, state.regs[verdict.reg])


def instruction_text(program: Program, pc: int) -> str:
    """The instruction as assembly, or its opcode if it is none."""
    try:
        return disassemble(program[pc], maps=[m.name for m in program.maps])
    except Exception as error:
        return f"(no instruction: {error})"


def region_name(reg: Reg, maps: tuple[MapDef, ...]) -> str:
    """What a pointer points into, in words."""
    if reg.type in (RegType.PTR_TO_MAP_VALUE, RegType.PTR_TO_MAP_VALUE_OR_NULL):
        return f"a value of map {maps[reg.map].name}" if reg.map < len(maps) else "a map value"
    return {
        RegType.PTR_TO_PACKET: "the packet",
        RegType.PTR_TO_PACKET_META: "the packet's metadata",
        RegType.PTR_TO_STACK: "the stack",
        RegType.PTR_TO_CTX: "the context",
        RegType.SCALAR_VALUE: "memory at a number",
        RegType.NOT_INIT: "memory at a register that was never written",
    }.get(reg.type, f"memory at a {reg.type.value}")


def _memory(pc: int, text: str, insn: Instruction, state: State) -> Access:
    write = insn.cls is not Class.LDX
    base = insn.dst if write else insn.src
    verb = "writes" if write else "reads"
    what = f"{verb} {_bytes(insn.size.bytes)} at R{base}{insn.offset:+d}"
    return Access(
        pc, text, what, base, state.regs[base], insn.offset, insn.size.bytes, write
    )  # fmt: skip


def _argument(
    program: Program, pc: int, text: str, insn: Instruction, state: State, reg: int
) -> Access:
    """An argument of a helper: how much memory it stands for is in the helper's contract."""
    helper, name = HELPERS.get(insn.imm), HELPER_NAMES.get(insn.imm, f"helper {insn.imm}")
    args = helper.args if helper is not None else ()
    arg = args[reg - 1] if reg <= len(args) else None
    what, size, claim = f"hands R{reg} to {name}", -1, state.regs[reg]
    if arg in (Arg.MAP_KEY, Arg.MAP_VALUE):
        number = next((state.regs[i].map for i, a in enumerate(args, 1) if a is Arg.MAP), -1)
        if 0 <= number < len(program.maps):
            m = program.maps[number]
            size = m.key_size if arg is Arg.MAP_KEY else m.value_size
            role = "key" if arg is Arg.MAP_KEY else "value"
            what = f"hands R{reg} to {name} as a {role} of {_bytes(size)}"
    elif arg in _SIZES:
        what = f"hands R{reg} to {name} as the size of the memory at R{reg - 1}"
    elif reg < len(args) and args[reg] in _SIZES:
        size = min(state.regs[reg + 1].scalar.umax, 1 << 32)
        what = f"hands R{reg} to {name} as memory of up to {_bytes(size)}"
    return Access(pc, text, what, reg, claim, 0, size)


def _arithmetic(pc: int, text: str, insn: Instruction, state: State, reg: int) -> Access:
    """Arithmetic; where a pointer and a number meet it is the number that must be bounded."""
    dst, src = state.regs[insn.dst], state.regs[insn.src]
    if insn.uses_reg and RegType.NOT_INIT not in (dst.type, src.type):
        if dst.is_pointer and not src.is_pointer:
            what = f"moves the pointer R{insn.dst} by the number in R{insn.src}"
            return Access(pc, text, what, insn.src, src)
        if src.is_pointer and not dst.is_pointer:
            what = f"moves the pointer R{insn.src} by the number in R{insn.dst}"
            return Access(pc, text, what, insn.dst, dst)
    at = reg if reg >= 0 else insn.dst
    return Access(pc, text, f"uses R{at}", at, state.regs[at])


def _bytes(size: int) -> str:
    return "1 byte" if size == 1 else f"{size} bytes"
