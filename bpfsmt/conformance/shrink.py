"""A difference made as small as it can be: one input, and no instruction too many."""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.conformance.case import Agreement, Case, Checked
from bpfsmt.conformance.check import check
from bpfsmt.errors import BpfsmtError
from bpfsmt.isa.codec import Slots
from bpfsmt.isa.opcodes import AluOp, Class
from bpfsmt.program.program import Program

_DRAWN = frozenset({"random", "maps", "generated"})


def shrunk(found: Checked) -> Checked:
    """The same difference in fewer inputs and, of a program that was drawn, instructions.

    A difference is the same if it is in the same thing.
    """
    engines = [found.differences[0].engine]
    last = found.differences[0].input + 1
    for inputs in (found.case.inputs[last - 1 : last], found.case.inputs[:last]):
        again = check(replace(found.case, inputs=inputs), engines=engines)
        if _same(found, again):
            found = again
            break
    if found.case.group not in _DRAWN or len(found.case.program.functions) > 1:
        return found
    from bpfsmt.generate.minimise import minimise

    def shows(program: Program) -> bool:
        try:
            kept = _numbers_stay_numbers(found.case, program)
            again = replace(found.case, program=program)
            return kept and _same(found, check(again, engines=engines))
        except BpfsmtError:
            return False

    least = minimise(found.case.program, shows)
    return check(replace(found.case, program=least), engines=engines)


def _numbers_stay_numbers(case: Case, shorter: Program) -> bool:
    """Whether the shorter program still shows only numbers.

    Addresses differ between machine and kernel, and a program may show one where it no
    longer loads a number over it: in its frame, or in R0 after a lookup.
    """
    whole, less = case.program.slots, shorter.slots
    begin, end = case.frame
    in_frame = whole[:begin] == less[:begin]
    in_frame = in_frame and whole[len(whole) - end :] == less[len(less) - end :]
    return in_frame and _moves_to_r0(whole) == _moves_to_r0(less)


def _moves_to_r0(slots: Slots) -> int:
    move = Class.ALU64 | AluOp.MOV | 0x08
    return sum(s is not None and s.opcode == move and s.dst == 0 for s in slots)


def _same(one: Checked, other: Checked) -> bool:
    if other.agreement is not Agreement.DIFFERENT:
        return False
    return _what(one) == _what(other)


def _what(checked: Checked) -> str:
    """In what they differ, without the place in it."""
    return " ".join(checked.differences[0].what.split()[:2])
