"""A difference made as small as it can be: one input, and no instruction too many."""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.conformance.case import Agreement, Checked
from bpfsmt.conformance.check import check
from bpfsmt.errors import BpfsmtError
from bpfsmt.program.program import Program

_DRAWN = frozenset({"random", "generated"})


def shrunk(found: Checked) -> Checked:
    """The same difference in fewer inputs and, of a program that was drawn, instructions.

    A difference is the same if it is in the same thing.
    """
    last = found.differences[0].input + 1
    for inputs in (found.case.inputs[last - 1 : last], found.case.inputs[:last]):
        again = check(replace(found.case, inputs=inputs))
        if _same(found, again):
            found = again
            break
    if found.case.group not in _DRAWN or len(found.case.program.functions) > 1:
        return found
    from bpfsmt.generate.minimise import minimise

    def shows(program: Program) -> bool:
        try:
            return _same(found, check(replace(found.case, program=program)))
        except BpfsmtError:
            return False

    return check(replace(found.case, program=minimise(found.case.program, shows)))


def _same(one: Checked, other: Checked) -> bool:
    if other.agreement is not Agreement.DIFFERENT:
        return False
    return _what(one) == _what(other)


def _what(checked: Checked) -> str:
    """In what they differ, without the place in it."""
    return " ".join(checked.differences[0].what.split()[:2])
