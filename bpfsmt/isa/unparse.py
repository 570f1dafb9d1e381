"""A whole unit as assembly text again."""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.isa.asm import AsmUnit, is_function_reference
from bpfsmt.isa.codec import Slots
from bpfsmt.isa.directives import Directive, format_map, join
from bpfsmt.isa.disasm import disassemble
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import Class, JmpOp


def to_asm(unit: AsmUnit) -> str:
    """The unit as text with labels, which `bpfsmt.isa.assemble` reads back to the same
    slots, maps, functions, type, license and directives.

    >>> from bpfsmt.isa.asm import assemble
    >>> print(to_asm(assemble("if r1 > 2 goto +1\\nr0 = 1\\nexit")), end="")
    .func main
        if r1 > 2 goto L2
        r0 = 1
    L2:
        exit
    """
    return "".join(f"{line}\n" for line in _lines(unit))


def _lines(unit: AsmUnit) -> Iterator[str]:
    yield from (join(directive) for directive in unit.directives)
    for name, value in (("type", unit.type), ("license", unit.license)):
        if value is not None:
            yield join(Directive(name, (value,)))
    yield from (format_map(declared) for declared in unit.maps)
    labels = _labels(unit)
    maps = [declared.name for declared in unit.maps]
    for pc, insn in enumerate(unit.slots):
        if insn is None:
            continue
        if pc in unit.functions:
            yield f".func {unit.functions[pc]}"
        elif pc in labels:
            yield f"{labels[pc]}:"
        yield f"    {disassemble(insn, pc, maps=maps, labels=labels)}"


def _labels(unit: AsmUnit) -> dict[int, str]:
    """A name for each slot that is jumped to: the function's, or L and the slot."""
    labels = dict(unit.functions)
    taken = set(labels.values())
    for pc in sorted(_targets(unit.slots)):
        name = f"L{pc}"
        while name in taken:
            name += "_"
        labels.setdefault(pc, name)
    return labels


def _targets(slots: Slots) -> Iterator[int]:
    """The slots that instructions refer to, where an instruction starts there."""
    for pc, insn in enumerate(slots):
        distance = None if insn is None else target_distance(insn)
        if distance is not None:
            target = pc + 1 + distance
            if 0 <= target < len(slots) and slots[target] is not None:
                yield target


def target_distance(insn: Instruction) -> int | None:
    """How many slots behind the next one the instruction points to, if it points."""
    if is_function_reference(insn):
        return insn.imm
    if not insn.is_jmp or insn.jmp_op in (JmpOp.CALL, JmpOp.EXIT):
        return None
    return insn.imm if insn.cls is Class.JMP32 and insn.jmp_op is JmpOp.JA else insn.offset
