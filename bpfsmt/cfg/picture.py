"""What both pictures of a control-flow graph show: the lines of text in every block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from bpfsmt.cfg.flow import callee
from bpfsmt.cfg.graph import ControlFlow
from bpfsmt.cfg.loops import irreducible_loops, natural_loops
from bpfsmt.cfg.order import reachable_blocks
from bpfsmt.errors import DecodeError
from bpfsmt.isa.disasm import disassemble
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import LdImm64Src
from bpfsmt.program.program import Program

Notes = Mapping[int, Sequence[str]]
"""For some pcs, texts to show beneath the instruction: register states, for instance."""

NOTE_WIDTH = 68
"""Longer notes are wrapped to so many characters."""

EDGE_COLOURS = {
    "taken": "#2a9259",
    "not-taken": "#cf4a5b",
    "both": "#8a6d3b",
    "jump": "#3a6ea8",
    "fall": "#7d8695",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line in a block: an instruction with its pc, or (``pc`` is `None`) a note."""

    pc: int | None
    text: str


def block_lines(cfg: ControlFlow, block: int, notes: Notes) -> tuple[Line, ...]:
    """The instructions of a block in the kernel's syntax, each with its notes beneath."""
    lines = []
    for pc, insn in cfg.graph.nodes[block]["insns"]:
        lines.append(Line(pc, instruction_text(cfg.program, pc, insn)))
        for note in notes.get(pc, ()):
            wrapped = wrap(note, NOTE_WIDTH, subsequent_indent="  ", break_on_hyphens=False)
            lines.extend(Line(None, part) for part in wrapped)
    return tuple(lines)


def instruction_text(program: Program, pc: int, insn: Instruction) -> str:
    """One instruction as in the kernel's log, with the name of what it refers to.

    An invalid instruction is shown by its opcode: a picture may be what explains it.
    """
    try:
        text = disassemble(insn, pc, "kernel").partition(") ")[2]
    except DecodeError:
        return f"invalid opcode {insn.opcode:#04x}"
    name = _referent(program, pc, insn)
    return f"{text}  ; {name}" if name else text


def _referent(program: Program, pc: int, insn: Instruction) -> str:
    target = callee(pc, insn)
    if target is not None:
        return program.functions.get(target, "")
    to_map = insn.is_ld_imm64 and insn.src in (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_VALUE)
    if not to_map or not 0 <= insn.imm < len(program.maps):
        return ""
    value = f" value + {insn.next_imm}" if insn.src == LdImm64Src.MAP_VALUE else ""
    return f"map {program.maps[insn.imm].name}{value}"


def summary(cfg: ControlFlow) -> str:
    """The counts for the subtitle of a picture: what is worth knowing at a glance."""
    dead = len(cfg.graph) - len(reachable_blocks(cfg))
    tangled = len(irreducible_loops(cfg))
    parts = [
        _count(len(cfg.block_starts), "instruction"),
        _count(len(cfg.graph), "block"),
        _count(len(cfg.functions), "function"),
        _count(len(natural_loops(cfg)), "loop"),
        *([_count(tangled, "irreducible loop")] if tangled else []),
        *([_count(dead, "unreachable block")] if dead else []),
        *([_count(len(cfg.problems), "problem")] if cfg.problems else []),
    ]
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
